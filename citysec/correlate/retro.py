"""The stages `retro` and `rejudge`: assets against the indicators that are stored.

Assets are new, have changed or are withdrawn; or a warning list, on which what touches them may be, has.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, Final

from sqlalchemy import ColumnElement, and_, or_, select
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from citysec.correlate import cap
from citysec.correlate.assets import Assets, part_of_register
from citysec.correlate.batches import batches
from citysec.correlate.index import AssetIndex
from citysec.correlate.lookups import Lookups, Span, lookups
from citysec.correlate.reconcile import LOCK, hand_on, reconcile, recount
from citysec.correlate.rules import RegisteredAsset
from citysec.correlate.subjects import watch
from citysec.db import alone
from citysec.observable import AssetKind, Kind, Scope
from citysec.patterning import NAME_PATH, Atom, Op
from citysec.tables.columns import now
from citysec.tables.feeds import IndicatorKey, StixObject
from citysec.tables.matches import Match
from citysec.tables.register import Asset

_KEYS: Final = 500  # keys in one statement
_PARTS: Final = 50  # ranges, or lists of keys, in one statement: SQLite nests them, and limits the depth
INDICATORS: Final = 500
"""Indicators that are compared at once."""

_NEWEST: Final = (
    select(col(StixObject.stix_id))
    .join(IndicatorKey, col(IndicatorKey.object_id) == col(StixObject.id))
    .where(col(StixObject.latest))
)


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
    wanted = lookups(owned)
    indicators = await _candidates(db, wanted) | await _expressing(db, wanted.expressions, assets)
    return sorted(indicators | await _matched(db, asset_ids))


async def _standing(db: AsyncSession, asset_ids: Collection[int]) -> set[str]:
    query = select(col(Match.id)).where(col(Match.asset_id).in_(asset_ids), col(Match.closed_at).is_(None))
    return set((await (await db.connection()).execute(query)).scalars())


async def _candidates(db: AsyncSession, wanted: Lookups) -> set[str]:
    """Return the indicators with an atom whose key is such that it may touch one of the assets."""
    connection, found = await db.connection(), set[str]()
    for condition in _conditions(wanted):
        found.update((await connection.execute(_NEWEST.where(condition))).scalars())
    return found


def _conditions(wanted: Lookups) -> Iterator[ColumnElement[bool]]:
    """Yield what the keys must fulfil, in parts that one statement can ask for: one for a single asset."""
    parts: list[ColumnElement[bool]] = []
    for kind, keys in wanted.equal.items():
        equal = col(IndicatorKey.kind) == kind
        parts += (and_(equal, col(IndicatorKey.key).in_(batch)) for batch in batches(sorted(keys), _KEYS))
    parts += map(_within, sorted(wanted.ranges))
    for batch in batches(parts, _PARTS):
        yield or_(*batch)


def _within(span: Span) -> ColumnElement[bool]:
    kind, key = col(IndicatorKey.kind), col(IndicatorKey.key)
    return and_(kind == span[0], key >= span[1], key < span[2])


async def _expressing(db: AsyncSession, spans: Collection[Span], assets: Assets) -> set[str]:
    """Return the indicators with a LIKE or MATCHES that touches one of the assets: those in `spans` are tried."""
    connection, found = await db.connection(), set[str]()
    query = _NEWEST.add_columns(col(IndicatorKey.kind), col(IndicatorKey.key))
    for batch in batches(sorted(spans), _PARTS):
        for stix_id, kind, key in await connection.execute(query.where(or_(*map(_within, batch)))):
            if any(assets.index.matches(_expression(Kind(kind), key))):
                found.add(stix_id)
    return found


def _expression(kind: Kind, key: str) -> Atom:
    """Return the atom that the index holds under the key of an expression."""
    _, _, text = key.partition(" ")
    return Atom(kind, text, NAME_PATH, text, certain=True, op=Op.LIKE if kind is Kind.NAME_LIKE else Op.MATCHES)


async def _matched(db: AsyncSession, asset_ids: Collection[int]) -> set[str]:
    query = select(col(Match.indicator_id)).where(col(Match.asset_id).in_(asset_ids), col(Match.closed_at).is_(None))
    return set((await (await db.connection()).execute(query)).scalars())
