"""Constituents, contacts and services in the database."""

from __future__ import annotations

import pytest
from sqlmodel import col, select

from citysec.access import audit
from citysec.constituency import people, register
from citysec.constituency.people import Secret
from citysec.constituency.plan import Plan
from citysec.constituency.sample import FOLDER
from citysec.constituency.sheets import CONSTITUENTS, CONTACTS, SERVICES, SHEETS, Cells, Sheet, parse, render
from citysec.db import Database
from citysec.errors import Conflict
from citysec.settings import Settings
from citysec.tables import Asset, Change, Contact, Outbox
from citysec.tables.access import AuditEntry
from tests.constituency.lines import line

BODIES = (
    "slug,name,kind,sector\nbath,Bath Council,unitary,local-government\nwells,Wells Council,unitary,local-government\n"
)
PAY = "slug,name,criticality,accountable\npay,Payments,high,bath\n"
HOOK = "constituent,name,channel,address\nbath,Hook,webhook,https://hooks.bath.example/\n"


async def _import(db: Database, sheet: Sheet, text: str) -> tuple[Plan[Cells], tuple[Secret, ...]]:
    async with db.writing() as session:
        plan = await people.plan_import(session, sheet, parse(sheet, text))
        return plan, await people.apply(session, sheet, plan, "ada")


async def _exported(db: Database, sheet: Sheet) -> str:
    async with db.reading() as session:
        return render(sheet, await people.export(session, sheet))


@pytest.fixture
async def somerset(db: Database) -> Database:
    """Two councils."""
    await _import(db, CONSTITUENTS, BODIES)
    return db


@pytest.mark.parametrize("sheet", SHEETS.values(), ids=lambda sheet: sheet.noun)
async def test_what_is_exported_is_the_sample_and_imports_again_unchanged(london: Database, sheet: Sheet):
    text = await _exported(london, sheet)
    assert text == (FOLDER / f"{sheet.noun}.csv").read_text(encoding="utf-8")
    plan, _ = await _import(london, sheet, text)
    assert plan.is_empty


async def test_importing_the_same_again_leaves_no_trace(somerset: Database):
    await _import(somerset, CONSTITUENTS, BODIES)
    async with somerset.reading() as session:
        assert await audit.first_broken(session) == (1, None)


async def test_a_plan_changes_nothing(db: Database):
    async with db.writing() as session:
        assert len((await people.plan_import(session, CONSTITUENTS, parse(CONSTITUENTS, BODIES))).added) == 2
    assert await _exported(db, CONSTITUENTS) == render(CONSTITUENTS, ())


async def test_councils_may_exchange_their_names(somerset: Database):
    swapped = BODIES.replace("Bath C", "X").replace("Wells C", "Bath C").replace("X", "Wells C")
    await _import(somerset, CONSTITUENTS, swapped)
    assert "bath,Wells Council" in await _exported(somerset, CONSTITUENTS)


async def test_an_import_is_audited_by_whom_it_concerns_but_not_by_addresses_and_announced(somerset: Database):
    await _import(somerset, CONTACTS, HOOK)
    async with somerset.reading() as session:
        entry = (await session.exec(select(AuditEntry).order_by(col(AuditEntry.seq).desc()).limit(1))).one()
        assert (entry.actor, entry.action) == ("ada", "register.import")
        assert entry.data == {"sheet": "contacts", "added": 1, "changed": 0, "constituents": ["bath"]}
        assert len((await session.exec(select(Change).where(Change.subject == "constituent"))).all()) == 3


async def test_a_new_webhook_gets_a_secret_that_is_told_once(somerset: Database):
    _, (secret,) = await _import(somerset, CONTACTS, HOOK)
    assert (secret.constituent, secret.address) == ("bath", "https://hooks.bath.example/")
    async with somerset.reading() as session:
        assert (await session.exec(select(Contact.secret))).one() == secret.text
    assert (await _import(somerset, CONTACTS, HOOK.replace("Hook,", "Siren,")))[1] == ()
    assert "whsec_" not in await _exported(somerset, CONTACTS)


@pytest.fixture
async def carried(somerset: Database) -> Database:
    """A service that an asset of Bath carries."""
    await _import(somerset, SERVICES, PAY)
    async with somerset.writing() as session:
        one = line(value="pay.bath.example", organisation="Bath Council", service="pay")
        await register.apply(session, await register.plan_import(session, [one]), "ada")
    return somerset


@pytest.mark.parametrize(("old", "new"), [("bath\n", "bath;wells\n"), ("high", "low")])
async def test_whom_a_service_concerns_and_how_much_decides_on_its_matches_anew(carried: Database, old: str, new: str):
    await _import(carried, SERVICES, PAY.replace(old, new))
    async with carried.reading() as session:
        asset_id = (await session.exec(select(Asset.id))).one()
        work = (await session.exec(select(Outbox).where(Outbox.kind == "retro"))).all()
    assert [one.payload for one in work] == [{"assets": [asset_id]}] * 2


async def test_a_service_s_name_decides_on_no_match(carried: Database):
    await _import(carried, SERVICES, PAY.replace("Payments", "Council tax"))
    async with carried.reading() as session:
        assert len((await session.exec(select(Outbox).where(Outbox.kind == "retro"))).all()) == 1


async def test_a_plan_that_is_no_longer_true_is_a_conflict(somerset: Database):
    async with somerset.reading() as session:
        plan = await people.plan_import(session, SERVICES, parse(SERVICES, PAY))
    await _import(somerset, SERVICES, PAY)
    with pytest.raises(Conflict, match="plan again"):
        async with somerset.writing() as session:
            await people.apply(session, SERVICES, plan, "ada")


@pytest.mark.postgres
async def test_postgresql_keeps_it_the_same_way(postgres_url: str):
    async with Database.opened(Settings(database_url=postgres_url).app_database) as db:
        for sheet in SHEETS.values():
            text = (FOLDER / f"{sheet.noun}.csv").read_text(encoding="utf-8")
            await _import(db, sheet, text)
            assert await _exported(db, sheet) == text
