"""Rows and ids by the thousand, without SQLAlchemy's work on each of them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any, Final, cast

import msgspec
from sqlalchemy import JSON, Boolean, ColumnElement, Dialect, bindparam, column, insert
from sqlalchemy import table as lightweight
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.orm import Mapped
from sqlalchemy.types import TypeEngine
from sqlmodel import SQLModel
from sqlmodel.ext.asyncio.session import AsyncSession

COPIED: Final = 50
"""So many rows at once, or more, are copied where the database can."""


def among(column: Mapped[Any], values: Collection[Any]) -> ColumnElement[bool]:
    """Return the condition that a column has one of `values`; where they are thousands, `in_` looks at each twice."""
    kind = cast("ColumnElement[Any]", column).type
    return column.in_(bindparam(None, list(values), kind, expanding=True, unique=True))


async def insert_many(session: AsyncSession, table: type[SQLModel], rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert rows that all name the same columns; every one that has no default in the database.

    SQLAlchemy writes the statement and converts the values, but is spared its work on each row, most of the cost.
    """
    if rows:
        names = tuple(rows[0])
        await _insert(session, table, names, [[row[name] for row in rows] for name in names])


async def insert_records(
    session: AsyncSession, table: type[SQLModel], names: tuple[str, ...], records: Sequence[tuple[Any, ...]]
) -> None:
    """Insert rows as `insert_many` does, given as tuples of the columns `names`: cheaper for rows by the thousand."""
    if records:
        await _insert(session, table, names, zip(*records, strict=True))


async def _insert(
    session: AsyncSession, table: type[SQLModel], names: tuple[str, ...], columns: Iterable[Sequence[Any]]
) -> None:
    connection = await session.connection()
    statement, converters = _prepared(connection.dialect, _name(table), names)
    written = [_converted(values, convert) for values, convert in zip(columns, converters, strict=True)]
    records = list(zip(*written, strict=True))
    if len(records) < COPIED or not await _copied(connection, _name(table), names, records):
        await connection.exec_driver_sql(statement, records)


async def _copied(connection: AsyncConnection, table: str, names: Sequence[str], records: Sequence[Any]) -> bool:
    """Insert by PostgreSQL's COPY, which costs us less; False where there is none, or no transaction has begun yet."""
    if connection.dialect.name != "postgresql":
        return False
    driver: Any = (await connection.get_raw_connection()).driver_connection
    if not driver.is_in_transaction():  # SQLAlchemy begins it with its first statement, which this is none of
        return False
    await driver.copy_records_to_table(table, records=records, columns=names)
    return True


def _converted(values: Sequence[Any], convert: Callable[[Any], Any] | None) -> Sequence[Any]:
    """Convert the values of a column; one that they all share, as the instant of a batch, once."""
    if convert is None:
        return values
    first = values[0]
    if all(value is first for value in values):
        return [convert(first)] * len(values)
    return [convert(value) for value in values]


def _name(table: type[SQLModel]) -> str:
    return str(table.__tablename__)  # pyright: ignore[reportUnknownArgumentType, reportUnknownMemberType]


@lru_cache(maxsize=64)
def _prepared(
    dialect: Dialect, table: str, names: tuple[str, ...]
) -> tuple[str, Sequence[Callable[[Any], Any] | None]]:
    """Return what inserts these columns: the statement, and what converts each for the driver."""
    types = {name: SQLModel.metadata.tables[table].columns[name].type for name in names}
    bare = lightweight(table, *(column(name, type_) for name, type_ in types.items()))
    compiled = insert(bare).compile(dialect=dialect, column_keys=list(names))
    return str(compiled), [_converter(each, dialect) for each in types.values()]


def _converter(kind: TypeEngine[Any], dialect: Dialect) -> Callable[[Any], Any] | None:
    """Return what converts a column's values; the drivers take booleans as they are, and JSON needs no questions."""
    if isinstance(kind, Boolean):
        return None
    return _json if isinstance(kind, JSON) else kind.dialect_impl(dialect).bind_processor(dialect)


def _json(value: Any) -> str | None:
    return None if value is None else msgspec.json.encode(value).decode()
