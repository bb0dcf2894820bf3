"""What constituents' machines saw becomes matches `sighted`, with how often and when.

A match `sighted` says that an indicator was seen at a constituent, whatever it has registered. What is seen of it later
is counted with it; where its incident has been closed meanwhile, it is news again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from sqlalchemy import func, select
from sqlmodel import col
from sqlmodel import select as rows_of
from sqlmodel.ext.asyncio.session import AsyncSession

from citysec import outbox
from citysec.bulk import insert_many
from citysec.correlate import claims, warnings
from citysec.correlate.batches import batches
from citysec.correlate.claims import Claim
from citysec.correlate.listing import Effect
from citysec.correlate.meeting import Meeting, Tally, doubt
from citysec.correlate.reconcile import LOCK, hand_on
from citysec.correlate.rules import Relation
from citysec.correlate.standing import Standing, standing
from citysec.correlate.touch import ANONYMIZATION
from citysec.db import alone
from citysec.patterning import Atom
from citysec.tables.columns import new_id
from citysec.tables.incidents import Incident, IncidentMatch
from citysec.tables.matches import Match
from citysec.tables.sightings import Sighting
from citysec.tlp import TLP

SLOT: Final = timedelta(hours=1)
"""Further sightings of a day are told to others once in so long."""
_DOUBT_LEFT: Final = 0.5
"""What is left of the doubt about an indicator where it was seen: traffic and a list agree."""
_IDS: Final = 500  # ids in one statement
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Telling:
    """Who reports, when, under which label, and what a person says of it."""

    constituent_id: str
    reporter: str
    at: datetime
    tlp: TLP = TLP.AMBER_STRICT
    note: str = ""


@dataclass(frozen=True, slots=True)
class Sighted:
    """An indicator that was seen, and its match."""

    match: Match
    tally: Tally
    seen: int


def instant(microseconds: int) -> datetime:
    """Return the instant so long after 1970."""
    return _EPOCH + timedelta(microseconds=microseconds)


async def record_one(
    db: AsyncSession, indicator_id: str, tally: Tally, telling: Telling, ceiling: TLP
) -> Sighted | None:
    """Write down that somebody saw an indicator; None where none is in force under a label up to `ceiling`.

    What was seen of it is not said: it is judged by warning lists where it speaks of one value.
    """
    await alone(db, LOCK)
    known = await claims.load(db, [indicator_id], telling.at, ceiling)
    if not known or standing(known[0].terms, telling.at) is not Standing.IN_FORCE or not known[0].against:
        return None
    (claim,) = await claims.load(db, [indicator_id], telling.at)
    atom, warned = claim.atoms[0], await warnings.current(db)
    verdict = warned.verdict(atom) if warned and of_one_value(claim.atoms) else None
    if verdict and verdict.effect is Effect.SUPPRESS:
        return None
    how = Meeting(atom, {0: tally}, 1, doubt(atom, verdict) if verdict else None, verdict)
    return (await note_down(db, [(claim, how)], telling))[0]


async def note_down(db: AsyncSession, met: Sequence[tuple[Claim, Meeting]], telling: Telling) -> list[Sighted]:
    """Write matches and sightings for what was seen."""
    stored = await _stored(db, [claim.indicator_id for claim, _ in met], telling.constituent_id)
    settled = await _settled(db, [match.id for match in stored.values()])
    changed: list[str] = []
    result: list[Sighted] = []
    for claim, how in met:
        match, tally = stored.get(claim.indicator_id), _total(how)
        if match is None:
            match = Match(
                id=new_id(),
                indicator_id=claim.indicator_id,
                constituent_id=telling.constituent_id,
                matched_at=telling.at,
                **_facts(claim, how),
            )
            db.add(match)
            changed.append(match.id)
        elif _revised(match, _facts(claim, how), telling.at, settled.get(match.id), instant(tally.last)):
            changed.append(match.id)
        result.append(Sighted(match, tally, how.seen))
    await db.flush()
    days = [(one.match, tally) for one, (_, how) in zip(result, met, strict=True) for tally in how.days.values()]
    await _count(db, days, telling)
    hand_on(db, changed)
    return result


def _total(how: Meeting) -> Tally:
    first, *more = how.days.values()
    return sum(more, first)


def _facts(claim: Claim, how: Meeting) -> dict[str, Any]:
    return {
        "object_id": claim.object_id,
        "relation": Relation.SIGHTED.value,
        "path": how.atom.path,
        "indicator_value": how.atom.value,
        "certain": how.doubt is None and ANONYMIZATION not in claim.terms.types,
        "warning_lists": list(how.verdict.lists) if how.verdict else [],
        "feed": claim.source.feed,
        "confidence": surer(claim.source.confidence),
        "tlp": claim.source.tlp,
        "valid_from": claim.terms.valid_from,
        "valid_until": claim.terms.valid_until,
    }


def of_one_value(atoms: Iterable[Atom]) -> bool:
    """Return whether atoms are of one comparison: of a URL there is one of its host, too."""
    return len({(atom.path, atom.value) for atom in atoms}) == 1


def surer(confidence: int) -> int:
    """Return the confidence in an indicator that was seen: half of the doubt is gone."""
    return round(100 - (100 - confidence) * _DOUBT_LEFT)


def _revised(match: Match, facts: Mapping[str, Any], at: datetime, settled_at: datetime | None, seen: datetime) -> bool:
    """Give a match its present facts, and return whether triage has to look at it.

    It is as new as now where it had ended, becomes certain, or is seen after somebody has closed its incident.
    """
    surer = facts["certain"] and not match.certain
    facts = {**facts, "certain": facts["certain"] or match.certain}
    regraded = any(getattr(match, name) != facts[name] for name in ("confidence", "tlp", "feed", "certain"))
    for name, value in facts.items():
        setattr(match, name, value)
    news = match.closed_at is not None or surer or (settled_at is not None and seen > settled_at)
    if news:
        match.matched_at, match.closed_at, match.close_reason = at, None, None
    return news or regraded


async def _stored(db: AsyncSession, indicator_ids: Sequence[str], constituent_id: str) -> dict[str, Match]:
    found: dict[str, Match] = {}
    for part in batches(indicator_ids, _IDS):
        query = rows_of(Match).where(col(Match.constituent_id) == constituent_id, col(Match.indicator_id).in_(part))
        found |= {match.indicator_id: match for match in await db.exec(query)}
    return found


async def _settled(db: AsyncSession, match_ids: Sequence[str]) -> dict[str, datetime]:
    """Return match -> when its incident was closed, for those that no open incident holds."""
    found: dict[str, datetime] = {}
    query = (
        select(col(IncidentMatch.match_id), func.max(col(Incident.closed_at)), func.count(col(Incident.open_key)))
        .join(Incident, col(Incident.id) == col(IncidentMatch.incident_id))
        .group_by(col(IncidentMatch.match_id))
    )
    connection = await db.connection()
    for part in batches(match_ids, _IDS):
        rows = await connection.execute(query.where(col(IncidentMatch.match_id).in_(part)))
        found |= {match_id: closed_at for match_id, closed_at, still_open in rows if closed_at and not still_open}
    return found


async def _count(db: AsyncSession, days: Sequence[tuple[Match, Tally]], telling: Telling) -> None:
    """Add what was seen to the sightings of its days, and have those told who may learn of them."""
    known: dict[tuple[str, str, int], Sighting] = {}
    for part in batches(sorted({match.id for match, _ in days}), _IDS):
        rows = await db.exec(rows_of(Sighting).where(col(Sighting.match_id).in_(part)))
        known |= {(row.match_id, row.day, row.tlp): row for row in rows}
    fresh: list[dict[str, Any]] = []
    for match, tally in days:
        day, label = instant(tally.first).date().isoformat(), max(telling.tlp, TLP(match.tlp))
        first, last = instant(tally.first), instant(tally.last)
        row = known.get((match.id, day, label))
        if row is None:
            fresh.append(_sighting(match, day, label, (first, last, tally.count), telling))
        else:
            row.first_seen, row.last_seen = min(row.first_seen, first), max(row.last_seen, last)
            row.count, row.last_told_at, row.reporter = row.count + tally.count, telling.at, telling.reporter
            row.note = telling.note or row.note
    await db.flush()
    await insert_many(db, Sighting, fresh)
    await _tell(db, telling, now=bool(fresh), later=len(fresh) < len(days))


def _sighting(
    match: Match, day: str, label: TLP, seen: tuple[datetime, datetime, int], telling: Telling
) -> dict[str, Any]:
    return {
        "id": new_id(),
        "match_id": match.id,
        "day": day,
        "tlp": int(label),
        "first_seen": seen[0],
        "last_seen": seen[1],
        "count": seen[2],
        "first_told_at": telling.at,
        "last_told_at": telling.at,
        "written_at": None,
        "reporter": telling.reporter,
        "note": telling.note or None,
    }


async def _tell(db: AsyncSession, telling: Telling, *, now: bool, later: bool) -> None:
    """Have what is new written as STIX at once, and what was only counted up at the end of the hour."""
    payload = {"constituent": telling.constituent_id}
    if now:
        outbox.add(db, "sight", payload)
    if later:
        slot = SLOT.total_seconds()
        due = telling.at + timedelta(seconds=slot - telling.at.timestamp() % slot)
        work_id = f"sight:{telling.constituent_id}:{due:%Y%m%dT%H%M%S}"
        waiting = await db.get(outbox.Outbox, work_id)
        if waiting is None:
            outbox.add(db, "sight", payload, due_at=due, work_id=work_id)
        elif waiting.done_at is not None:  # the hour ended while we waited for our turn
            outbox.add(db, "sight", payload)
