"""The stage `retro`: new, changed and withdrawn assets against the indicators that are stored."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, Final, TypeVar

from sqlalchemy import ColumnElement, and_, or_, select
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from citysec.correlate.assets import Assets, part_of_register
from citysec.correlate.claims import ATOM, atom
from citysec.correlate.lookups import EXPRESSIONS, Lookups, lookups
from citysec.correlate.reconcile import LOCK, hand_on, reconcile
from citysec.db import alone
from citysec.tables.columns import now
from citysec.tables.feeds import IndicatorKey, StixObject
from citysec.tables.matches import Match

_KEYS: Final = 500  # keys in one statement
_RANGES: Final = 50  # ranges in one statement: SQLite nests them, and limits the depth
_INDICATORS: Final = 500  # indicators that are compared at once

_NEWEST: Final = (
    select(col(StixObject.stix_id))
    .join(IndicatorKey, col(IndicatorKey.object_id) == col(StixObject.id))
    .where(col(StixObject.latest))
)

_T = TypeVar("_T")


async def correlate_assets(db: AsyncSession, payload: Mapping[str, Any]) -> None:
    """Bring the matches of these assets up to date, and hand on to triage what that changes.

    The whole register is not read: costs follow the number of assets and of what touches them.

    Args:
        db: the stage's transaction.
        payload: `{"assets": [asset id …]}`, added, changed or withdrawn ones.
    """
    await alone(db, LOCK)
    asset_ids: list[int] = payload["assets"]
    at = now()
    owned, assets = await part_of_register(db, asset_ids)
    wanted = lookups(owned)
    indicators = await _candidates(db, wanted) | await _matched(db, asset_ids)
    if wanted.expressions:
        indicators |= await _expressing(db, assets)
    changed: list[str] = []
    for batch in _batches(sorted(indicators), _INDICATORS):
        changed += await reconcile(db, batch, assets, at, within=asset_ids)
    # Who is concerned may have changed although no match has: triage looks at all that stand.
    hand_on(db, sorted({*changed, *await _standing(db, asset_ids)}))


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
    kind, key = col(IndicatorKey.kind), col(IndicatorKey.key)
    for kind_wanted, keys in wanted.equal.items():
        for batch in _batches(sorted(keys), _KEYS):
            yield and_(kind == kind_wanted, key.in_(batch))
    for batch in _batches(sorted(wanted.ranges), _RANGES):
        yield or_(*(and_(kind == kind_wanted, key >= low, key < high) for kind_wanted, low, high in batch))


async def _expressing(db: AsyncSession, assets: Assets) -> set[str]:
    """Return the indicators with a LIKE or MATCHES that touches one of the assets: no index helps, all are tried."""
    query = select(col(StixObject.stix_id), *ATOM).join(IndicatorKey, col(IndicatorKey.object_id) == col(StixObject.id))
    of_names = col(StixObject.latest), col(IndicatorKey.kind).in_(EXPRESSIONS)
    rows = await (await db.connection()).execute(query.where(*of_names))
    atoms = ((stix_id, atom((kind, key, path, value, sure))) for stix_id, kind, key, path, value, sure in rows)
    return {stix_id for stix_id, expression in atoms if any(assets.index.matches(expression))}


async def _matched(db: AsyncSession, asset_ids: Collection[int]) -> set[str]:
    query = select(col(Match.indicator_id)).where(col(Match.asset_id).in_(asset_ids), col(Match.closed_at).is_(None))
    return set((await (await db.connection()).execute(query)).scalars())


def _batches(items: Sequence[_T], size: int) -> Iterator[Sequence[_T]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]
