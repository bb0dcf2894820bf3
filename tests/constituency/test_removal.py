"""Taking constituents, contacts and services out of the register."""

from __future__ import annotations

from typing import Any

import pytest
from sqlmodel import col, select, update

from citysec.constituency import people, register, removal
from citysec.constituency.removal import Removal, Target
from citysec.constituency.sample import load_sample
from citysec.constituency.sheets import CONSTITUENTS, CONTACTS, SERVICES, Cells, Noun, Sheet
from citysec.db import Database
from citysec.errors import Conflict, InvalidInput
from citysec.settings import Settings
from citysec.tables import (
    Account,
    Advisory,
    Constituent,
    Contact,
    Decision,
    Delivery,
    Incident,
    Observed,
    Outbox,
    Report,
)
from citysec.tables.access import AuditEntry
from citysec.tables.columns import now

CAMDEN = Target(Noun.CONSTITUENTS, "camden")
DESK = Target(Noun.CONTACTS, "camden", "security@camden.citysec.example")
SHARED = Target(Noun.SERVICES, "shared-digital")


async def _look(db: Database, target: Target) -> Removal:
    async with db.reading() as session:
        return await removal.look(session, target)


async def _remove(db: Database, target: Target) -> Removal:
    agreed = await _look(db, target)
    async with db.writing() as session:
        await removal.remove(session, agreed, "ada")
    return agreed


async def _said(db: Database, sheet: Sheet, text: str) -> list[Cells]:
    """Return the lines of a sheet that have `text` in them."""
    async with db.reading() as session:
        return [line for line in await people.export(session, sheet) if text in line.values()]


async def _assets(db: Database) -> int:
    async with db.reading() as session:
        lines = await register.export(session)
    return sum(line.organisation == "London Borough of Camden" for line in lines)


async def _camden(db: Database) -> str:
    async with db.reading() as session:
        return (await session.exec(select(Constituent.id).where(Constituent.slug == "camden"))).one()


@pytest.fixture
async def told(london: Database) -> Database:
    """London, where Camden is being told of an incident."""
    camden = await _camden(london)
    async with london.writing() as db:
        contact = (await db.exec(select(Contact).where(Contact.constituent_id == camden))).one()
        incident = Incident(
            ref="LDN-1", constituent_id=camden, threat="t", kind="c2", title="C2", severity="high", state="open",
            confidence=80, tlp=1, aware_at=now(), updated_at=now(),
        )  # fmt: skip
        db.add(incident)
        await db.flush()
        advisory = Advisory(
            incident_id=incident.id, constituent_id=camden, subject="C2", content={}, severity="high", tlp=1,
            published_at=now(),
        )  # fmt: skip
        decision = Decision(
            recipient=f"contact:{contact.id}", verdict="allowed", reason="", tlp=1, clearance=2, at=now()
        )
        db.add_all((advisory, decision))
        await db.flush()
        db.add(Delivery(
            id="d1", advisory_id=advisory.id, contact_id=contact.id, decision_id=decision.id, channel="email",
            queued_at=now(),
        ))  # fmt: skip
    return london


async def test_a_constituent_goes_with_all_that_is_registered(london: Database):
    agreed = await _remove(london, CAMDEN)
    assert agreed.title == "London Borough of Camden"
    assert agreed.hangs == ("Goes with it: 1 contact, 13 assets, 3 services to answer for.",)
    assert await _said(london, CONSTITUENTS, "camden") == await _said(london, CONTACTS, "camden") == []
    assert [line["accountable"] for line in await _said(london, SERVICES, "shared-digital")] == ["haringey;islington"]
    assert await _assets(london) == 0


async def test_a_constituent_with_incidents_keeps_its_name_and_nothing_else(told: Database):
    agreed = await _remove(told, CAMDEN)
    assert agreed.hangs[1] == "On record, so that its name stays: 1 incident, 1 advisory."
    assert await _said(told, CONSTITUENTS, "camden")
    assert await _said(told, CONTACTS, "camden") == []
    assert await _assets(told) == 0


async def test_what_its_machines_told_goes_with_a_constituent(london: Database):
    camden = await _camden(london)
    async with london.writing() as db:
        db.add(Report(id="r", constituent_id=camden, at=now(), answer={}))
        times: dict[str, Any] = {"first_seen": 0, "last_seen": 0, "count": 1, "told_at": now()}
        fact: dict[str, Any] = {
            "observation": "o",
            "type": "domain-name",
            "role": "",
            "kind": "name",
            "key": "k",
            "value": "v",
        }
        db.add(Observed(constituent_id=camden, **fact, **times))
    await _remove(london, CAMDEN)
    async with london.reading() as db:
        assert (await db.exec(select(Observed))).all() == []
        assert (await db.exec(select(Constituent).where(Constituent.slug == "camden"))).all() == []


async def test_who_can_still_sign_in_is_named(london: Database):
    camden = await _camden(london)
    async with london.writing() as db:
        db.add(Account(name="lee", role="lead", constituent_id=camden, clearance=2, created_at=now()))
    assert (await _look(london, CAMDEN)).hangs[2] == "May still sign in: lee; see `citysec accounts disable`."


async def test_what_a_removed_constituent_owned_is_matched_again(london: Database):
    async with london.reading() as db:
        before = len((await db.exec(select(Outbox).where(Outbox.kind == "retro"))).all())
    await _remove(london, CAMDEN)
    async with london.reading() as db:
        work = (await db.exec(select(Outbox).where(Outbox.kind == "retro").order_by(col(Outbox.created_at)))).all()
    assert len(work[before].payload["assets"]) == 13


async def test_the_last_contact_is_said_to_be_the_last(london: Database):
    agreed = await _remove(london, DESK)
    assert agreed.title == "Security desk, Camden, email security@camden.citysec.example"
    assert agreed.hangs == ("It is the only one: nobody will be told anything at London Borough of Camden.",)
    async with london.reading() as db:
        assert (await db.exec(select(Contact).where(Contact.address == DESK.address))).all() == []


async def test_a_contact_that_was_written_to_stays_on_record_and_is_told_nothing_more(told: Database):
    agreed = await _remove(told, DESK)
    assert agreed.hangs[1:] == (
        "Not sent yet, and will not be: 1 message.",
        "On record, so that its name stays: 1 message.",
    )
    async with told.reading() as db:
        assert (await db.exec(select(Contact.active).where(Contact.address == DESK.address))).one() is False


async def test_a_removed_contact_comes_back_by_an_import(told: Database):
    (before,) = await _said(told, CONTACTS, "camden")
    await _remove(told, DESK)
    async with told.writing() as db:
        await people.apply(db, CONTACTS, people.Plan(added=(before,)), "ada")
    assert await _said(told, CONTACTS, "camden") == [before]


async def test_a_service_leaves_its_assets_to_their_owners(london: Database):
    before = await _assets(london)
    agreed = await _remove(london, SHARED)
    assert agreed.hangs[1].endswith("unless they own it: camden, haringey, islington.")
    assert await _said(london, SERVICES, "shared-digital") == []
    assert await _assets(london) == before


async def test_what_hangs_on_it_now_is_what_was_agreed_to(london: Database):
    agreed = await _look(london, CAMDEN)
    async with london.writing() as db:
        await db.exec(update(Contact).where(col(Contact.address) == DESK.address).values(active=False))
    with pytest.raises(Conflict, match="London Borough of Camden has changed since it was shown"):
        async with london.writing() as db:
            await removal.remove(db, agreed, "ada")


async def test_a_removal_is_audited_without_addresses(london: Database):
    agreed = await _remove(london, DESK)
    async with london.reading() as db:
        entry = (await db.exec(select(AuditEntry).order_by(col(AuditEntry.seq).desc()).limit(1))).one()
    assert (entry.action, entry.subject) == ("contact.remove", f"contact:{agreed.id}")
    assert entry.data == {"slug": "camden", "stays": False}


@pytest.mark.parametrize(
    ("target", "problem"),
    [
        (Target(Noun.CONSTITUENTS, "cambden"), "constituent: 'cambden' is unknown; did you mean 'camden'?"),
        (Target(Noun.SERVICES, "x"), "service: 'x' is unknown"),
        (Target(Noun.CONTACTS, "camden", "x@y.example"), "contact of camden: 'x@y.example' is unknown"),
    ],
)
async def test_what_is_not_there_is_named(london: Database, target: Target, problem: str):
    with pytest.raises(InvalidInput) as caught:
        await _look(london, target)
    assert str(caught.value) == problem


@pytest.mark.postgres
async def test_postgresql_removes_the_same(postgres_url: str):
    async with Database.opened(Settings(database_url=postgres_url).app_database) as db:
        async with db.writing() as session:
            await load_sample(session, "ada")
        for target in (DESK, SHARED, CAMDEN):
            await _remove(db, target)
        assert await _said(db, CONSTITUENTS, "camden") == await _said(db, SERVICES, "shared-digital") == []
