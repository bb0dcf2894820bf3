"""Which indicators were seen: what was observed now, with what is kept of before, compared with their patterns."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence
from datetime import datetime
from time import thread_time
from typing import Final

from sqlalchemy import select
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from citysec import log
from citysec.access.policy import SERVICE
from citysec.correlate import claims, kept, warnings
from citysec.correlate.batches import batches
from citysec.correlate.claims import Claim
from citysec.correlate.meeting import Meeting, meeting
from citysec.correlate.reconcile import LOCK
from citysec.correlate.sifting import Sifted
from citysec.correlate.sighted import Sighted, Telling, note_down
from citysec.correlate.standing import Standing, standing
from citysec.correlate.warned import WarningIndex
from citysec.db import alone
from citysec.errors import InvalidInput
from citysec.tables.feeds import StixObject
from citysec.tables.matches import Match
from citysec.telemetry import Seen

_log: Final = log.get(__name__)
MANY: Final = 1000
"""So many observations, or more, are compared with a pattern in a thread, and the loop goes on."""
_IDS: Final = 500  # ids in one statement
_Met = tuple[Claim, Meeting]


async def record(db: AsyncSession, found: Sifted, telling: Telling) -> list[Sighted]:
    """Write down which indicators were seen, and hand what is new on to triage and to those who may learn of it.

    Args:
        db: the caller's transaction.
        found: as `sift` has left it; the indicators are looked at anew.
        telling: who says so.
    """
    await alone(db, LOCK)
    seen, patterns = await _by_indicator(db, found)
    in_force = await _in_force(db, sorted(patterns), telling.at)
    warned, with_kept = await warnings.current(db), await kept.any_kept(db)
    met: list[_Met] = []
    for claim in in_force:
        pattern, observed = patterns[claim.indicator_id], seen[claim.indicator_id]
        how = await _how(claim, pattern, observed, warned)
        if how is None and with_kept:
            how = await _with_kept(db, claim, pattern, observed, warned, telling)
        if how is not None:
            met.append((claim, how))
    return await note_down(db, met, telling) if met else []


async def look_back(db: AsyncSession, indicator_ids: Collection[str], at: datetime) -> None:
    """Compare indicators with what is kept of the constituents that have not seen them yet."""
    if not indicator_ids or not await kept.any_kept(db):
        return
    patterns = await _patterns(db, sorted(indicator_ids))
    warned = await warnings.current(db)
    for claim in await _in_force(db, sorted(patterns), at):
        have = await _sighted_at(db, claim.indicator_id)
        for body, seen in (await kept.speaking_of(db, claim.atoms)).items():
            how = None if body in have else await _how(claim, patterns[claim.indicator_id], seen, warned)
            if how is not None:
                await note_down(db, [(claim, how)], Telling(body, SERVICE, at))


async def _how(claim: Claim, pattern: str, seen: Sequence[Seen], warned: WarningIndex) -> Meeting | None:
    """Return how an indicator was seen; what cannot be decided is logged, and counts as not seen."""
    try:
        if len(seen) < MANY:
            return meeting(pattern, claim.atoms, seen, warned, clock=thread_time)
        return await asyncio.to_thread(meeting, pattern, claim.atoms, seen, warned, clock=thread_time)
    except InvalidInput:
        _log.warning("sighting.undecided", indicator=claim.indicator_id, observations=len(seen))
        return None


async def _by_indicator(db: AsyncSession, found: Sifted) -> tuple[dict[str, list[Seen]], dict[str, str]]:
    """Return indicator -> the observations that it may speak of, in their order, and indicator -> its pattern now.

    It may have a newer version than the one by which it was found.
    """
    places: dict[tuple[str, str], list[int]] = {}
    for place, one in enumerate(found.seen):
        for fact in one.facts:
            places.setdefault((fact.found.kind, fact.found.key), []).append(place)
    where: dict[str, set[int]] = {}
    names = await _names(db, sorted(found.objects))
    for object_id, facts in found.objects.items():
        if object_id in names:
            where.setdefault(names[object_id], set()).update(p for fact in facts for p in places.get(fact, ()))
    patterns = await _patterns(db, sorted(where))
    return {name: [found.seen[place] for place in sorted(where[name])] for name in patterns}, patterns


async def _names(db: AsyncSession, object_ids: Sequence[int]) -> dict[int, str]:
    connection, found = await db.connection(), dict[int, str]()
    query = select(col(StixObject.id), col(StixObject.stix_id))
    for part in batches(object_ids, _IDS):
        rows = await connection.execute(query.where(col(StixObject.id).in_(part)))
        found |= {object_id: stix_id for object_id, stix_id in rows if object_id is not None}
    return found


async def _patterns(db: AsyncSession, indicator_ids: Sequence[str]) -> dict[str, str]:
    """Return indicator -> pattern, of the newest version."""
    connection, found = await db.connection(), dict[str, str]()
    query = select(col(StixObject.stix_id), col(StixObject.pattern)).where(col(StixObject.latest))
    for part in batches(indicator_ids, _IDS):
        rows = await connection.execute(query.where(col(StixObject.stix_id).in_(part)))
        found |= {stix_id: pattern for stix_id, pattern in rows if pattern}
    return found


async def _in_force(db: AsyncSession, indicator_ids: Sequence[str], at: datetime) -> list[Claim]:
    """Return the claims of those that count; that a name is new does harm to nobody."""
    found: list[Claim] = []
    for part in batches(indicator_ids, _IDS):
        said = await claims.load(db, part, at)
        found += (one for one in said if not one.is_news and standing(one.terms, at) is Standing.IN_FORCE)
    return found


async def _with_kept(
    db: AsyncSession, claim: Claim, pattern: str, seen: Sequence[Seen], warned: WarningIndex, telling: Telling
) -> Meeting | None:
    """Return how an indicator that has not been seen there was seen by what is kept, too."""
    here = telling.constituent_id
    if here in await _sighted_at(db, claim.indicator_id):
        return None
    before = (await kept.speaking_of(db, claim.atoms, here)).get(here)
    return await _how(claim, pattern, [*before, *seen], warned) if before else None


async def _sighted_at(db: AsyncSession, indicator_id: str) -> set[str]:
    """Return the constituents that have seen an indicator."""
    where = (col(Match.indicator_id) == indicator_id, col(Match.constituent_id).is_not(None))
    rows = await (await db.connection()).execute(select(col(Match.constituent_id)).where(*where))
    return {body for body in rows.scalars() if body is not None}
