"""What incidents hold already, and what they rest on: a match that comes again is no new incident."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import bindparam, func, update
from sqlalchemy import select as columns
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from citysec.bulk import among, insert_many
from citysec.incidents.touches import Found, Place, Touch
from citysec.tables.incidents import Incident, IncidentMatch
from citysec.tables.matches import Match

_WEIGHT: Final = ("kind", "criticality", "shift", "due_at")


@dataclass(frozen=True, slots=True)
class Weight:
    """What a match weighs at a constituent, besides its confidence.

    Args:
        kind: of incident.
        criticality: of the asset, 1-5; 0 when the match is no concern of the constituent any more.
        shift: grades up or down from the strategy's table.
        due_at: by when it is to be mended.
    """

    kind: str
    criticality: int
    shift: int = 0
    due_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Held:
    """An open incident that holds a match, and what the match weighed there when it was last looked at."""

    incident: Incident
    weight: Weight


@dataclass(frozen=True, slots=True)
class Ground:
    """Open matches that an incident rests on and that are graded alike; the strictest label, the earliest `due_at`."""

    kind: str
    criticality: int
    shift: int
    confidence: int
    tlp: int
    due_at: datetime | None


@dataclass(frozen=True, slots=True)
class Standing:
    """What is known of some matches.

    Args:
        held: the open incident that holds a match at a constituent.
        settled: places whose incident was closed while the match went on: somebody has decided, and the feed's
            repeating itself does not undo that.
    """

    held: Mapping[Place, Held]
    settled: Set[Place]

    @classmethod
    async def of(cls, db: AsyncSession, matches: Sequence[Found]) -> Standing:
        """Look `matches` up."""
        since = {m.id: m.matched_at for m in matches}
        query = (
            select(IncidentMatch, Incident)
            .join(Incident, col(Incident.id) == col(IncidentMatch.incident_id))
            .where(among(col(IncidentMatch.match_id), since), col(Incident.constituent_id).is_not(None))
        )
        held: dict[Place, Held] = {}
        settled: set[Place] = set()
        for link, incident in await db.exec(query):
            place = (link.match_id, incident.constituent_id or "")
            if incident.open_key is not None:
                held[place] = Held(incident, Weight(link.kind, link.criticality, link.shift, link.due_at))
            elif incident.closed_at is not None and since[link.match_id] <= incident.closed_at:
                settled.add(place)
        return cls(held, settled)

    @property
    def incidents(self) -> list[Incident]:
        """The open incidents, each once, in a stable order."""
        return sorted({h.incident.id: h.incident for h in self.held.values()}.values(), key=lambda i: i.ref)

    async def reweigh(self, db: AsyncSession, present: Mapping[Place, Weight]) -> None:
        """Note what the held matches weigh now; those not among `present` weigh nothing any more."""
        changes = [
            {
                "_incident": held.incident.id,
                "_match": place[0],
                "_kind": now.kind,
                "_criticality": now.criticality,
                "_shift": now.shift,
                "_due_at": now.due_at,
            }
            for place, held in self.held.items()
            for now in [present.get(place, Weight(held.weight.kind, 0))]
            if now != held.weight
        ]
        if changes:
            here = (
                col(IncidentMatch.incident_id) == bindparam("_incident"),
                col(IncidentMatch.match_id) == bindparam("_match"),
            )
            weigh = update(IncidentMatch).where(*here)
            weigh = weigh.values({name: bindparam(f"_{name}") for name in _WEIGHT})
            await (await db.connection()).execute(weigh, changes)


async def link(db: AsyncSession, held: Iterable[tuple[str, Touch, Weight]]) -> None:
    """Let incidents, named by id, hold the matches of touches with what they weigh there."""
    rows = [
        {"incident_id": incident_id, "match_id": touch.match.id}
        | {"kind": w.kind, "criticality": w.criticality, "shift": w.shift, "due_at": w.due_at}
        for incident_id, touch, w in held
    ]
    await db.flush()
    await insert_many(db, IncidentMatch, rows)


async def grounds(db: AsyncSession, incident_ids: Sequence[str]) -> Mapping[str, Sequence[Ground]]:
    """Return what each incident still rests on; one that rests on nothing is left out.

    However many matches an incident has, few rows come back: the database groups those that are graded alike.
    """
    if not incident_ids:
        return {}
    weight = (col(IncidentMatch.kind), col(IncidentMatch.criticality), col(IncidentMatch.shift))
    alike = (col(IncidentMatch.incident_id), *weight, col(Match.confidence))
    query = (
        columns(*alike, func.max(col(Match.tlp)), func.min(col(IncidentMatch.due_at)))
        .join(Match, col(Match.id) == col(IncidentMatch.match_id))
        .where(col(IncidentMatch.incident_id).in_(incident_ids), col(IncidentMatch.criticality) > 0)
        .where(col(Match.closed_at).is_(None))
        .group_by(*alike)
    )
    found: dict[str, list[Ground]] = defaultdict(list)
    for row in await (await db.connection()).execute(query):
        found[row[0]].append(Ground(*row[1:]))
    return found
