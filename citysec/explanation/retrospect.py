"""What the lines of a register file would be matched with, before anybody is told."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import func, select
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from citysec import announced
from citysec.constituency.lines import Line
from citysec.constituency.plan import Plan
from citysec.correlate.history import History, histories
from citysec.correlate.retro import batches
from citysec.correlate.rules import RegisteredAsset
from citysec.correlate.unwatched import if_registered
from citysec.observable import AssetKind
from citysec.tables.register import Asset, Constituent
from citysec.tlp import TLP

_Identity = tuple[str, str, str]
_ASSETS: Final = 500  # whose history is read at once


def new(plan: Plan[Line]) -> list[Line]:
    """Return the lines of a plan that bring an asset: those added, and those whose asset is another, if verified.

    A history is not for those who say only that an asset is theirs.
    """
    changed = (change for change in plan.changed if _identity(change.before) != _identity(change.after))
    return [line for line in (*plan.added, *(change.after for change in changed)) if line.verified is not False]


async def retrospect(
    db: AsyncSession, lines: Sequence[Line], at: datetime, ceiling: TLP = TLP.RED
) -> dict[str, History]:
    """Return the id of each line whose asset has a history, of what is said up to `ceiling` -> that history."""
    distinct = {_identity(line): line for line in lines}
    ids = await _ids(db, distinct)
    systems = {int(line.asset.key) for line in distinct.values() if line.kind is AssetKind.ASN}
    shares = await announced.shares_of(db, systems)
    assets = [
        RegisteredAsset(ids[identity], one.kind, one.asset.key, one.scope, shares.get(int(one.asset.key), ()))
        if one.kind is AssetKind.ASN
        else RegisteredAsset(ids[identity], one.kind, one.asset.key, one.scope)
        for identity, one in distinct.items()
    ]
    owners = await _owners(db)
    rows = [(ids[_identity(one)], one.kind.value, one.asset.key, owners[one.organisation]) for one in lines]
    unwatched = await if_registered(db, rows)
    found: dict[int, History] = {}
    for part in batches(assets, _ASSETS):
        found |= await histories(db, part, at, unwatched, ceiling)
    return {line.ref: found[number] for line in lines if (number := ids[_identity(line)]) in found}


async def _ids(db: AsyncSession, identities: Collection[_Identity]) -> dict[_Identity, int]:
    """Return the ids that these assets have, or will have if they are registered."""
    connection, known = await db.connection(), dict[_Identity, int]()
    columns = (col(Asset.kind), col(Asset.key), col(Asset.scope), col(Asset.id))
    for part in batches(sorted({key for _, key, _ in identities}), _ASSETS):
        here = (col(Asset.kind).in_(AssetKind), col(Asset.key).in_(part))  # the index begins with the kind
        rows = await connection.execute(select(*columns).where(*here))
        known |= {(kind, key, scope): asset_id or 0 for kind, key, scope, asset_id in rows}
    newest = (await connection.execute(select(func.max(col(Asset.id))))).scalar() or 0
    fresh = (identity for identity in identities if identity not in known)
    return known | {identity: number for number, identity in enumerate(fresh, newest + 1)}


async def _owners(db: AsyncSession) -> dict[str, str]:
    """Return name -> id of the constituents."""
    rows = await (await db.connection()).execute(select(col(Constituent.name), col(Constituent.id)))
    return {row[0]: row[1] for row in rows}


def _identity(line: Line) -> _Identity:
    return line.kind, line.asset.key, line.scope
