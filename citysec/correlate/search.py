"""Asks the indicator index, and the open matches, for what may touch assets: one statement for an asset.

The statements are written out, and handed to the driver as they are: composed by SQLAlchemy each takes longer than its
execution. Each list or range of keys is a query by itself, so that the index serves it; joined by OR, SQLite goes
through the whole table for some.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Collection, Iterable, Iterator, Sequence
from time import thread_time
from typing import Any, Final, NamedTuple

from sqlmodel.ext.asyncio.session import AsyncSession

from citysec.correlate.batches import batches
from citysec.correlate.index import AssetIndex
from citysec.correlate.lookups import Lookups
from citysec.correlate.patience import Patience
from citysec.db import dialect
from citysec.observable import Kind
from citysec.patterning import NAME_PATH, TRIED_ON, Atom, Op

_KEYS: Final = 500  # in one list
_QUERIES: Final = 40  # in one statement, of SQLite's 500
_ROWS: Final = 10_000
_FOUND: Final = (
    "SELECT o.stix_id, k.kind, k.key FROM indicator_key AS k JOIN stix_object AS o ON o.id = k.object_id"
    " WHERE o.latest AND k.kind = {}"
)
_ALL_KEYS: Final = "SELECT kind, key, object_id FROM indicator_key"
_MATCHED: Final = """SELECT indicator_id, '', '' FROM "match" WHERE closed_at IS NULL"""


class Found(NamedTuple):
    """An indicator or a vulnerability, and by which kind and key it was found; empty for those that have a match."""

    indicator_id: str
    kind: str
    key: str


class _Query(NamedTuple):
    """SQL with `{}` for each of its parameters."""

    sql: str
    parameters: Sequence[str | int]


async def search(db: AsyncSession, wanted: Lookups, asset_ids: Collection[int]) -> list[Found]:
    """Return what has a wanted key, or an open match with one of the assets; what has several comes several times."""
    connection, mark = await db.connection(), "${}" if dialect(db) == "postgresql" else "?"
    found: list[Found] = []
    for part in batches([*_queries(wanted), *_matches(asset_ids)], _QUERIES):
        parameters = tuple(parameter for query in part for parameter in query.parameters)
        marks = (mark.format(number) for number in range(1, len(parameters) + 1))
        statement = " UNION ALL ".join(query.sql for query in part).format(*marks)
        found += (Found(*row) for row in await connection.exec_driver_sql(statement, parameters))
    return found


async def scan(db: AsyncSession, index: AssetIndex[int]) -> AsyncGenerator[int, None]:
    """Yield the row ids of all indexed objects that may touch an asset of `index`, some of them several times.

    Reading all keys costs less than looking for those of each asset, where these are tens of thousands.
    """
    async for rows in _all_keys(db):
        for object_id in await asyncio.to_thread(_touching, rows, index):
            yield object_id


def _touching(rows: Iterable[Sequence[Any]], index: AssetIndex[int]) -> set[int]:
    """Return the objects of those rows of the index that may touch an asset."""
    kinds, fits, touching = {kind.value: kind for kind in Kind}, Fits(index), set[int]()
    for name, key, object_id in rows:
        kind = kinds[name]
        if object_id not in touching and index.may_touch(kind, key) and fits.may_touch(kind, key):
            touching.add(object_id)
    return touching


async def _all_keys(db: AsyncSession) -> AsyncGenerator[Sequence[tuple[str, str, int]], None]:
    """Yield all rows of the index, in parts, as the driver gives them: SQLAlchemy takes three times as long."""
    connection = await db.connection()
    await connection.exec_driver_sql("SELECT 1")  # begins the transaction, if none has begun yet
    driver: Any = (await connection.get_raw_connection()).driver_connection
    if dialect(db) == "postgresql":
        cursor = await driver.cursor(_ALL_KEYS)
        fetch = cursor.fetch
    else:
        cursor = await driver.execute(_ALL_KEYS)
        fetch = cursor.fetchmany
    while rows := await fetch(_ROWS):
        yield rows


class Fits:
    """Expressions of the index, which stand under one label of what they fit, tried on assets by one thread."""

    def __init__(self, index: AssetIndex[int]) -> None:
        self._index = index
        self._patience: Patience | None = None

    def may_touch(self, kind: Kind, key: str) -> bool:
        """Return whether an expression fits an asset, or takes too long to tell; True for what is no expression."""
        if kind not in TRIED_ON:
            return True
        self._patience = patience = self._patience or Patience(self._index.size, thread_time)
        spent, (_, _, text) = patience.spent, key.partition(" ")
        patience.begin()
        atom = Atom(kind, text, NAME_PATH, text, certain=True, op=Op.MATCHES)
        return any(self._index.fitting(atom, patience)) or patience.spent > spent


def _queries(wanted: Lookups) -> Iterator[_Query]:
    for kind, keys in wanted.equal.items():
        for part in batches(sorted(keys), _KEYS):
            yield _Query(f"{_FOUND} AND k.key IN ({_list(part)})", (kind.value, *part))
    for kind, low, high in sorted(wanted.ranges | wanted.expressions):
        yield _Query(f"{_FOUND} AND k.key >= {{}} AND k.key < {{}}", (kind.value, low, high))


def _matches(asset_ids: Collection[int]) -> Iterator[_Query]:
    for part in batches(sorted(asset_ids), _KEYS):
        yield _Query(f"{_MATCHED} AND asset_id IN ({_list(part)})", part)


def _list(items: Sequence[object]) -> str:
    return ", ".join(["{}"] * len(items))
