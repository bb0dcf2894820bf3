"""Respond: a new incident gets the playbook that the strategy names for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from citysec import outbox
from citysec.access.policy import SERVICE
from citysec.db import Database
from citysec.engine import Engine
from citysec.errors import PlaybookRefused
from citysec.playbooks import questions
from citysec.playbooks.actions import Hands
from citysec.playbooks.answers import Verdict
from citysec.playbooks.approve import pinned
from citysec.playbooks.cacao import Playbook
from citysec.playbooks.deeds import Deed, Does
from citysec.playbooks.drive import CANCEL
from citysec.playbooks.refuse import untimely
from citysec.playbooks.shape import instant
from citysec.playbooks.strategy import Strategy
from citysec.playbooks.timeline import tell
from citysec.tables.columns import now
from citysec.tables.incidents import Incident
from citysec.tables.playbooks import Playbook as PlaybookRow
from citysec.tables.playbooks import Question, Run
from citysec.tables.register import Constituent


@dataclass(frozen=True, slots=True)
class Policy:
    """What responding goes by: the strategy, the name of the city, and who acts where no playbook can."""

    strategy: Strategy
    city: str
    hands: Hands


async def respond(db: AsyncSession, payload: Mapping[str, Any], policy: Policy) -> None:
    """Begin the run that answers an incident; once for each incident.

    Where the strategy names no playbook, or none that may run, the timeline says so and the constituent concerned is
    told all the same: nobody is left untold because a playbook is missing.

    Args:
        db: the stage's transaction.
        payload: `{"incident": id}`.
        policy: the city's.
    """
    incident = await db.get_one(Incident, payload["incident"])
    begun = select(Run.id).where(col(Run.incident_id) == incident.id).limit(1)
    if incident.closed_at is not None or (await db.exec(begun)).first() is not None:
        return
    constituent = await db.get(Constituent, incident.constituent_id) if incident.constituent_id else None
    try:
        row, playbook = await _chosen(db, incident, constituent, policy.strategy)
    except PlaybookRefused as err:
        await tell(db, incident.id, "run", f"No playbook runs: {err}")
        deed = Deed(Does.ADVISE, incident.id, {"audience": "concerned", "urgency": "immediate"}, SERVICE)
        await policy.hands[Does.ADVISE](db, deed)
        return
    inputs = _inputs(incident, constituent.name if constituent else policy.city, playbook)
    run = Run(incident_id=incident.id, playbook_id=row.id or 0, variables=inputs)
    db.add(run)
    await db.flush()
    outbox.add(db, "start", {"run": run.id})


async def start(payload: Mapping[str, Any], engine: Engine) -> None:
    """Have the engine conduct a run.

    Args:
        payload: `{"run": id}`.
        engine: conducts it; starting it twice is harmless.
    """
    await engine.start(payload["run"])


async def resume(db: Database, engine: Engine) -> None:
    """Have the engine know every run that is not over, the answers to its questions, and whether it is to end.

    It knows all that already, unless its database was lost or is older than the application's, as after a restore. A
    run that it did not know is conducted from its start; what was done and asked before is not done and asked again.

    Args:
        db: the application's database.
        engine: conducts the runs.
    """
    ongoing = select(Run.id).where(col(Run.ended_at).is_(None))
    closed = select(Incident.id).join(Run).where(col(Run.ended_at).is_(None), col(Incident.closed_at).is_not(None))
    answered = select(Question.id).where(col(Question.run_id).in_(ongoing), col(Question.answer).in_(set(Verdict)))
    async with db.reading() as session:
        run_ids = (await session.exec(ongoing)).all()
        question_ids = (await session.exec(answered.order_by(col(Question.answered_at)))).all()
        incident_ids = (await session.exec(closed.distinct())).all()
    for run_id in run_ids:
        await engine.start(run_id)
    for question_id in question_ids:
        await questions.pass_on(db, {"question": question_id}, engine)
    for incident_id in incident_ids:
        await stand_down(db, {"incident": incident_id}, engine)


async def stand_down(db: Database, payload: Mapping[str, Any], engine: Engine) -> None:
    """End the runs of an incident that is closed: their questions need no answer any more.

    Args:
        db: the application's database.
        payload: `{"incident": id}`.
        engine: conducts the runs.
    """
    begun = select(Run.id).where(
        col(Run.incident_id) == payload["incident"], col(Run.started_at).is_not(None), col(Run.ended_at).is_(None)
    )
    async with db.reading() as session:
        incident = await session.get_one(Incident, payload["incident"])
        run_ids = (await session.exec(begun)).all() if incident.closed_at is not None else ()
    for run_id in run_ids:
        await engine.send(run_id, CANCEL, key=f"closed:{run_id}")


async def _chosen(
    db: AsyncSession, incident: Incident, constituent: Constituent | None, strategy: Strategy
) -> tuple[PlaybookRow, Playbook]:
    """Return the newest approved version of the playbook that the strategy names.

    Raises:
        PlaybookRefused: there is none, or it may not run now.
    """
    scope = "constituent" if constituent else "city"
    sector = constituent.sector if constituent else ""
    playbook_id = strategy.playbook_for(incident.kind, incident.severity, sector, scope)
    if playbook_id is None:
        raise PlaybookRefused(f"the strategy names none for {incident.kind} of severity {incident.severity}")
    approved = select(PlaybookRow).where(
        col(PlaybookRow.playbook_id) == playbook_id, col(PlaybookRow.approved_at).is_not(None)
    )
    rows = (await db.exec(approved)).all()
    if not rows:
        raise PlaybookRefused(f"{playbook_id} has no approved version")
    row = max(rows, key=_age)
    playbook = pinned(row.text)
    problem = next(untimely(playbook, now()), None)
    if problem is not None:
        raise PlaybookRefused(f"“{row.name}”: {problem.message}")
    return row, playbook


def _age(row: PlaybookRow) -> datetime:
    return instant(row.version) or datetime.min.replace(tzinfo=UTC)


def _inputs(incident: Incident, constituent: str, playbook: Playbook) -> dict[str, str]:
    """Return values for those external variables that `playbook` declares."""
    known = {
        "__incident_id__": incident.id,
        "__severity__": incident.severity,
        "__confidence__": str(incident.confidence),
        "__constituent__": constituent,
        "__kind__": incident.kind,
    }
    external = {name for name, variable in playbook.variables.items() if variable.external}
    return {name: value for name, value in known.items() if name in external}
