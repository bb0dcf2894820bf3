"""Sample London: a register to try citysec with; `london/NOTICE.txt` says what in it is fact."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from citysec import outbox, tlp
from citysec.access import audit
from citysec.constituency.lines import parse
from citysec.constituency.records import decode
from citysec.constituency.register import apply, plan_import
from citysec.tables.register import Accountable, Constituent, Contact, Service

FOLDER: Final = Path(__file__).parent / "london"


@dataclass(frozen=True, slots=True)
class Loaded:
    """How much was new."""

    constituents: int
    contacts: int
    services: int
    assets: int


async def load_sample(db: AsyncSession, actor: str) -> Loaded:
    """Add what the register lacks of sample London; what is there already stays as it is.

    Args:
        db: a writing session.
        actor: account name, for the audit.
    """
    constituents = await _constituents(db)
    contacts = await _contacts(db)
    services = await _services(db)
    plan = await plan_import(db, parse(decode((FOLDER / "assets.csv").read_bytes())))
    added = replace(plan, changed=(), removed=())
    await apply(db, added, actor)
    loaded = Loaded(len(constituents), contacts, services, len(added.added))
    if any((loaded.constituents, loaded.contacts, loaded.services)):
        counts = {"constituents": loaded.constituents, "contacts": loaded.contacts, "services": loaded.services}
        await audit.record(db, actor, "register.sample", "register", counts)
    for constituent_id in constituents:
        outbox.announce(db, "constituent", constituent_id, constituent_id)
    return loaded


async def _constituents(db: AsyncSession) -> list[str]:
    known = set((await db.exec(select(Constituent.slug))).all())
    new = [
        Constituent(
            slug=row["slug"],
            name=row["name"],
            kind=row["kind"],
            sector=row["sector"],
            gss_code=row["gss_code"] or None,
            ods_code=row["ods_code"] or None,
            abbreviation=row["abbreviation"] or None,
            grid_col=int(row["grid_col"]) if row["grid_col"] else None,
            grid_row=int(row["grid_row"]) if row["grid_row"] else None,
            clearance=tlp.parse(row["clearance"]),
        )
        for row in _rows("constituents.csv")
        if row["slug"] not in known
    ]
    db.add_all(new)
    await db.flush()
    return [one.id for one in new]


async def _contacts(db: AsyncSession) -> int:
    ids = await _constituent_ids(db)
    known = set((await db.exec(select(Contact.constituent_id, Contact.channel, Contact.address))).all())
    new = [
        Contact(
            constituent_id=ids[row["constituent"]],
            name=row["name"],
            role=row["role"],
            channel=row["channel"],
            address=row["address"],
        )
        for row in _rows("contacts.csv")
        if (ids[row["constituent"]], row["channel"], row["address"]) not in known
    ]
    db.add_all(new)
    return len(new)


async def _services(db: AsyncSession) -> int:
    ids = await _constituent_ids(db)
    known = set((await db.exec(select(Service.slug))).all())
    rows = [row for row in _rows("services.csv") if row["slug"] not in known]
    for row in rows:
        operator = row["operator"] or None
        service = Service(slug=row["slug"], name=row["name"], criticality=int(row["criticality"]), operator=operator)
        db.add(service)
        await db.flush()
        db.add_all(Accountable(service_id=service.id, constituent_id=ids[slug]) for slug in row["accountable"].split())
    await db.flush()
    return len(rows)


async def _constituent_ids(db: AsyncSession) -> dict[str, str]:
    return dict((await db.exec(select(col(Constituent.slug), col(Constituent.id)))).all())


def _rows(name: str) -> Iterator[dict[str, str]]:
    return csv.DictReader(decode((FOLDER / name).read_bytes()).splitlines())
