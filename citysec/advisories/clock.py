"""The answer clock: remind who has not answered, and when the time is over tell the coordinator."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from citysec import outbox
from citysec.access import audit
from citysec.access.policy import SERVICE
from citysec.advisories.deadlines import Deadline, Deadlines, due_at
from citysec.advisories.deliveries import State, queue
from citysec.advisories.record import answered, changed, latest
from citysec.advisories.words import moment
from citysec.tables.advisories import Advisory, Delivery
from citysec.tables.columns import now
from citysec.tables.incidents import Incident
from citysec.tables.register import Constituent, Contact
from citysec.timeline import write


async def remind(db: AsyncSession, payload: Mapping[str, Any], deadlines: Deadlines) -> None:
    """Send the next reminder of an advisory that nobody has answered; after the last one it is overdue.

    Nothing happens when it has been answered or superseded, when its incident is closed, or when this reminder was
    dealt with before.

    Args:
        db: the stage's transaction.
        payload: `{"advisory": id, "reminder": n}`.
        deadlines: the strategy's.
    """
    advisory, number = await db.get_one(Advisory, payload["advisory"]), int(payload["reminder"])
    incident = await db.get_one(Incident, advisory.incident_id)
    done = advisory.reminders >= number or advisory.overdue_at is not None
    if done or not await _waiting(db, advisory, incident):
        return
    deadline = deadlines[advisory.severity]
    if number > len(deadline.remind_after):
        await _overdue(db, advisory, incident)
    else:
        await _remind(db, advisory, incident, number, deadline)


async def _waiting(db: AsyncSession, advisory: Advisory, incident: Incident) -> bool:
    newest = await latest(db, incident)
    superseded = newest is not None and newest.id != advisory.id
    return not superseded and incident.closed_at is None and not await answered(db, advisory)


async def _remind(db: AsyncSession, advisory: Advisory, incident: Incident, number: int, deadline: Deadline) -> None:
    """Queue the reminder for everyone whom the first message has reached, and set the clock anew."""
    advisory.reminders = number
    for contact, decision_id in await _reached(db, advisory):
        await queue(db, advisory, contact, decision_id, reminder=number)
    due = due_at(advisory.published_at, deadline, number + 1)
    outbox.add(db, "clock", {"advisory": advisory.id, "reminder": number + 1}, due_at=due)
    text = f"{await _name(db, advisory)} has not answered: reminder {number} of {len(deadline.remind_after)}."
    await _record(db, advisory, incident, "reminded", text)


async def _overdue(db: AsyncSession, advisory: Advisory, incident: Incident) -> None:
    """Mark the advisory, and put it before the coordinator."""
    advisory.overdue_at = now()
    by = moment(advisory.answer_by) if advisory.answer_by else "the deadline"
    await _record(
        db, advisory, incident, "overdue", f"{await _name(db, advisory)} has not answered by {by}. Call them."
    )
    outbox.announce(db, "incident", incident.id)


async def _record(db: AsyncSession, advisory: Advisory, incident: Incident, kind: str, text: str) -> None:
    data = {"advisory": advisory.id, "reminder": advisory.reminders}
    write(db, incident, kind, text, data=data)
    changed(db, advisory)
    await audit.record(db, SERVICE, f"advisory.{kind}", f"advisory:{advisory.id}", data)


async def _reached(db: AsyncSession, advisory: Advisory) -> Sequence[tuple[Contact, str]]:
    """Return the active contacts whom the first message has reached, with the decision that let it out.

    One that is still queued needs no reminder on top; one that is dead would not take it either.
    """
    query = (
        select(Contact, Delivery.decision_id)
        .join(Delivery, col(Delivery.contact_id) == col(Contact.id))
        .where(
            col(Delivery.advisory_id) == advisory.id,
            col(Delivery.reminder) == 0,
            col(Delivery.state) == State.SENT,
            col(Contact.active),
        )
    )
    return (await db.exec(query.order_by(col(Contact.id)))).all()


async def _name(db: AsyncSession, advisory: Advisory) -> str:
    return (await db.get_one(Constituent, advisory.constituent_id)).name
