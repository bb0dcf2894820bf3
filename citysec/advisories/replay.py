"""Dead letters: what could not be delivered, and sending it once more."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import ColumnElement
from sqlalchemy.orm import aliased
from sqlmodel import col, exists, select
from sqlmodel.ext.asyncio.session import AsyncSession

from citysec import outbox
from citysec.access import audit
from citysec.advisories.deliveries import State
from citysec.advisories.record import changed, latest
from citysec.errors import Conflict, NotShared
from citysec.tables.advisories import Advisory, Delivery
from citysec.tables.incidents import Incident
from citysec.tables.register import Contact
from citysec.timeline import CITY_ONLY, write


async def replayable(db: AsyncSession) -> Sequence[str]:
    """Return the ids of the dead deliveries that are still worth sending, oldest first."""
    query = select(Delivery.id).join(Advisory, col(Advisory.id) == col(Delivery.advisory_id))
    query = query.where(col(Delivery.state) == State.DEAD, ~_superseded())
    return (await db.exec(query.order_by(col(Delivery.queued_at), col(Delivery.id)))).all()


async def replay(db: AsyncSession, delivery_id: str, actor: str) -> None:
    """Queue a dead delivery anew, with all its attempts; the receiver will know it by the same id.

    Raises:
        NotShared: there is no such delivery.
        Conflict: it is not dead, or a newer revision has been published since.
    """
    delivery = await db.get(Delivery, delivery_id)
    if delivery is None:
        raise NotShared(f"delivery {delivery_id}")
    advisory = await db.get_one(Advisory, delivery.advisory_id)
    incident = await db.get_one(Incident, advisory.incident_id)
    newest = await latest(db, incident)
    if delivery.state != State.DEAD:
        raise Conflict(f"delivery {delivery_id} is {delivery.state}, not dead")
    if newest is not None and newest.id != advisory.id:
        raise Conflict(f"delivery {delivery_id} is of revision {advisory.revision}; {newest.revision} is the newest")
    delivery.state, delivery.attempts, delivery.error = State.QUEUED, 0, None
    outbox.add(db, "deliver", {"delivery": delivery.id})
    contact = await db.get_one(Contact, delivery.contact_id)
    text = f"The dead message to {contact.name} by {delivery.channel} is sent again."
    write(db, incident, "delivery", text, actor=actor, data=CITY_ONLY | {"delivery": delivery.id})
    changed(db, advisory)
    await audit.record(db, actor, "delivery.replay", f"delivery:{delivery.id}")


def _superseded() -> ColumnElement[bool]:
    newer = aliased(Advisory)
    return exists().where(
        col(newer.incident_id) == col(Advisory.incident_id),
        col(newer.constituent_id) == col(Advisory.constituent_id),
        col(newer.revision) > col(Advisory.revision),
    )
