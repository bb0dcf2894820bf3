"""Taking constituents, contacts and services out of the register: what hangs on one of them, and doing it.

What the record points at stays: a contact that was ever written to is told nothing more, and a constituent that had
incidents keeps its name, with nothing registered.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sqlalchemy import ColumnElement, ColumnExpressionArgument, delete, exists, or_, update
from sqlmodel import SQLModel, col, func, select
from sqlmodel.ext.asyncio.session import AsyncSession

from citysec import outbox
from citysec.access import audit
from citysec.constituency import register
from citysec.constituency.plan import Plan, nearest, unknown
from citysec.constituency.sheets import Noun
from citysec.errors import Conflict, InvalidInput
from citysec.tables.access import Account
from citysec.tables.advisories import Acknowledgement, Advisory, Delivery
from citysec.tables.incidents import Incident
from citysec.tables.matches import Match
from citysec.tables.register import Accountable, AssetOwner, Constituent, Contact, Service
from citysec.tables.sightings import Observed, Report


@dataclass(frozen=True, slots=True)
class Target:
    """Whom or what to remove: a constituent or service by its slug, a contact by its constituent's and its address."""

    noun: Noun
    slug: str
    address: str = ""


@dataclass(frozen=True, slots=True)
class Removal:
    """A removal that somebody may agree to.

    Args:
        target: of whom or what.
        id: of its row.
        title: what people call it.
        hangs: sentences on what goes with it and what does not.
        stays: whether the record needs its row.
    """

    target: Target
    id: str
    title: str
    hangs: tuple[str, ...]
    stays: bool = False


async def look(db: AsyncSession, target: Target) -> Removal:
    """Return what hangs on `target`.

    Raises:
        InvalidInput: there is no such thing; names what may be meant.
    """
    match target.noun:
        case Noun.CONSTITUENTS:
            return await _of_constituent(db, target)
        case Noun.CONTACTS:
            return await _of_contact(db, target)
        case Noun.SERVICES:
            return await _of_service(db, target)


async def remove(db: AsyncSession, agreed: Removal, actor: str) -> None:
    """Remove what `agreed` is about, in the caller's transaction.

    Args:
        db: a writing session.
        agreed: of `look`, as a person has seen it.
        actor: account name, for the audit.

    Raises:
        Conflict: by now something else hangs on it.
        InvalidInput: it is gone.
    """
    if await look(db, agreed.target) != agreed:
        raise Conflict(f"what hangs on {agreed.title} has changed since it was shown: look again")
    match agreed.target.noun:
        case Noun.CONSTITUENTS:
            await _remove_constituent(db, agreed, actor)
        case Noun.CONTACTS:
            await _remove_contact(db, agreed)
        case Noun.SERVICES:
            await _remove_service(db, agreed.id)
    noun = agreed.target.noun.removesuffix("s")
    facts = {"slug": agreed.target.slug, "stays": agreed.stays}
    await audit.record(db, actor, f"{noun}.remove", f"{noun}:{agreed.id}", facts)


async def _of_constituent(db: AsyncSession, target: Target) -> Removal:
    row = (await db.exec(select(Constituent).where(Constituent.slug == target.slug))).first()
    if row is None:
        raise _missing("constituent", target.slug, (await db.exec(select(Constituent.slug))).all())
    goes = {
        "contact": await _count(db, Contact, col(Contact.constituent_id) == row.id, col(Contact.active)),
        "asset": await _count(db, AssetOwner, col(AssetOwner.constituent_id) == row.id),
        "service to answer for": await _count(db, Accountable, col(Accountable.constituent_id) == row.id),
    }
    accounts = (await db.exec(select(Account.name, Account.disabled_at).where(Account.constituent_id == row.id))).all()
    stays = {
        "incident": await _count(db, Incident, col(Incident.constituent_id) == row.id),
        "advisory": await _count(db, Advisory, col(Advisory.constituent_id) == row.id),
        "sighting": await _count(db, Match, col(Match.constituent_id) == row.id),
        "account": len(accounts),
    }
    able = sorted(name for name, disabled_at in accounts if disabled_at is None)
    hangs = (
        _said("Goes with it: {}.", goes),
        _said("On record, so that its name stays: {}.", stays),
        f"May still sign in: {', '.join(able)}; see `citysec accounts disable`." if able else "",
    )
    return Removal(target, row.id, row.name, tuple(filter(None, hangs)), any(stays.values()))


async def _of_contact(db: AsyncSession, target: Target) -> Removal:
    query = select(Contact, Constituent.name).where(
        Contact.constituent_id == Constituent.id, Constituent.slug == target.slug, col(Contact.active)
    )
    found = {contact.address: (contact, name) for contact, name in (await db.exec(query)).all()}
    if target.address not in found:
        raise _missing(f"contact of {target.slug}", target.address, found)
    contact, name = found[target.address]
    sent = await _count(db, Delivery, col(Delivery.contact_id) == contact.id)
    waiting = await _count(db, Delivery, col(Delivery.contact_id) == contact.id, col(Delivery.state) == "queued")
    answers = await _count(db, Acknowledgement, col(Acknowledgement.contact_id) == contact.id)
    hangs = (
        f"It is the only one: nobody will be told anything at {name}." if len(found) == 1 else "",
        _said("Not sent yet, and will not be: {}.", {"message": waiting}),
        _said("On record, so that its name stays: {}.", {"message": sent, "answer": answers}),
    )
    title = f"{contact.name}, {contact.channel} {contact.address}"
    return Removal(target, contact.id, title, tuple(filter(None, hangs)), bool(sent or answers))


async def _of_service(db: AsyncSession, target: Target) -> Removal:
    row = (await db.exec(select(Service).where(Service.slug == target.slug))).first()
    if row is None:
        raise _missing("service", target.slug, (await db.exec(select(Service.slug))).all())
    carried = {"asset": await _count(db, AssetOwner, col(AssetOwner.service_id) == row.id)}
    answering = select(Constituent.slug).where(
        Constituent.id == Accountable.constituent_id, Accountable.service_id == row.id
    )
    slugs = sorted((await db.exec(answering)).all())
    hangs = (
        _said("Will carry no service: {}.", carried),
        f"Not concerned any more by what touches them, unless they own it: {', '.join(slugs)}." if slugs else "",
    )
    return Removal(target, row.id, row.name, tuple(filter(None, hangs)))


def _missing(what: str, name: str, known: Iterable[str]) -> InvalidInput:
    return InvalidInput([unknown(what, name, nearest([name], {one: one for one in known}).get(name))])


def _said(sentence: str, numbers: Mapping[str, int]) -> str:
    """Return `sentence` with the numbers that are not 0, nothing where all are."""
    counted = [f"{number:,} {_plural(noun, number)}" for noun, number in numbers.items() if number]
    return sentence.format(", ".join(counted)) if counted else ""


def _plural(noun: str, number: int) -> str:
    head, _, rest = noun.partition(" ")
    many = head.removesuffix("y") + "ies" if head.endswith("y") else head + "s"
    return noun if number == 1 else f"{many} {rest}".rstrip()


async def _count(db: AsyncSession, table: type[SQLModel], *where: ColumnExpressionArgument[bool]) -> int:
    return (await db.exec(select(func.count()).select_from(table).where(*where))).one()


async def _remove_constituent(db: AsyncSession, agreed: Removal, actor: str) -> None:
    """Take out all that is registered with it, and itself unless the record needs its name."""
    owned = [line for line in await register.export(db) if line.organisation == agreed.title]
    await register.apply(db, Plan(removed=tuple(owned)), actor)
    theirs = select(Accountable.service_id).where(Accountable.constituent_id == agreed.id)
    services = (await db.exec(theirs)).all()
    await db.exec(delete(Accountable).where(col(Accountable.constituent_id) == agreed.id))
    register.again(db, await register.carriers(db, services))
    await _drop_contacts(db, col(Contact.constituent_id) == agreed.id)
    for told in (Observed, Report):
        await db.exec(delete(told).where(col(told.constituent_id) == agreed.id))
    outbox.announce(db, "constituent", agreed.id, agreed.id)
    if not agreed.stays:
        await db.exec(delete(Constituent).where(col(Constituent.id) == agreed.id))


async def _remove_contact(db: AsyncSession, agreed: Removal) -> None:
    contact = await db.get_one(Contact, agreed.id)
    outbox.announce(db, "constituent", contact.constituent_id, contact.constituent_id)
    await _drop_contacts(db, col(Contact.id) == agreed.id)


async def _drop_contacts(db: AsyncSession, chosen: ColumnElement[bool]) -> None:
    """Delete contacts; those that the record points at are kept, and told nothing more."""
    sent = exists().where(col(Delivery.contact_id) == col(Contact.id))
    answered = exists().where(col(Acknowledgement.contact_id) == col(Contact.id))
    await db.exec(update(Contact).where(chosen, or_(sent, answered)).values(active=False, secret=None))
    await db.exec(delete(Contact).where(chosen, ~sent, ~answered))


async def _remove_service(db: AsyncSession, service_id: str) -> None:
    """Take a service out; its assets stay with their owners, and whom they concern is looked at again."""
    register.again(db, await register.carriers(db, [service_id]))
    carrying = update(AssetOwner).where(col(AssetOwner.service_id) == service_id)
    await db.exec(carrying.values(service_id=None))
    await db.exec(delete(Accountable).where(col(Accountable.service_id) == service_id))
    await db.exec(delete(Service).where(col(Service.id) == service_id))
