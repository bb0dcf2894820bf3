"""Column types and defaults that every table shares."""

from __future__ import annotations

import re
import uuid
from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import JSON, BigInteger, DateTime, Dialect, Integer, String, Text, TypeDecorator
from sqlalchemy.orm import declared_attr
from sqlmodel import SQLModel

KeyText: Final = String().with_variant(String(collation="C"), "postgresql")
"""Text that is compared and ordered byte by byte on every database."""

Json: Final = JSON(none_as_null=True)
LongText: Final = Text()
BigCount: Final = BigInteger().with_variant(Integer(), "sqlite")
"""A 64-bit number; on SQLite `INTEGER`, the only type whose primary keys it counts up by itself."""


class Row(SQLModel):
    """A table's row; the table's name is the class's in snake case."""

    @declared_attr.directive
    def __tablename__(cls) -> str:  # noqa: N805  # pyright: ignore[reportIncompatibleVariableOverride]
        return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", cls.__name__).lower()


class UtcDateTime(TypeDecorator[datetime]):
    """An aware instant: naive values are refused, what comes back is UTC."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Return `value` in UTC as the database wants it.

        Raises:
            ValueError: `value` has no time zone.
        """
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"naive time {value!r}")
        utc = value.astimezone(UTC)
        return utc.replace(tzinfo=None) if dialect.name == "sqlite" else utc

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        """Return the stored instant as an aware time in UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def new_id() -> str:
    """Return a fresh opaque row id."""
    return uuid.uuid4().hex


def now() -> datetime:
    """Return the present instant; the only clock of rows and stages."""
    return datetime.now(UTC)
