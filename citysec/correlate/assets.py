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

NOBODYS: Final = "suffixes.nobodys"
"""Name of the `Meta` row with the keys of the trees that are public suffixes, apart by blanks."""

_Row = tuple[int, str, str, str, str]


@dataclass(frozen=True, slots=True)
class _Read:
    """Rows of owned assets, one for each owner, and what else says how far they reach."""

    rows: Sequence[_Row]
    shares: Mapping[int, tuple[Share, ...]]
    nobodys: Collection[int]


@dataclass(frozen=True, slots=True)
class Assets:
    """Owned assets: their index, and asset id -> ids of the constituents that own it.

    `nobodys` are the trees that are public suffixes now: they reach no name below them.
    """

    index: AssetIndex[int]
    owners: Mapping[int, Sequence[str]]
    nobodys: Collection[int] = ()


_kept: WeakKeyDictionary[Engine | Connection, tuple[str, Assets]] = WeakKeyDictionary()


async def whole_register(db: AsyncSession) -> Assets:
    """Return all owned assets, from memory if the register has not changed since."""
    revision = await db.get(Meta, REVISION, populate_existing=True)
    wanted, database = revision.value if revision else "", db.get_bind()
    known, assets = _kept.get(database, (None, None))
    if assets is None or known != wanted:
        read = await _read(db, None)
        assets = await asyncio.to_thread(_assets, read)  # a large register takes a second, and the loop goes on
        _kept[database] = wanted, assets
    return assets


async def part_of_register(
    db: AsyncSession, asset_ids: Collection[int]
) -> tuple[Sequence[RegisteredAsset[int]], Assets]:
    """Return those of `asset_ids` that somebody owns, one by one and as an index."""
    read = await _read(db, asset_ids)
    return _each(read), _assets(read)


async def registered_assets(db: AsyncSession) -> Sequence[RegisteredAsset[int]]:
    """Return all owned assets, one by one."""
    return _each(await _read(db, None))


async def _read(db: AsyncSession, asset_ids: Collection[int] | None) -> _Read:
    columns = (col(Asset.id), col(Asset.kind), col(Asset.key), col(Asset.scope), col(AssetOwner.constituent_id))
    query = select(*columns).join(AssetOwner, col(AssetOwner.asset_id) == col(Asset.id)).order_by(col(Asset.id))
    if asset_ids is not None:
        query = query.where(col(Asset.id).in_(asset_ids))
    found = await (await db.connection()).execute(query)
    rows = [(row[0] or 0, row[1], row[2], row[3], row[4]) for row in found]
    shares = await announced.shares_of(db, {int(row[2]) for row in rows if row[1] == AssetKind.ASN})
    suffixes = await db.get(Meta, NOBODYS, populate_existing=True)
    keys = set(suffixes.value.split()) if suffixes else set[str]()
    nobodys = {row[0] for row in rows if row[2] in keys and row[3] == Scope.TREE} if keys else set[int]()
    return _Read(rows, shares, nobodys)


def _assets(read: _Read) -> Assets:
    owners: dict[int, list[str]] = {}
    for asset_id, *_, owner in read.rows:
        owners.setdefault(asset_id, []).append(owner)
    return Assets(AssetIndex(_each(read)), owners, read.nobodys)


def _each(read: _Read) -> list[RegisteredAsset[int]]:
    """Return each asset once, however many own it."""
    rows = {row[0]: row for row in read.rows}.values()
    return [
        RegisteredAsset(
            asset_id,
            AssetKind(kind),
            key,
            Scope.EXACT if asset_id in read.nobodys else Scope(scope),
            read.shares.get(int(key), ()) if kind == AssetKind.ASN else (),
        )
        for asset_id, kind, key, scope, _ in rows
    ]
