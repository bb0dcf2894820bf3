"""Which playbook answers an incident, and what happens where none can."""

from __future__ import annotations

import json

import pytest
from sqlmodel import select

from citysec.db import Database
from citysec.errors import Conflict, PlaybookRefused
from citysec.playbooks.approve import approve, approve_all, read
from citysec.playbooks.respond import Policy, respond, resume, stand_down
from citysec.playbooks.strategy import load
from citysec.settings import shipped
from citysec.tables import Outbox
from citysec.tables.incidents import Incident
from citysec.tables.playbooks import Playbook, Run
from tests.playbooks.conftest import HANDS, INCIDENT, Runs, incident
from tests.playbooks.score import document, line

POLICY = Policy(load((shipped("playbooks") / "strategy.toml").read_bytes()), "London", HANDS)
BOOK = document(line("start", "warn", "end"))


async def responded(db: Database) -> list[Run]:
    async with db.writing() as session:
        await respond(session, {"incident": INCIDENT}, POLICY)
    async with db.reading() as session:
        return list(await session.exec(select(Run)))


async def approved(db: Database, *contents: bytes) -> None:
    async with db.writing() as session:
        await approve_all(session, contents or read(shipped("playbooks")), "test")


async def close(db: Database) -> None:
    async with db.writing() as session:
        row = await session.get_one(Incident, INCIDENT)
        row.closed_at = row.aware_at
        session.add(row)


async def test_the_run_pins_the_playbook_the_strategy_names_and_gets_what_it_needs(runs: Runs):
    await approved(runs.db)
    (run,) = await responded(runs.db)
    async with runs.db.reading() as session:
        playbook = await session.get_one(Playbook, run.playbook_id)
        (work,) = (await session.exec(select(Outbox))).all()
    assert playbook.name == "Phishing against a registered name"
    assert run.variables["__constituent__"] == "Camden"
    assert (work.kind, work.payload) == ("start", {"run": run.id})


async def test_an_incident_is_answered_once(runs: Runs):
    await approved(runs.db)
    assert await responded(runs.db) == await responded(runs.db)


async def test_the_newest_approved_version_answers(runs: Runs):
    newer = json.loads((shipped("playbooks") / "phishing.json").read_text()) | {"modified": "2026-03-02T09:00:00.001Z"}
    await approved(runs.db, *read(shipped("playbooks")), json.dumps(newer).encode())
    (run,) = await responded(runs.db)
    async with runs.db.reading() as session:
        assert (await session.get_one(Playbook, run.playbook_id)).version == "2026-03-02T09:00:00.001Z"


async def test_without_an_approved_playbook_the_constituent_is_told_all_the_same(runs: Runs):
    assert await responded(runs.db) == []
    assert await runs.notes("advisory") == ["concerned"]
    (told,) = await runs.notes("run")
    assert "has no approved version" in told


async def test_a_closed_incident_needs_no_answer(runs: Runs):
    await approved(runs.db)
    await close(runs.db)
    assert await responded(runs.db) == []


async def test_a_closed_incident_ends_its_run(runs: Runs):
    await approved(runs.db)
    (run,) = await responded(runs.db)
    async with runs.engine() as engine:
        await engine.start(run.id)
        await runs.asked()
        await stand_down(runs.db, {"incident": INCIDENT}, engine)
        await close(runs.db)
        await stand_down(runs.db, {"incident": INCIDENT}, engine)
        assert (await runs.ended(run.id)).state == "cancelled"


async def test_a_run_does_not_begin_once_its_incident_is_closed(runs: Runs):
    await approved(runs.db)
    (run,) = await responded(runs.db)
    await close(runs.db)
    async with runs.engine() as engine:
        await stand_down(runs.db, {"incident": INCIDENT}, engine)
        await engine.start(run.id)
        assert (await runs.ended(run.id)).state == "cancelled"
    assert await runs.questions() == []


async def test_a_run_that_the_engine_has_lost_ends_with_its_incident(runs: Runs):
    await approved(runs.db)
    (run,) = await responded(runs.db)
    async with runs.engine() as engine:
        await engine.start(run.id)
        await runs.asked()
    await close(runs.db)
    for file in runs.folder.glob("runs.db*"):
        file.unlink()
    async with runs.engine() as engine:
        await resume(runs.db, engine)
        assert (await runs.ended(run.id)).state == "cancelled"
    assert [question.answer for question in await runs.questions()] == ["expired"]


async def test_a_city_incident_has_a_playbook_of_its_own(runs: Runs):
    await approved(runs.db)
    async with runs.db.writing() as session:
        session.add(incident(None, "city"))
        await session.flush()
        await respond(session, {"incident": "city"}, POLICY)
        (run,) = (await session.exec(select(Run))).all()
        assert (await session.get_one(Playbook, run.playbook_id)).name == "One threat at several constituents"
    assert run.variables["__constituent__"] == "London"


async def test_the_shipped_playbook_advises_first_and_then_asks(runs: Runs):
    await approved(runs.db)
    (run,) = await responded(runs.db)
    async with runs.engine() as engine:
        await engine.start(run.id)
        asked = await runs.asked()
    assert await runs.notes("advisory") == ["concerned"]
    assert (asked.title, asked.owner) == ("Ask for a takedown?", "coordinator")
    assert "Camden" in asked.text


async def test_approving_the_same_text_again_changes_nothing(city: Database):
    await approved(city)
    await approved(city)
    async with city.reading() as session:
        rows = (await session.exec(select(Playbook))).all()
    assert len(rows) == len(read(shipped("playbooks")))
    assert all(row.approved_by == "test" for row in rows)


async def test_two_texts_of_one_version_are_a_conflict(city: Database):
    await approved(city, json.dumps(BOOK).encode())
    await approved(city, json.dumps(BOOK, indent=4).encode())
    with pytest.raises(Conflict):
        await approved(city, json.dumps(BOOK | {"name": "Other"}).encode())


async def test_what_cannot_run_is_not_approved(city: Database):
    for refused in (BOOK | {"revoked": True}, {"type": "playbook"}):
        with pytest.raises(PlaybookRefused):
            async with city.writing() as session:
                await approve(session, json.dumps(refused).encode(), "test")
