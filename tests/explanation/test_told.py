"""From the match on: incident, decision, advisory, messages, answer."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from sqlmodel import select, update
from sqlmodel.ext.asyncio.session import AsyncSession

from citysec.advisories.publish import publish
from citysec.errors import NotShared
from citysec.explanation.chain import Outcome, Question
from citysec.incidents.triage import triage
from citysec.tables import Accountable, Acknowledgement, AssetOwner, Constituent, Contact, Delivery, Incident, Service
from citysec.tables.columns import now
from citysec.tlp import TLP
from tests.city import ADVISORIES, INCIDENTS
from tests.correlate.city import City, indicator
from tests.explanation.conftest import LEE, Desk

VALUE = "192.0.2.7"


@pytest.fixture
async def matched(city: City) -> City:
    """Camden's range was hit, and triage has seen it."""
    await _hit(city, TLP.GREEN)
    return city


async def _hit(city: City, level: TLP) -> None:
    await city.own("camden", "cidr", "192.0.2.0/24")
    await city.say(indicator(1, f"[ipv4-addr:value = '{VALUE}']"), tlp=level, confidence=80)
    await city.work()
    async with city.db.writing() as db:
        for work in await city.waiting("triage"):
            await triage(db, work.payload, INCIDENTS)


async def _contact(db: AsyncSession) -> None:
    db.add(Contact(constituent_id="camden", name="Desk", channel="email", address="desk@camden.example"))
    await db.flush()


async def _publish(city: City, *states: str) -> None:
    """Publish the advisory; with `states` to a contact, whose message is then in the last of them."""
    async with city.db.writing() as db:
        if states:
            await _contact(db)
        incident = (await db.exec(select(Incident))).one()
        await publish(db, incident.id, actor="ada", policy=ADVISORIES)
        for delivery in await db.exec(select(Delivery)):
            delivery.state = states[-1]


async def _questions(desk: Desk) -> Sequence[Question]:
    (only,) = await desk.why(VALUE)
    return [step.question for step in only.steps][-4:]


async def test_without_an_advisory_nobody_was_told(matched: City, desk: Desk):
    assert (await desk.reason(VALUE)).question is Question.TOLD


async def test_an_advisory_that_was_sent_told_them(matched: City, desk: Desk):
    await _publish(matched, "sent")
    (only,) = await desk.why(VALUE)
    assert (only.told, only.reason) == (True, None)
    assert await _questions(desk) == [Question.INCIDENT, Question.ALLOWED, Question.TOLD, Question.ANSWERED]


@pytest.mark.parametrize(("state", "outcome"), [("queued", Outcome.POSSIBLY), ("dead", Outcome.NO)])
async def test_a_message_that_did_not_arrive_is_said(matched: City, desk: Desk, state: str, outcome: Outcome):
    await _publish(matched, state)
    assert (await desk.step(VALUE, Question.TOLD)).outcome is outcome


async def test_without_a_contact_it_waits_on_its_page(matched: City, desk: Desk):
    await _publish(matched)
    assert "no contact" in (await desk.step(VALUE, Question.TOLD)).sentence


async def test_an_answer_is_told(matched: City, desk: Desk):
    await _publish(matched, "sent")
    async with matched.db.writing() as db:
        (delivery,) = (await db.exec(select(Delivery))).all()
        db.add(Acknowledgement(advisory_id=delivery.advisory_id, answer="in-hand", at=now()))
    step = await desk.step(VALUE, Question.ANSWERED)
    assert (step.outcome, step.facts["answer"]) == (Outcome.YES, "in-hand")


async def test_a_refusal_says_why_to_the_city_only(city: City, desk: Desk):
    await _hit(city, TLP.RED)
    await _publish(city)
    reason = await desk.reason(VALUE)
    assert reason.question is Question.ALLOWED
    assert "TLP:" in reason.sentence
    assert (await desk.reason(VALUE, LEE)).question is Question.KNOWN


async def test_who_was_told_is_told_so_though_the_incident_is_above_the_reader(matched: City, desk: Desk):
    await _publish(matched, "sent")
    async with matched.db.writing() as db:  # as one is that has gathered something secret beside it
        await db.exec(update(Incident).values(tlp=TLP.RED))
    (only,) = await desk.why(VALUE, LEE)
    assert (only.told, only.reason) == (True, None)
    assert [step.question for step in only.steps][-3:] == [Question.ALLOWED, Question.TOLD, Question.ANSWERED]


async def test_possible_matches_alone_open_no_incident(city: City, desk: Desk):
    await city.own("camden", "cidr", "192.0.2.0/24")
    await city.say(indicator(1, "[ipv4-addr:value = '192.0.0.0/6']"))
    await city.work()
    reason = await desk.reason("192.0.0.0/6")
    assert (reason.question, "Possible matches" in reason.sentence) == (Question.INCIDENT, True)


async def test_a_constituent_that_nobody_knows_is_not_shared(city: City, desk: Desk):
    async with city.db.writing() as db:
        db.add(Constituent(id="camden", slug="camden", name="Camden", kind="body", sector="any"))
    with pytest.raises(NotShared):
        await desk.why(VALUE, LEE, slug="brent")


async def test_whoever_answers_for_a_service_is_told_of_it_and_not_of_the_asset(city: City, desk: Desk):
    await city.own("brent", "cidr", "192.0.2.0/24")
    async with city.db.writing() as db:
        db.add(Constituent(id="camden", slug="camden", name="Camden", kind="body", sector="any"))
        db.add(Service(id="s", slug="s", name="Payments"))
        await db.flush()
        db.add(Accountable(service_id="s", constituent_id="camden"))
        await db.exec(update(AssetOwner).values(service_id="s"))
    await city.say(indicator(1, f"[ipv4-addr:value = '{VALUE}']"))
    step = await desk.step(VALUE, Question.TOUCHES, LEE)
    assert "“Payments”, which Camden answers for" in step.sentence
    assert "192.0.2.0/24" not in step.sentence
    assert step.pointers == []
