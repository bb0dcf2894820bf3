"""Whom we serve, whom to tell there, and services in the database: as sheets, planned changes, and changing them."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import delete
from sqlalchemy.exc import IntegrityError
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from citysec import outbox, tlp
from citysec.access import audit
from citysec.constituency import differences, lines
from citysec.constituency.plan import Changed, Plan
from citysec.constituency.register import again, carriers
from citysec.constituency.sheets import SEPARATOR, Cells, Channel, Entry, Noun, Sheet, constituents
from citysec.errors import Conflict
from citysec.tables.register import Accountable, Constituent, Contact, Service

SECRET_BYTES: Final = 32


@dataclass(frozen=True, slots=True)
class Secret:
    """What a new webhook's receiver checks signatures by (Standard Webhooks); it is shown once.

    Args:
        constituent: slug.
        address: of the webhook.
        text: `whsec_…`.
    """

    constituent: str
    address: str
    text: str


async def export(db: AsyncSession, sheet: Sheet) -> list[Cells]:
    """Return all that the register says on `sheet`, ordered by its key."""
    match sheet.noun:
        case Noun.CONSTITUENTS:
            found = [_constituent(one) for one in (await db.exec(select(Constituent))).all()]
        case Noun.CONTACTS:
            found = await _contacts(db)
        case Noun.SERVICES:
            found = await _services(db)
    return sorted(found, key=sheet.key_of)


async def plan_import(db: AsyncSession, sheet: Sheet, entries: Sequence[Entry]) -> Plan[Cells]:
    """Return what importing `entries` would change; nothing is changed, and nothing is ever removed.

    Raises:
        InvalidInput: lines name unknown constituents, or claim what only one may have: every bad line is named.
    """
    slugs = (await db.exec(select(Constituent.slug))).all()
    return differences.compare(sheet, await export(db, sheet), entries, frozenset(slugs))


async def apply(db: AsyncSession, sheet: Sheet, plan: Plan[Cells], actor: str) -> tuple[Secret, ...]:
    """Change the register as planned, in the caller's transaction, and return the secrets of new webhooks.

    Args:
        db: a writing session.
        sheet: what the plan is of.
        plan: of `plan_import`.
        actor: account name, for the audit.

    Raises:
        Conflict: the register has changed since the plan was made.
    """
    if plan.is_empty:
        return ()
    try:
        made = await _write(db, sheet, plan)
        await db.flush()
    except (IntegrityError, KeyError) as err:
        raise Conflict("the register has changed since this was planned: plan again") from err
    await _follow_up(db, sheet, plan, actor)
    return made


async def _write(db: AsyncSession, sheet: Sheet, plan: Plan[Cells]) -> tuple[Secret, ...]:
    match sheet.noun:
        case Noun.CONSTITUENTS:
            await _write_constituents(db, plan)
        case Noun.CONTACTS:
            return await _write_contacts(db, plan)
        case Noun.SERVICES:
            await _write_services(db, plan)
    return ()


async def _follow_up(db: AsyncSession, sheet: Sheet, plan: Plan[Cells], actor: str) -> None:
    """Audit the import by the constituents concerned (addresses of people have no place there), and tell live pages."""
    concerned = {slug for line in _said(plan) for slug in constituents(sheet, line)}
    counts = {"added": len(plan.added), "changed": len(plan.changed)}
    facts = {"sheet": sheet.noun, **counts, "constituents": sorted(concerned)}
    await audit.record(db, actor, "register.import", "register", facts)
    ids = await _ids(db)
    for slug in sorted(concerned):
        outbox.announce(db, "constituent", ids[slug], ids[slug])


def _said(plan: Plan[Cells]) -> Iterable[Cells]:
    return (*plan.added, *(line for change in plan.changed for line in (change.before, change.after)))


async def _ids(db: AsyncSession) -> dict[str, str]:
    return dict((await db.exec(select(Constituent.slug, Constituent.id))).all())


def _constituent(row: Constituent) -> Cells:
    return {
        "slug": row.slug,
        "name": row.name,
        "kind": row.kind,
        "sector": row.sector,
        "gss_code": row.gss_code or "",
        "ods_code": row.ods_code or "",
        "abbreviation": row.abbreviation or "",
        "grid_col": "" if row.grid_col is None else str(row.grid_col),
        "grid_row": "" if row.grid_row is None else str(row.grid_row),
        "clearance": tlp.TLP(row.clearance).label,
    }


async def _write_constituents(db: AsyncSession, plan: Plan[Cells]) -> None:
    known = {row.slug: row for row in (await db.exec(select(Constituent))).all()}
    renamed = [change.after["slug"] for change in plan.changed if change.before["name"] != change.after["name"]]
    for row in map(known.__getitem__, renamed):
        row.name = row.id  # two may exchange their names, and at no moment may both have the same
    await db.flush()
    for change in plan.changed:
        _describe(known[change.after["slug"]], change.after)
    for line in plan.added:
        row = Constituent(slug=line["slug"], name=line["name"], kind=line["kind"], sector=line["sector"])
        _describe(row, line)
        db.add(row)


def _describe(row: Constituent, line: Cells) -> None:
    row.name, row.kind, row.sector = line["name"], line["kind"], line["sector"]
    row.gss_code, row.ods_code = line["gss_code"] or None, line["ods_code"] or None
    row.abbreviation = line["abbreviation"] or None
    row.grid_col, row.grid_row = _number(line["grid_col"]), _number(line["grid_row"])
    row.clearance = tlp.parse(line["clearance"])


def _number(text: str) -> int | None:
    return int(text) if text else None


async def _contacts(db: AsyncSession) -> list[Cells]:
    """Return the contacts that are told anything."""
    query = select(Contact, Constituent.slug).where(Contact.constituent_id == Constituent.id, col(Contact.active))
    return [
        {"constituent": slug, "name": one.name, "role": one.role, "channel": one.channel, "address": one.address}
        for one, slug in (await db.exec(query)).all()
    ]


async def _write_contacts(db: AsyncSession, plan: Plan[Cells]) -> tuple[Secret, ...]:
    """Change contacts, add new ones, and bring back those that were removed but for what was sent to them."""
    ids = await _ids(db)
    known = {(row.constituent_id, row.channel, row.address): row for row in (await db.exec(select(Contact))).all()}
    for line in (change.after for change in plan.changed):
        row = known[ids[line["constituent"]], line["channel"], line["address"]]
        row.name, row.role = line["name"], line["role"]
    made: list[Secret] = []
    for line in plan.added:
        key = (ids[line["constituent"]], line["channel"], line["address"])
        row = known.get(key) or Contact(constituent_id=key[0], name="", channel=key[1], address=key[2])
        row.name, row.role, row.active = line["name"], line["role"], True
        if line["channel"] == Channel.WEBHOOK:
            row.secret = new_secret()
            made.append(Secret(line["constituent"], line["address"], row.secret))
        db.add(row)
    return tuple(made)


def new_secret() -> str:
    """Return a fresh signing secret as Standard Webhooks write it."""
    return "whsec_" + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


async def _services(db: AsyncSession) -> list[Cells]:
    query = select(Accountable.service_id, Constituent.slug).where(Accountable.constituent_id == Constituent.id)
    accountable: dict[str, list[str]] = {}
    for service_id, slug in (await db.exec(query)).all():
        accountable.setdefault(service_id, []).append(slug)
    return [
        {
            "slug": one.slug,
            "name": one.name,
            "criticality": lines.level(one.criticality),
            "operator": one.operator or "",
            "accountable": SEPARATOR.join(sorted(accountable.get(one.id, ()))),
        }
        for one in (await db.exec(select(Service))).all()
    ]


async def _write_services(db: AsyncSession, plan: Plan[Cells]) -> None:
    """Change and add services; whom the matches of their assets concern, and how much, is looked at again."""
    known = {row.slug: row for row in (await db.exec(select(Service))).all()}
    changed = [(known[change.after["slug"]], change) for change in plan.changed]
    added = [(Service(slug=line["slug"], name=line["name"]), line) for line in plan.added]
    db.add_all(row for row, _ in added)
    said = [*((row, change.after) for row, change in changed), *added]
    for row, line in said:
        row.name, row.operator = line["name"], line["operator"] or None
        row.criticality = lines.criticality(line["criticality"])
    await db.flush()
    await _account(db, {row.id: line for row, line in said})
    again(db, await carriers(db, [row.id for row, change in changed if _weighs(change)]))


def _weighs(change: Changed[Cells]) -> bool:
    """Whether a change of a service decides whom the matches of its assets concern, or how severe they are."""
    return any(change.before[column] != change.after[column] for column in ("accountable", "criticality"))


async def _account(db: AsyncSession, services: Mapping[str, Cells]) -> None:
    """Have those answer for the services, by id, who are said to, and nobody else."""
    ids = await _ids(db)
    await db.exec(delete(Accountable).where(col(Accountable.service_id).in_(services)))
    for service_id, line in services.items():
        slugs = filter(None, line["accountable"].split(SEPARATOR))
        db.add_all(Accountable(service_id=service_id, constituent_id=ids[slug]) for slug in slugs)
