"""The rows of a run: what people see of it. Every function may be called twice with the same result."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from sqlalchemy import tuple_
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from citysec import outbox
from citysec.errors import PlaybookRefused
from citysec.playbooks import questions
from citysec.playbooks.approve import pinned
from citysec.playbooks.cacao import Playbook
from citysec.playbooks.signals import Abandon, Ask, Decided, Entered, Failure, Finish, Left, Signal, Status
from citysec.playbooks.timeline import tell
from citysec.tables.columns import now
from citysec.tables.incidents import Incident
from citysec.tables.playbooks import Playbook as PlaybookRow
from citysec.tables.playbooks import Run, RunStep

_Place: TypeAlias = tuple[str, int]
"""Step, occurrence."""


@dataclass(frozen=True, slots=True)
class Begun:
    """What conducting a run needs: the text of the pinned playbook, and values for its external variables."""

    text: str
    inputs: dict[str, str | None]


@dataclass(frozen=True, slots=True)
class Page:
    """Where signals are written: whose run, by which playbook, after how many steps, who answers for its agents."""

    run_id: str
    playbook: Playbook
    entered: int
    owners: Mapping[str, str]


async def begin(db: AsyncSession, run_id: str) -> Begun | None:
    """Mark the run as running and return what it needs; None where it is over already, or may not run any more.

    The incident is locked: if it closes before this, there is nothing to answer any more; if it closes after this, its
    standing down finds a run that has begun.
    """
    run = await db.get_one(Run, run_id)
    if run.ended_at is not None:
        return None
    incident = await db.get_one(Incident, run.incident_id, with_for_update=True)
    if incident.closed_at is not None and run.started_at is None:
        await _finish(db, run, Finish(Status.CANCELLED, None))
        return None
    playbook = await db.get_one(PlaybookRow, run.playbook_id)
    try:
        pinned(playbook.text)
    except PlaybookRefused as err:
        await _finish(db, run, Finish(Status.FAILED, Failure("refused", None, str(err))))
        return None
    if run.started_at is None:
        run.state, run.started_at = "running", now()
        db.add(run)
        await tell(db, run.incident_id, "run", f"Playbook “{playbook.name}” began.", data={"run": run_id})
    return Begun(playbook.text, run.variables)


async def write(db: AsyncSession, page: Page, signals: Sequence[Signal]) -> datetime:
    """Write what `signals` say into the rows of the run; return the time clocks count from."""
    mine = select(Run, Incident).join(Incident).where(col(Run.id) == page.run_id)
    (run, incident), at = (await db.exec(mine)).one(), now()
    steps = await _steps(db, page, signals)
    position = page.entered
    for signal in signals:
        if isinstance(signal, Entered):
            if _place(signal) not in steps:
                steps[_place(signal)] = _entered(page, signal, position, at)
            position += 1
    db.add_all(steps.values())
    await db.flush()
    for signal in signals:
        await _write(db, page, run, steps, signal)
    outbox.announce(db, "run", run.id, incident.constituent_id)
    return at


async def _write(db: AsyncSession, page: Page, run: Run, steps: Mapping[_Place, RunStep], signal: Signal) -> None:
    match signal:
        case Decided():
            if row := steps.get(_place(signal)):
                row.detail = str(signal.value).lower()
        case Left():
            failure = signal.failure
            detail = f"{failure.kind}: {failure.message}" if failure else None
            _end(steps.get(_place(signal)), "failed" if failure else "completed", detail)
        case Ask():
            await questions.ask(db, run, signal, page.owners.get(signal.agent.name, "coordinator"))
        case Abandon():
            _end(steps.get(_place(signal)), "cancelled")
            await questions.expire(db, page.run_id, signal.step, signal.occurrence)
        case Finish():
            await _finish(db, run, signal)
        case _:
            pass


async def _steps(db: AsyncSession, page: Page, signals: Sequence[Signal]) -> dict[_Place, RunStep]:
    """Return those rows of the run that `signals` are about and that are there."""
    places = {_place(signal) for signal in signals if isinstance(signal, Entered | Decided | Left | Abandon)}
    here = tuple_(col(RunStep.step_id), col(RunStep.occurrence)).in_(places)
    rows = await db.exec(select(RunStep).where(col(RunStep.run_id) == page.run_id, here)) if places else ()
    return {(row.step_id, row.occurrence): row for row in rows}


def _place(signal: Entered | Decided | Left | Abandon) -> _Place:
    return signal.step, signal.occurrence


def _entered(page: Page, signal: Entered, position: int, at: datetime) -> RunStep:
    step = page.playbook.steps[signal.step]
    return RunStep(
        run_id=page.run_id,
        step_id=signal.step,
        occurrence=signal.occurrence,
        position=position,
        name=step.name,
        kind=step.kind.value,
        state="ongoing",
        started_at=at,
    )


def _end(row: RunStep | None, state: str, detail: str | None = None) -> None:
    if row is not None and row.ended_at is None:
        row.state, row.ended_at, row.detail = state, now(), detail or row.detail


async def _finish(db: AsyncSession, run: Run, finish: Finish) -> None:
    if run.ended_at is not None:
        return
    failure = finish.failure
    run.state, run.ended_at = finish.status.value, now()
    run.error = f"{failure.kind}: {failure.message}" if failure else None
    db.add(run)
    told = f"The playbook {finish.status.value}" + (f": {run.error}" if failure else "")
    await tell(db, run.incident_id, "run", told, data={"run": run.id, "state": run.state})
