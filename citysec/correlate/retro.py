"""The stages `retro` and `rejudge`: assets against the indicators that are stored.

Assets are new, have changed or are withdrawn; or a warning list, on which what touches them may be, has.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

from sqlalchemy import select
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from citysec.correlate import cap
from citysec.correlate.assets import Assets, part_of_register
from citysec.correlate.batches import batches
from citysec.correlate.index import AssetIndex
from citysec.correlate.lookups import lookups
from citysec.correlate.reconcile import LOCK, hand_on, reconcile, recount
from citysec.correlate.rules import RegisteredAsset
from citysec.correlate.search import Fits, Found, search
from citysec.correlate.subjects import watch
from citysec.db import alone
from citysec.observable import AssetKind, Kind, Scope
from citysec.patterning import TRIED_ON
from citysec.tables.columns import now
from citysec.tables.matches import Match
from citysec.tables.register import Asset

INDICATORS: Final = 500
"""Indicators that are compared at once."""


async def correlate_assets(db: AsyncSession, payload: Mapping[str, Any]) -> None:
    """Bring the matches of these assets up to date, and hand on to triage what that changes.

    The whole register is not read: costs follow the number of assets and of what touches them.

    Args:
        db: the stage's transaction.
        payload: `{"assets": [asset id …]}`, added, changed or withdrawn ones.
    """
    await alone(db, LOCK)
    await watch(db, payload["assets"])
    changed = await _correlated(db, payload["assets"])
    # Who is concerned may have changed although no match has: triage looks at all that stand.
    hand_on(db, sorted({*changed, *await _standing(db, payload["assets"])}))


async def rejudge_assets(db: AsyncSession, payload: Mapping[str, Any]) -> None:
    """Bring the matches of these assets up to date with the warning lists, and hand on to triage what that changes.

    Args:
        db: the stage's transaction.
        payload: `{"assets": [asset id …]}`, those that something listed may touch.
    """
    hand_on(db, sorted(await _correlated(db, payload["assets"])))


async def _correlated(db: AsyncSession, asset_ids: Sequence[int]) -> set[str]:
    """Return the matches that were opened, changed or closed."""
    await alone(db, LOCK)
    at = now()
    owned, assets = await part_of_register(db, asset_ids)
    changed: set[str] = set()
    for batch in batches(await concerning(db, asset_ids, owned, assets), INDICATORS):
        changed.update(await reconcile(db, batch, assets, at, within=asset_ids))
    for batch in batches(await _over_the_cap(db, asset_ids), INDICATORS):
        changed.update(await recount(db, batch, at))
    return changed


async def _over_the_cap(db: AsyncSession, asset_ids: Collection[int]) -> list[str]:
    """Return the indicators over the cap whose count the assets may change: it holds what there is no match of, too.

    Withdrawn assets are asked for as if they were not, and trees as they are registered. What an autonomous system
    announced before nobody knows any more: if one is among them, all are returned.
    """
    every = await cap.capped(db)
    if not every:
        return []
    columns = (col(Asset.id), col(Asset.kind), col(Asset.key), col(Asset.scope))
    rows = await (await db.connection()).execute(select(*columns).where(col(Asset.id).in_(asset_ids)))
    assets = [RegisteredAsset(i or 0, AssetKind(kind), key, Scope(scope)) for i, kind, key, scope in rows]
    if any(asset.kind is AssetKind.ASN for asset in assets):
        return sorted(every)
    return sorted(every.intersection(await concerning(db, (), assets, Assets(AssetIndex(assets), {}))))


async def concerning(
    db: AsyncSession, asset_ids: Collection[int], owned: Sequence[RegisteredAsset[int]], assets: Assets
) -> list[str]:
    """Return the indicators that touch one of the assets, may do so, or have a match with one; sorted.

    Args:
        db: a session.
        asset_ids: the assets.
        owned: those of them that somebody owns; as `part_of_register` returns them.
        assets: the same as an index.
    """
    found = await search(db, lookups(owned), asset_ids)
    if not any(one.kind in TRIED_ON for one in found):
        return sorted({one.indicator_id for one in found})
    return await asyncio.to_thread(_fitting, found, assets.index)


async def _standing(db: AsyncSession, asset_ids: Collection[int]) -> set[str]:
    query = select(col(Match.id)).where(col(Match.asset_id).in_(asset_ids), col(Match.closed_at).is_(None))
    return set((await (await db.connection()).execute(query)).scalars())


def _fitting(found: Sequence[Found], index: AssetIndex[int]) -> list[str]:
    """Return the indicators that may touch one of the assets, sorted; expressions are tried until one of each fits."""
    fits, touching = Fits(index), set[str]()
    for one in found:
        if one.indicator_id not in touching and (not one.kind or fits.may_touch(Kind(one.kind), one.key)):
            touching.add(one.indicator_id)
    return sorted(touching)
