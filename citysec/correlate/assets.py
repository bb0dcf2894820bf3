"""The register as correlation needs it, read from the database: who owns which asset, and the index of them.

The whole register is kept in memory, one per database and process, until its revision (a `Meta` row that every change
of the register counts up) is another one. Assets that nobody owns any more are not in it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from weakref import WeakKeyDictionary

from sqlalchemy import Connection, Engine, select
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from citysec import announced
from citysec.correlate.index import AssetIndex
from citysec.correlate.rules import RegisteredAsset
from citysec.observable import AssetKind, Scope
from citysec.routing import Share
from citysec.tables.register import Asset, AssetOwner
from citysec.tables.work import Meta

REVISION: Final = "register.revision"
"""Name of the `Meta` row that counts changes of the register."""

_Row = tuple[int, str, str, str, str]
_Shares = Mapping[int, tuple[Share, ...]]


@dataclass(frozen=True, slots=True)
class Assets:
    """Owned assets: their index, and asset id -> ids of the constituents that own it."""

    index: AssetIndex[int]
    owners: Mapping[int, Sequence[str]]


_kept: WeakKeyDictionary[Engine | Connection, tuple[str, Assets]] = WeakKeyDictionary()


async def whole_register(db: AsyncSession) -> Assets:
    """Return all owned assets, from memory if the register has not changed since."""
    revision = await db.get(Meta, REVISION, populate_existing=True)
    wanted, database = revision.value if revision else "", db.get_bind()
    known, assets = _kept.get(database, (None, None))
    if assets is None or known != wanted:
        rows = await _rows(db, None)
        shares = await _shares(db, rows)
        assets = await asyncio.to_thread(_assets, rows, shares)  # a large register takes a second, and the loop goes on
        _kept[database] = wanted, assets
    return assets


async def part_of_register(
    db: AsyncSession, asset_ids: Collection[int]
) -> tuple[Sequence[RegisteredAsset[int]], Assets]:
    """Return those of `asset_ids` that somebody owns, one by one and as an index."""
    rows = await _rows(db, asset_ids)
    shares = await _shares(db, rows)
    return _each(rows, shares), _assets(rows, shares)


async def registered_assets(db: AsyncSession) -> Sequence[RegisteredAsset[int]]:
    """Return all owned assets, one by one."""
    rows = await _rows(db, None)
    return _each(rows, await _shares(db, rows))


async def _shares(db: AsyncSession, rows: Sequence[_Row]) -> _Shares:
    """Return the number of each autonomous system among the assets -> what it announces."""
    return await announced.shares_of(db, {int(row[2]) for row in rows if row[1] == AssetKind.ASN})


async def _rows(db: AsyncSession, asset_ids: Collection[int] | None) -> Sequence[_Row]:
    columns = (col(Asset.id), col(Asset.kind), col(Asset.key), col(Asset.scope), col(AssetOwner.constituent_id))
    query = select(*columns).join(AssetOwner, col(AssetOwner.asset_id) == col(Asset.id)).order_by(col(Asset.id))
    if asset_ids is not None:
        query = query.where(col(Asset.id).in_(asset_ids))
    rows = await (await db.connection()).execute(query)
    return [(row[0] or 0, row[1], row[2], row[3], row[4]) for row in rows]


def _assets(rows: Sequence[_Row], shares: _Shares) -> Assets:
    owners: dict[int, list[str]] = {}
    for asset_id, *_, owner in rows:
        owners.setdefault(asset_id, []).append(owner)
    return Assets(AssetIndex(_each(rows, shares)), owners)


def _each(rows: Sequence[_Row], shares: _Shares) -> list[RegisteredAsset[int]]:
    """Return each asset once, however many own it."""
    return [
        RegisteredAsset(i, AssetKind(kind), key, Scope(scope), shares.get(int(key), ()) if kind == "asn" else ())
        for i, kind, key, scope, _ in {row[0]: row for row in rows}.values()
    ]
