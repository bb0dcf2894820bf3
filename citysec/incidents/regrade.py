"""Incidents graded anew by what they still rest on."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import func
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from citysec import outbox
from citysec.access.policy import SERVICE
from citysec.incidents.grading import Policy
from citysec.incidents.lifecycle import State, Step, after
from citysec.incidents.record import move
from citysec.incidents.severity import Severity, shifted
from citysec.incidents.standing import Ground, grounds
from citysec.incidents.titles import called, title
from citysec.incidents.touches import read_matches, touches_of
from citysec.tables.incidents import Incident, IncidentMatch
from citysec.tables.matches import Match
from citysec.timeline import enter
from citysec.tlp import TLP


async def regrade(db: AsyncSession, incidents: Sequence[Incident], policy: Policy) -> None:
    """Grade incidents by what they still rest on; close those where that is nothing, and correct what was said."""
    resting = await grounds(db, [i.id for i in incidents])
    for incident in incidents:
        if found := resting.get(incident.id):
            await _grade_by(db, incident, found, policy)
        else:
            await _close(db, incident)


async def _grade_by(db: AsyncSession, incident: Incident, found: Sequence[Ground], policy: Policy) -> None:
    before = (incident.severity, incident.confidence, incident.tlp, incident.due_at)
    worst = max((shifted(policy.grade(g.criticality, g.confidence, g.kind), g.shift) for g in found), key=Severity.rank)
    incident.severity = worst.value
    incident.confidence = max(g.confidence for g in found)
    incident.tlp = max(g.tlp for g in found)
    incident.due_at = min((g.due_at for g in found if g.due_at), default=None)
    if (incident.severity, incident.confidence, incident.tlp, incident.due_at) == before:
        return
    if incident.tlp < before[2]:
        incident.title = await _title_left(db, incident)
    said = f"Severity is now {incident.severity}, confidence {incident.confidence}, {TLP(incident.tlp).label}."
    await enter(db, incident, "severity", said, data={"severity": incident.severity, "tlp": incident.tlp})
    outbox.add(db, "advise", {"incident": incident.id})
    if incident.parent_id is not None:
        outbox.add(db, "escalate", {"threat": incident.threat})


async def _title_left(db: AsyncSession, incident: Incident) -> str:
    """Return what to call an incident by the first match that it still rests on: its old name may be too secret now."""
    first = (
        select(func.min(Match.id))
        .join(IncidentMatch, col(IncidentMatch.match_id) == col(Match.id))
        .where(col(IncidentMatch.incident_id) == incident.id, col(IncidentMatch.criticality) > 0)
        .where(col(Match.closed_at).is_(None))
    )
    touches = await touches_of(db, await read_matches(db, col(Match.id) == first.scalar_subquery()))
    return next((title(t) for t in touches if t.constituent.id == incident.constituent_id), called(incident.kind))


async def _close(db: AsyncSession, incident: Incident) -> None:
    if after(State(incident.state), Step.CLOSE) is not None:
        await move(db, incident.id, Step.CLOSE, SERVICE, "No match is left: what it rested on has ended.")
        outbox.add(db, "advise", {"incident": incident.id})
