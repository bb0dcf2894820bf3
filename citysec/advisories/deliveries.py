"""Rows of deliveries: queueing one, calling off those that nobody needs any more."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from enum import StrEnum

from sqlmodel import col, update
from sqlmodel.ext.asyncio.session import AsyncSession

from citysec import outbox
from citysec.tables.advisories import Advisory, Delivery
from citysec.tables.columns import now
from citysec.tables.register import Contact


class State(StrEnum):
    """What has become of a delivery."""

    QUEUED = "queued"
    SENT = "sent"
    DEAD = "dead"
    CANCELLED = "cancelled"


def delivery_id(advisory: Advisory, contact: Contact, reminder: int = 0) -> str:
    """Return the idempotency key of a sending: the same sending has the same one, whoever computes it."""
    parts = (advisory.id, str(advisory.revision), contact.id, contact.channel, str(reminder))
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


async def queue(
    db: AsyncSession, advisory: Advisory, contact: Contact, decision_id: str, *, reminder: int = 0
) -> Delivery | None:
    """Put a sending of `advisory` to `contact`, and the work of it, into the caller's transaction.

    Returns:
        The new delivery; None where it exists already.
    """
    key = delivery_id(advisory, contact, reminder)
    if await db.get(Delivery, key) is not None:
        return None
    delivery = Delivery(
        id=key,
        advisory_id=advisory.id,
        contact_id=contact.id,
        decision_id=decision_id,
        channel=contact.channel,
        reminder=reminder,
        queued_at=now(),
    )
    db.add(delivery)
    outbox.add(db, "deliver", {"delivery": key})
    return delivery


async def cancel(db: AsyncSession, advisory_ids: Sequence[str], why: str, *, from_reminder: int = 0) -> None:
    """Call off what is still queued of these advisories: everything, or only reminders from a number on."""
    waiting = update(Delivery).where(
        col(Delivery.advisory_id).in_(advisory_ids),
        col(Delivery.state) == State.QUEUED,
        col(Delivery.reminder) >= from_reminder,
    )
    await db.exec(waiting.values(state=State.CANCELLED, error=why))
