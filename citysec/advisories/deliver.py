"""Deliver: send one message over one channel, again when it fails, and never keep quiet about it.

Between the sending and its record the process may die; then the message is sent again, with the same `Message-ID` or
`webhook-id`. That is the price of never losing one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from sqlalchemy import CursorResult
from sqlmodel import col, select, update
from sqlmodel.ext.asyncio.session import AsyncSession

from citysec.access import audit
from citysec.access.policy import SERVICE
from citysec.advisories import render, retry
from citysec.advisories.channels import Channels
from citysec.advisories.channels.message import Message
from citysec.advisories.content import from_json
from citysec.advisories.deliveries import State, delivery_id
from citysec.advisories.gate import clearance_of
from citysec.advisories.link import Link, Links
from citysec.advisories.record import answered, changed
from citysec.advisories.words import count
from citysec.db import Database
from citysec.errors import DeliveryDeferred, DeliveryRefused, NotShared
from citysec.tables.advisories import Advisory, Delivery
from citysec.tables.columns import now
from citysec.tables.incidents import Incident
from citysec.tables.register import Constituent, Contact
from citysec.timeline import CITY_ONLY, write


@dataclass(frozen=True, slots=True)
class Post:
    """What it takes to send: the city's name, its channels, how links are signed, and the wait before a second try."""

    city: str
    channels: Channels
    links: Links
    retry_s: float = retry.FIRST_S


@dataclass(frozen=True, slots=True)
class _Claim:
    """A delivery that is ours to send, with all it rests on."""

    delivery: Delivery
    advisory: Advisory
    incident: Incident
    constituent: Constituent
    contact: Contact
    first_id: str


async def deliver(database: Database, payload: Mapping[str, Any], post: Post) -> float | None:
    """Send the delivery that `payload` names.

    Args:
        database: two short transactions are opened, one before and one after the sending.
        payload: `{"delivery": id}`.
        post: what it takes to send.

    Returns:
        After how many seconds to call again; None when it is sent, dead, or not wanted any more.

    Raises:
        NotShared: there is no such delivery.
    """
    async with database.writing() as db:
        claim = await _claim(db, payload["delivery"])
    if claim is None:
        return None
    try:
        await _send(claim, post)
    except DeliveryDeferred as err:
        wait = retry.wait_s(claim.delivery.attempts, err.retry_after_s, post.retry_s)
        return await _failed(database, claim, str(err), wait)
    except DeliveryRefused as err:
        return await _failed(database, claim, str(err), None)
    await _sent(database, claim)
    return None


async def _claim(db: AsyncSession, key: str) -> _Claim | None:
    """Count an attempt; None when the delivery is not to be sent, or another worker was faster."""
    claim = await _context(db, key)
    delivery = claim.delivery
    if delivery.state != State.QUEUED:
        return None
    unwanted = await _unwanted(db, claim)
    if unwanted:
        delivery.state, delivery.error = State.CANCELLED, unwanted
        write(db, claim.incident, "advisory", f"{claim.constituent.name}: {unwanted}", data=CITY_ONLY)
        changed(db, claim.advisory)
        return None
    mine = update(Delivery).where(
        col(Delivery.id) == key, col(Delivery.state) == State.QUEUED, col(Delivery.attempts) == delivery.attempts
    )
    won = cast("CursorResult[tuple[()]]", await db.exec(mine.values(attempts=delivery.attempts + 1)))
    await db.refresh(delivery)
    return claim if won.rowcount == 1 else None


async def _context(db: AsyncSession, key: str) -> _Claim:
    context = (
        select(Delivery, Advisory, Incident, Contact)
        .join(Advisory, col(Advisory.id) == col(Delivery.advisory_id))
        .join(Incident, col(Incident.id) == col(Advisory.incident_id))
        .join(Contact, col(Contact.id) == col(Delivery.contact_id))
    )
    found = (await db.exec(context.where(col(Delivery.id) == key))).first()
    if found is None:
        raise NotShared(f"delivery {key}")
    delivery, advisory, incident, contact = found
    constituent = await db.get_one(Constituent, contact.constituent_id)
    return _Claim(delivery, advisory, incident, constituent, contact, await _first_id(db, advisory, contact))


async def _first_id(db: AsyncSession, advisory: Advisory, contact: Contact) -> str:
    """Return the id of the first message to `contact` about the incident: later ones are answers to it."""
    revisions = select(Advisory).where(
        col(Advisory.incident_id) == advisory.incident_id, col(Advisory.constituent_id) == advisory.constituent_id
    )
    first = (await db.exec(revisions.order_by(col(Advisory.revision)).limit(1))).one()
    return delivery_id(first, contact)


async def _unwanted(db: AsyncSession, claim: _Claim) -> str:
    """Return why the decision to send, which may be hours old, does not hold any more; empty while it does."""
    if not claim.contact.active:
        return "a message was not sent: its contact is no longer active."
    if claim.advisory.tlp > clearance_of(claim.constituent.clearance):
        return "a message was not sent: its label is above the clearance by now."
    if claim.delivery.reminder and await answered(db, claim.advisory):
        return "a reminder was not sent: it was answered before."
    return ""


async def _send(claim: _Claim, post: Post) -> None:
    channel = post.channels.get(claim.delivery.channel)
    if channel is None:
        raise DeliveryRefused(f"there is no channel {claim.delivery.channel!r}")
    await channel(_message(claim, post))


def _message(claim: _Claim, post: Post) -> Message:
    advisory, delivery = claim.advisory, claim.delivery
    letter = render.Letter(
        city=post.city,
        recipient=claim.constituent.name,
        content=from_json(advisory.content),
        revision=advisory.revision,
        published_at=advisory.published_at,
        answer_by=advisory.answer_by,
        reminder=delivery.reminder,
        url=post.links.url(Link(advisory.id, claim.contact.id)),
    )
    mail = render.mail(letter)
    return Message(
        id=delivery.id,
        thread=claim.first_id,
        address=claim.contact.address,
        secret=claim.contact.secret,
        at=delivery.queued_at,
        subject=mail.subject,
        text=mail.text,
        html=mail.html,
        payload=_payload(claim, letter),
    )


def _payload(claim: _Claim, letter: render.Letter) -> dict[str, Any]:
    """Return what machines get: type, instant and data, as Standard Webhooks recommend."""
    advisory = claim.advisory
    return {
        "type": _event(claim),
        "timestamp": claim.delivery.queued_at.isoformat(),
        "data": {
            "advisory": advisory.id,
            "revision": advisory.revision,
            "reminder": claim.delivery.reminder,
            "constituent": claim.constituent.slug,
            "published_at": advisory.published_at.isoformat(),
            "answer_by": advisory.answer_by.isoformat() if advisory.answer_by else None,
            "answer_url": letter.url,
            "content": advisory.content,
        },
    }


def _event(claim: _Claim) -> str:
    if claim.delivery.reminder:
        return "advisory.reminder"
    if claim.advisory.content["withdrawn"]:
        return "advisory.withdrawn"
    return "advisory.updated" if claim.advisory.revision > 1 else "advisory.published"


async def _sent(database: Database, claim: _Claim) -> None:
    """Record that the message has left, even if it was called off meanwhile."""
    async with database.writing() as db:
        delivery = await db.get_one(Delivery, claim.delivery.id)
        delivery.state, delivery.sent_at, delivery.error = State.SENT, now(), None
        text = f"{claim.constituent.name} has been sent {_called(claim)} by {delivery.channel}."
        write(db, claim.incident, "delivery", text, data={"delivery": delivery.id})
        changed(db, claim.advisory)


async def _failed(database: Database, claim: _Claim, why: str, wait: float | None) -> float | None:
    """Record the failed attempt; without another one to come the delivery is dead, for people to see and replay."""
    async with database.writing() as db:
        delivery = await db.get_one(Delivery, claim.delivery.id)
        delivery.error = why
        if delivery.state != State.QUEUED:
            return None
        if wait is None:
            await _bury(db, claim, delivery)
        changed(db, claim.advisory)
    return wait


async def _bury(db: AsyncSession, claim: _Claim, delivery: Delivery) -> None:
    delivery.state = State.DEAD
    tries = count(delivery.attempts, "attempt")
    text = f"{_called(claim).capitalize()} to {claim.constituent.name} by {delivery.channel} is dead after {tries}."
    write(db, claim.incident, "delivery", text, data=CITY_ONLY | {"delivery": delivery.id, "error": delivery.error})
    facts = {"channel": delivery.channel, "attempts": delivery.attempts}
    await db.flush()  # rows before the audit's lock, as everywhere here, or two would wait for each other
    await audit.record(db, SERVICE, "delivery.dead", f"delivery:{delivery.id}", facts)


def _called(claim: _Claim) -> str:
    if claim.delivery.reminder:
        return f"reminder {claim.delivery.reminder}"
    return f"revision {claim.advisory.revision}" if claim.advisory.revision > 1 else "the advisory"
