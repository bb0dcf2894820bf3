"""Carrying out what a playbook orders from the service itself: in the process, in one transaction, once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Final, TypeAlias

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from citysec.db import Database
from citysec.errors import Conflict, Forbidden, InvalidInput, NotShared
from citysec.playbooks.deeds import Deed, Does, deed
from citysec.playbooks.signals import ACTION_TIMEOUT, Cancelled, Perform, StepEnded
from citysec.tables.columns import now
from citysec.tables.incidents import Incident
from citysec.tables.playbooks import Run, RunStep

Hands: TypeAlias = Mapping[Does, Callable[[AsyncSession, Deed], Awaitable[None]]]
"""Who does what a playbook may ask for: given by the composition, for the stages do not know each other."""

_KINDS: Final = {
    InvalidInput: "bad_request",
    NotShared: "not_found",
    Forbidden: "forbidden",
    Conflict: "conflict",
    TimeoutError: ACTION_TIMEOUT,
}


async def perform(db: Database, hands: Hands, run_id: str, order: Perform) -> StepEnded | Cancelled:
    """Carry out `order` and return its outcome.

    What fails because the incident was closed meanwhile is no failure: the run is cancelled, before it is told to.

    All commands of a step, and the fact that it is done, are one transaction: called again after a crash it does
    nothing twice, and a command that fails leaves nothing of those before it.
    """
    try:
        async with asyncio.timeout(order.timeout_ms / 1000), db.writing() as session:
            await _perform(session, hands, run_id, order)
    except (InvalidInput, NotShared, Forbidden, Conflict, TimeoutError) as err:
        if await _is_closed(db, run_id):
            return Cancelled()
        return StepEnded(order.step, order.occurrence, error=_KINDS[type(err)], message=str(err))
    return StepEnded(order.step, order.occurrence)


async def _is_closed(db: Database, run_id: str) -> bool:
    closed = select(Run.id).join(Incident).where(col(Run.id) == run_id, col(Incident.closed_at).is_not(None))
    async with db.reading() as session:
        return (await session.exec(closed)).first() is not None


async def _perform(session: AsyncSession, hands: Hands, run_id: str, order: Perform) -> None:
    here = (
        col(RunStep.run_id) == run_id,
        col(RunStep.step_id) == order.step,
        col(RunStep.occurrence) == order.occurrence,
    )
    step, run = (await session.exec(select(RunStep, Run).join(Run).where(*here))).one()
    if step.ended_at is not None:
        return
    for command in order.commands:
        wanted = deed(command, f"playbook:{run_id}")
        if wanted.incident_id != run.incident_id:
            raise NotShared(f"incident {wanted.incident_id}: a run sees its own incident only")
        await hands[wanted.does](session, wanted)
    step.state, step.ended_at = "completed", now()
    session.add(step)
