"""Column types and defaults that every table shares."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache
from time import time_ns
from typing import Any, Final

from sqlalchemy import JSON, BigInteger, DateTime, Dialect, Integer, String, Text, TypeDecorator
from sqlalchemy.orm import declared_attr
from sqlmodel import SQLModel

KeyText: Final = String().with_variant(String(collation="C"), "postgresql")
"""Text that is compared and ordered byte by byte on every database."""

LONGEST_KEY: Final = 2600
"""Bytes of a key that an index of PostgreSQL holds for sure; of a page of 8 kB it takes a third."""

Json: Final = JSON(none_as_null=True)
LongText: Final = Text()
IN_ORDER: Final = {"sqlite_with_rowid": False}
"""Of a table whose primary key is nearly all: SQLite keeps its rows in that order, without an index beside them."""
BigCount: Final = BigInteger().with_variant(Integer(), "sqlite")
"""A 64-bit number; on SQLite `INTEGER`, the only type whose primary keys it counts up by itself."""


def indexable(key: str) -> bool:
    """Return whether every database can have `key` in an index: of one that is longer PostgreSQL makes an error."""
    return len(key) * 4 <= LONGEST_KEY or len(key.encode()) <= LONGEST_KEY


class Row(SQLModel):
    """A table's row; the table's name is the class's in snake case."""

    model_config = {"defer_build": True}

    @declared_attr.directive
    def __tablename__(cls) -> str:  # noqa: N805  # pyright: ignore[reportIncompatibleVariableOverride]
        return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", cls.__name__).lower()


class UtcDateTime(TypeDecorator[datetime]):
    """An aware instant: naive values are refused, what comes back is UTC.

    It stands in for the driver's own conversion: ingest writes five instants a row.
    """

    impl = DateTime(timezone=True)
    cache_ok = True

    def bind_processor(self, dialect: Dialect) -> Callable[[datetime | None], Any]:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Return what turns an instant into what the database wants; a naive one is a `ValueError`."""
        return _written if dialect.name == "sqlite" else _utc

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], datetime | None]:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Return what turns the stored instant into an aware time in UTC."""
        return _read if dialect.name == "sqlite" else _utc


def _utc(value: datetime | None) -> datetime | None:
    if value is None or value.tzinfo is UTC:
        return value
    if value.tzinfo is None:
        raise ValueError(f"naive time {value!r}")
    return value.astimezone(UTC)


@lru_cache(maxsize=4096)  # objects of one publication share their instants
def _written(value: datetime | None) -> str | None:
    utc = _utc(value)
    return utc.isoformat(" ", "microseconds").removesuffix("+00:00") if utc is not None else None


@lru_cache(maxsize=4096)
def _read(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text + "+00:00") if text is not None else None


def new_id() -> str:
    """Return a fresh row id; younger ones sort behind older ones, so that an index grows at its end.

    48 bits of milliseconds and 80 of chance, as in a UUID of version 7 (RFC 9562 §5.7).
    """
    return f"{time_ns() // 1_000_000:012x}{secrets.token_hex(10)}"


def now() -> datetime:
    """Return the present instant; the only clock of rows and stages."""
    return datetime.now(UTC)
