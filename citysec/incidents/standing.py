"""What incidents hold already: a match that comes again is no new incident."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from citysec.tables.incidents import Incident, IncidentMatch
from citysec.tables.matches import Match


@dataclass(frozen=True, slots=True)
class Standing:
    """What is known of some matches.

    Args:
        held: (match, constituent) -> the open incident that holds it there.
        settled: (match, constituent) whose incident was closed while the match went on: somebody has decided, and
            the feed's repeating itself does not undo that.
    """

    held: Mapping[tuple[str, str], Incident]
    settled: Set[tuple[str, str]]

    @classmethod
    async def of(cls, db: AsyncSession, matches: Sequence[Match]) -> Standing:
        """Look `matches` up."""
        since = {m.id: m.matched_at for m in matches}
        query = (
            select(IncidentMatch.match_id, Incident)
            .join(Incident, col(Incident.id) == col(IncidentMatch.incident_id))
            .where(col(IncidentMatch.match_id).in_(since), col(Incident.constituent_id).is_not(None))
        )
        held: dict[tuple[str, str], Incident] = {}
        settled: set[tuple[str, str]] = set()
        for match_id, incident in await db.exec(query):
            place = (match_id, incident.constituent_id or "")
            if incident.open_key is not None:
                held[place] = incident
            elif incident.closed_at is not None and since[match_id] <= incident.closed_at:
                settled.add(place)
        return cls(held, settled)

    @property
    def incidents(self) -> list[Incident]:
        """The open incidents, each once, in a stable order."""
        return sorted({i.id: i for i in self.held.values()}.values(), key=lambda i: i.ref)


async def open_matches(db: AsyncSession, incident: Incident) -> Sequence[Match]:
    """Return the matches of `incident` that are still open."""
    linked = select(IncidentMatch.match_id).where(col(IncidentMatch.incident_id) == incident.id)
    query = select(Match).where(col(Match.id).in_(linked), col(Match.closed_at).is_(None))
    return (await db.exec(query.order_by(col(Match.id)))).all()
