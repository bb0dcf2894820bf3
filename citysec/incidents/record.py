"""The rows of an incident: opening one, writing its timeline, moving it through its states."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from citysec import outbox
from citysec.access.policy import SERVICE
from citysec.db import alone
from citysec.errors import Conflict, NotShared
from citysec.incidents.lifecycle import State, Step, after
from citysec.incidents.severity import LOOKALIKE
from citysec.tables.columns import now
from citysec.tables.incidents import Incident
from citysec.tables.work import Meta
from citysec.timeline import enter

LOCK: Final = "incidents"
"""To be held (`db.alone`) before reading an incident that is opened, extended, graded, moved or escalated.

Grades rest on what other pieces of work write, so that two at a time could each leave the other's out.
"""
_SAID: Final = {Step.CONTAIN: "Contained", Step.CLOSE: "Closed", Step.REOPEN: "Reopened"}
_ALIKE: Final = f"|{LOOKALIKE}"


async def load(db: AsyncSession, incident_id: str) -> Incident:
    """Return the incident.

    Raises:
        NotShared: there is none.
    """
    incident = await db.get(Incident, incident_id, populate_existing=True)
    if incident is None:
        raise NotShared(f"incident {incident_id}")
    return incident


async def next_ref(db: AsyncSession, prefix: str, at: datetime) -> str:
    """Return the next incident number of the year, for instance `LDN-2026-0042`."""
    name = f"incident.number.{at.year}"
    counter = (await db.exec(select(Meta).where(col(Meta.name) == name).with_for_update())).first()
    if counter is None:
        counter = Meta(name=name, value="0")
    counter.value = str(int(counter.value) + 1)
    db.add(counter)
    await db.flush()
    return f"{prefix}-{at.year}-{int(counter.value):04d}"


async def note(db: AsyncSession, incident_id: str, text: str, actor: str) -> None:
    """Write a person's or a playbook's note into the timeline."""
    await enter(db, await load(db, incident_id), "note", text, actor=actor)


async def move(db: AsyncSession, incident_id: str, step: Step, actor: str, reason: str = "") -> Incident:
    """Take the incident to its next state.

    A city incident whose last open child closes is closed with it.

    Raises:
        NotShared: there is no such incident.
        Conflict: `step` is not legal in its present state, or the same root cause was opened anew meanwhile.
    """
    await alone(db, LOCK)
    incident = await load(db, incident_id)
    state = after(State(incident.state), step)
    if state is None:
        raise Conflict(f"incident {incident.ref} is {incident.state}: it cannot {step.value}")
    incident.state = state.value
    incident.closed_at = now() if state is State.CLOSED else None
    key = open_key(incident.threat, incident.constituent_id, incident.kind)
    incident.open_key = None if state is State.CLOSED else key
    if state is not State.CLOSED:
        await _refuse_twin(db, incident)
    said = f"{_SAID[step]}: {reason}" if reason else f"{_SAID[step]}."
    await enter(db, incident, step.value, said, actor=actor, data={"state": state.value})
    await db.flush()
    if state is State.CLOSED:
        outbox.add(db, "stand-down", {"incident": incident.id})
    if state is State.CLOSED and incident.parent_id is not None:
        await _close_with_last_child(db, incident.parent_id)
    return incident


def open_key(threat: str, constituent_id: str | None, kind: str = "") -> str:
    """Return what is unique among open incidents: one root cause at one constituent, or in the city.

    Names that only look like a constituent's are an incident of their own, unless what is its own is touched, too.
    """
    if constituent_id is None:
        return f"city|{threat}"
    return f"{constituent_id}|{threat}{_ALIKE if kind == LOOKALIKE else ''}"


def own_key(key: str) -> str:
    """Return the key of the incident about what is the constituent's own, for that of one about what looks like it."""
    return key.removesuffix(_ALIKE)


async def _refuse_twin(db: AsyncSession, incident: Incident) -> None:
    same = select(Incident.ref).where(col(Incident.open_key) == incident.open_key, col(Incident.id) != incident.id)
    with db.no_autoflush:
        twin = (await db.exec(same)).first()
    if twin is not None:
        raise Conflict(f"{twin} is open for the same root cause: go on there")


async def _close_with_last_child(db: AsyncSession, parent_id: str) -> None:
    open_children = select(Incident.id).where(
        col(Incident.parent_id) == parent_id, col(Incident.state) != State.CLOSED.value
    )
    if (await db.exec(open_children.limit(1))).first() is not None:
        return
    parent = await load(db, parent_id)
    if after(State(parent.state), Step.CLOSE) is not None:
        await move(db, parent_id, Step.CLOSE, SERVICE, "The last incident below it is closed.")
