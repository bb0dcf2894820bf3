"""Pages of a list by keyset: a page costs the same however deep it lies, and nothing is shown twice or left out."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeAlias, TypeVar, cast

from sqlalchemy import ColumnElement, and_, or_
from sqlalchemy.orm import Mapped
from sqlmodel.sql.expression import Select, SelectOfScalar

from citysec.access import keys
from citysec.errors import InvalidInput
from citysec.web.api.operation import Call
from citysec.web.api.values import Page, Paging

_Row = TypeVar("_Row")
_Out = TypeVar("_Out")
_Position: TypeAlias = tuple[datetime | str | int, ...]
_Statement: TypeAlias = Select[*tuple[Any, ...]] | SelectOfScalar[Any]


@dataclass(frozen=True, slots=True)
class Keyset(Generic[_Row]):
    """The order of a list: columns that together name a row and never change, and how to read them off a row."""

    columns: tuple[Mapped[Any], ...]
    position: Callable[[_Row], _Position]

    def after(self, position: Sequence[Any]) -> ColumnElement[bool]:
        """Return the condition for the rows behind `position`."""
        pairs = list(zip(self.columns, position, strict=True))
        return or_(*(and_(*(c == v for c, v in pairs[:n]), column > value) for n, (column, value) in enumerate(pairs)))


async def page(
    call: Call[Any, Any], statement: _Statement, keyset: Keyset[_Row], out: Callable[[_Row], _Out]
) -> Page[_Out]:
    """Return the page of `statement` that the call's `limit` and `cursor` ask for.

    Args:
        call: its query is a `Paging`.
        statement: with every condition, without order and limit.
        keyset: the order.
        out: makes of a row what the reader gets.

    Raises:
        InvalidInput: the cursor is not one of ours for this list.
    """
    paging: Paging = call.query
    key = call.app.derived(f"cursor {call.name}")
    if paging.cursor is not None:
        statement = statement.where(keyset.after(_read(key, paging.cursor)))
    ordered = statement.order_by(*keyset.columns).limit(paging.limit + 1)
    rows = cast("Sequence[_Row]", (await call.db.exec(ordered)).all())
    shown = rows[: paging.limit]
    following = _written(key, keyset.position(shown[-1])) if len(rows) > paging.limit else None
    return Page(items=[out(row) for row in shown], next=following)


def _written(key: bytes, position: _Position) -> str:
    values = [{"at": v.isoformat()} if isinstance(v, datetime) else v for v in position]
    return keys.sealed(key, json.dumps(values).encode())


def _read(key: bytes, cursor: str) -> list[datetime | str | int]:
    payload = keys.unsealed(key, cursor)
    if payload is None:
        raise InvalidInput.at("cursor", "is not the `next` of a page of this list")
    values: list[str | int | dict[str, str]] = json.loads(payload)
    return [datetime.fromisoformat(v["at"]) if isinstance(v, dict) else v for v in values]
