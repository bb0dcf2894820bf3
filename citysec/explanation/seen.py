"""Whether a value has ever been seen: who says so of it, how that stands, and what it led to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from sqlalchemy import func, select
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from citysec.access import policy
from citysec.access.policy import Principal
from citysec.correlate import claims
from citysec.correlate.claims import Claim
from citysec.correlate.retro import batches
from citysec.correlate.said import State, Word, state_of, words_on
from citysec.explanation.asked import Asked
from citysec.explanation.chain import Noun, Pointer
from citysec.explanation.found import VULNERABILITY, Found, find
from citysec.tables.feeds import StixObject
from citysec.tables.incidents import Incident, IncidentMatch
from citysec.tables.matches import Match

INCIDENTS: Final = 3
"""Incidents of one indicator that are named."""
_IDS: Final = 500  # ids in one statement


@dataclass(frozen=True, slots=True)
class Seen:
    """An indicator, or a vulnerability, that speaks of what was asked for.

    Args:
        stix_id: its id.
        name: as it is called; empty where nobody says.
        relation: `equal`, `contains`, `within`, `fits` or `host`.
        since: when we got this version.
        words: of the feeds, those that say it now first.
        state: how it stands.
        until: when that ends, or has ended; None is never.
        matches: those of it that are open, of those that the reader may know.
        ended: the others.
        incidents: those of them, the newest first.
    """

    stix_id: str
    name: str
    relation: str
    since: datetime
    words: Sequence[Word]
    state: State
    until: datetime | None
    matches: int = 0
    ended: int = 0
    incidents: Sequence[Pointer] = ()


@dataclass(frozen=True, slots=True)
class Sightings:
    """All that speaks of one value: the first of them, and how many there are."""

    shown: Sequence[Seen] = ()
    count: int = 0


async def sightings(
    db: AsyncSession, asked: Sequence[Asked], reader: Principal, at: datetime, most: int
) -> list[Sightings]:
    """Return for each of `asked`, in order, what speaks of it under labels that `reader` may see.

    Args:
        db: a session.
        asked: what to look for.
        reader: who asks.
        at: the instant at which indicators stand as they do.
        most: how many are shown of one value.
    """
    found = await find(db, asked, reader, most)
    details = await _details(db, {number for one in found for number in list(one.objects)[:most]}, reader, at)
    return [Sightings(tuple(_shown(one, details, most)), one.count) for one in found]


def _shown(found: Found, details: Mapping[int, Seen], most: int) -> Iterator[Seen]:
    for number, relation in list(found.objects.items())[:most]:
        yield replace(details[number], relation=relation)


async def _details(db: AsyncSession, object_ids: Collection[int], reader: Principal, at: datetime) -> dict[int, Seen]:
    """Return what there is to say of object versions."""
    versions = await _versions(db, object_ids)
    stix_ids = sorted({version.stix_id for version in versions})
    words = await words_on(db, object_ids, reader.clearance)
    stand: dict[str, Claim] = {}
    for part in batches(stix_ids, _IDS):
        stand |= {claim.indicator_id: claim for claim in await claims.load(db, part, at, reader.clearance)}
    matches, incidents = await _matches(db, stix_ids, reader), await _incidents(db, stix_ids, reader)
    return {
        version.id: replace(
            _seen(version, stand.get(version.stix_id), words.get(version.id, ()), at),
            matches=matches[version.stix_id, True],
            ended=matches[version.stix_id, False],
            incidents=incidents.get(version.stix_id, ()),
        )
        for version in versions
    }


@dataclass(frozen=True, slots=True)
class _Version:
    id: int
    stix_id: str
    type: str
    name: str | None
    latest: bool
    received_at: datetime
    valid_until: datetime | None


async def _versions(db: AsyncSession, object_ids: Collection[int]) -> list[_Version]:
    names = ("id", "stix_id", "type", "name", "latest", "received_at", "valid_until")
    query = select(*(getattr(StixObject, name) for name in names))
    connection, found = await db.connection(), list[_Version]()
    for part in batches(sorted(object_ids), _IDS):
        found += (_Version(*row) for row in await connection.execute(query.where(col(StixObject.id).in_(part))))
    return found


def _seen(version: _Version, claim: Claim | None, words: Sequence[Word], at: datetime) -> Seen:
    state = state_of(version.valid_until, claim, at)
    if not version.latest and state is not State.REVOKED:
        state = State.SUPERSEDED
    until = claim.terms.valid_until if claim else None
    if version.type == VULNERABILITY and state is State.NOT_EXECUTED:  # it has no pattern, and needs none
        state = State.DECAYED if until is not None and until <= at else State.IN_FORCE
    name = version.name or next((word.name for word in words if word.name), "")
    return Seen(version.stix_id, name, "equal", version.received_at, words, state, until)


async def _matches(db: AsyncSession, stix_ids: Sequence[str], reader: Principal) -> Counter[tuple[str, bool]]:
    """Return (indicator, whether they are open) -> how many matches of it the reader may know."""
    connection, found = await db.connection(), Counter[tuple[str, bool]]()
    is_open = col(Match.closed_at).is_(None)
    counted = select(col(Match.indicator_id), is_open, func.count()).where(policy.matches(reader))
    for part in batches(stix_ids, _IDS):
        query = counted.where(col(Match.indicator_id).in_(part)).group_by(col(Match.indicator_id), is_open)
        found.update({(stix_id, bool(now)): count for stix_id, now, count in await connection.execute(query)})
    return found


async def _incidents(db: AsyncSession, stix_ids: Sequence[str], reader: Principal) -> dict[str, list[Pointer]]:
    """Return indicator -> the incidents that rest on it, as far as the reader may know of both."""
    query = (
        select(col(Match.indicator_id), col(Incident.id), col(Incident.ref))
        .join(IncidentMatch, col(IncidentMatch.match_id) == col(Match.id))
        .join(Incident, col(Incident.id) == col(IncidentMatch.incident_id))
        .where(policy.matches(reader), policy.incidents(reader))
        .group_by(col(Match.indicator_id), col(Incident.id), col(Incident.ref), col(Incident.aware_at))
        .order_by(col(Incident.aware_at).desc(), col(Incident.id))
    )
    connection, found = await db.connection(), dict[str, list[Pointer]]()
    for part in batches(stix_ids, _IDS):
        for stix_id, incident_id, ref in await connection.execute(query.where(col(Match.indicator_id).in_(part))):
            named = found.setdefault(stix_id, [])
            if len(named) < INCIDENTS:
                named.append(Pointer(Noun.INCIDENT, incident_id, ref))
    return found
