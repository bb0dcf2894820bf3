"""Publishing: whom an incident reaches, and how often."""

from __future__ import annotations

import asyncio
import json

import pytest

from citysec.access import audit
from citysec.advisories.publish import correct
from citysec.errors import Conflict, NotShared
from citysec.tables import (
    Advisory,
    Constituent,
    Contact,
    Decision,
    Delivery,
    Incident,
    Match,
    Outbox,
    TimelineEntry,
)
from citysec.tlp import TLP
from tests.advisories.conftest import NOON, POLICY, Town


async def test_every_active_contact_gets_one_delivery_with_its_decision_and_its_work(town: Town, camden: str):
    (advisory,) = await town.publish(camden)
    deliveries = await town.deliveries()
    assert [(d.contact_id, d.channel, d.state) for d in deliveries] == [
        ("c1", "email", "queued"),
        ("c2", "webhook", "queued"),
    ]
    decided = {d.id: d.recipient for d in await town.rows(Decision, advisory_id=advisory)}
    assert [decided[d.decision_id] for d in deliveries] == ["contact:c1", "contact:c2"]
    work = await town.rows(Outbox, kind="deliver")
    assert {w.payload["delivery"] for w in work} == {d.id for d in deliveries}


async def test_the_answer_clock_starts_with_the_deadline_of_the_severity(town: Town, camden: str):
    (advisory,) = await town.publish(camden)
    (row,) = await town.rows(Advisory)
    (clock,) = await town.rows(Outbox, kind="clock")
    assert clock.payload == {"advisory": advisory, "reminder": 1}
    assert (row.answer_by - row.published_at).total_seconds() == 3 * 3600
    assert (clock.due_at - row.published_at).total_seconds() == 3600


async def test_it_is_in_the_timeline_and_the_audit(town: Town, camden: str):
    await town.publish(camden)
    (line,) = await town.rows(TimelineEntry)
    assert (line.kind, line.actor, line.text) == ("advisory", "ada", "Camden is told: 2 messages.")
    async with town.db.reading() as session:
        assert await audit.first_broken(session) == (1, None)


async def test_publishing_again_creates_nothing_and_names_the_same_advisory(town: Town, camden: str):
    first = await town.publish(camden)
    assert await town.publish(camden) == first
    assert [len(await town.rows(table)) for table in (Advisory, Delivery, Decision)] == [1, 2, 3]


async def test_publishing_many_times_at_once_tells_once(town: Town, camden: str):
    async with asyncio.TaskGroup() as tasks:
        for _ in range(8):
            tasks.create_task(town.publish(camden))
    assert [len(await town.rows(table)) for table in (Advisory, Delivery)] == [1, 2]


async def test_a_new_asset_becomes_a_second_revision_to_everyone_who_was_told(town: Town, camden: str):
    await town.publish(camden)
    await town.grow(camden, "198.51.100.8")
    await town.change(Incident, camden, severity="critical")
    await town.publish(camden)
    first, second = await town.advisories()
    assert (second.revision, second.severity) == (2, "critical")
    assert "now also about 198.51.100.8" in second.content["change"]
    assert {d.state for d in await town.deliveries(advisory_id=first.id)} == {"cancelled"}
    assert {d.contact_id for d in await town.deliveries(advisory_id=second.id)} == {"c1", "c2"}


async def test_a_match_of_the_incident_at_another_constituent_is_not_told(town: Town):
    own, foreign = await town.asset("198.51.100.7", "camden"), await town.asset("198.51.100.9", "brent")
    incident = await town.incident("camden", await town.match(own), await town.match(foreign))
    await town.publish(incident)
    (advisory,) = await town.advisories()
    assert "198.51.100.9" not in json.dumps(advisory.content)
    assert advisory.content["touched_total"] == 1


async def test_who_only_answers_for_the_service_learns_of_the_service_not_of_the_asset(town: Town):
    asset = await town.asset("198.51.100.7", "camden", service="tax")
    incident = await town.incident("brent", await town.match(asset, indicator_value="198.51.100.7"))
    await town.publish(incident)
    (advisory,) = await town.advisories()
    assert "198.51.100.7" not in json.dumps(advisory.content)
    assert advisory.content["touched"][0]["service"] == "Council tax payments"


async def test_a_city_incident_tells_each_child_once_and_nobody_else(town: Town, camden: str):
    city = await town.incident(None)
    brent = await town.incident("brent", await town.match(await town.asset("198.51.100.9", "brent")), parent_id=city)
    await town.change(Incident, camden, parent_id=city)
    told = await town.publish(camden)
    assert set(await town.publish(city)) > set(told)
    assert set(await town.publish(city)) > set(told)
    assert [(a.incident_id, a.revision) for a in await town.advisories()] == [(camden, 1), (brent, 1)]


async def test_who_is_not_cleared_gets_nothing_and_the_city_reads_why(town: Town):
    asset = await town.asset("198.51.100.7", "camden")
    incident = await town.incident("camden", await town.match(asset, tlp=TLP.RED), tlp=TLP.RED)
    assert await town.publish(incident) == []
    assert await town.rows(Advisory) == []
    decisions = await town.rows(Decision)
    assert {d.recipient for d in decisions} == {"constituent:camden", "contact:c1", "contact:c2"}
    assert {d.verdict for d in decisions} == {"refused"}
    (line,) = await town.rows(TimelineEntry)
    assert line.text.startswith("Camden was not told. All that it is about is above TLP:AMBER")
    assert line.data["audience"] == "city"


async def test_a_refusal_is_recorded_once_for_the_same_reason(town: Town):
    asset = await town.asset("198.51.100.7", "camden")
    incident = await town.incident("camden", await town.match(asset, tlp=TLP.RED), tlp=TLP.RED)
    await town.publish(incident)
    await town.publish(incident)
    assert [len(await town.rows(table)) for table in (Decision, TimelineEntry)] == [3, 1]


async def test_a_row_above_clearance_is_cut_and_the_decision_names_it(town: Town):
    seen = await town.match(await town.asset("198.51.100.7", "camden"))
    hidden = await town.match(await town.asset("198.51.100.8", "camden"), tlp=TLP.AMBER_STRICT)
    incident = await town.incident("camden", seen, hidden, tlp=TLP.AMBER_STRICT)
    await town.publish(incident)
    (advisory,) = await town.advisories()
    assert "198.51.100.8" not in json.dumps(advisory.content)
    assert (advisory.tlp, advisory.content["tlp"]) == (TLP.GREEN, "TLP:GREEN")
    decisions = await town.rows(Decision)
    assert {(d.verdict, *d.removed) for d in decisions} == {("reduced", "aware_at", "kind", f"match:{hidden}")}


async def test_a_clearance_that_is_no_label_opens_nothing(town: Town, camden: str):
    await town.change(Constituent, "camden", clearance=99)
    assert await town.publish(camden) == []


async def test_a_constituent_without_contacts_is_not_passed_over_in_silence(town: Town, camden: str):
    for contact in ("c1", "c2"):
        await town.change(Contact, contact, active=False)
    await town.publish(camden)
    (line,) = await town.rows(TimelineEntry)
    assert "has no contact to tell" in line.text
    assert len(await town.advisories()) == 1


async def test_a_correction_tells_only_those_who_were_told(town: Town, camden: str):
    await town.stage(correct, {"incident": camden}, POLICY)
    assert await town.rows(Advisory) == []


async def test_when_nothing_is_left_those_told_are_told_so_and_asked_for_nothing(town: Town, camden: str):
    await town.publish(camden)
    await town.change(Match, "m1", closed_at=NOON)
    await town.change(Incident, camden, closed_at=NOON)
    for _ in range(2):
        await town.stage(correct, {"incident": camden}, POLICY)
    _, last = await town.advisories()
    assert (last.content["withdrawn"], last.answer_by, last.revision) == (True, None, 2)
    assert len(await town.rows(Outbox, kind="clock")) == 1


async def test_a_closed_incident_that_nobody_was_told_of_stays_untold(town: Town, camden: str):
    await town.change(Incident, camden, closed_at=NOON)
    with pytest.raises(Conflict):
        await town.publish(camden)


async def test_an_unknown_incident_is_not_shared(town: Town):
    with pytest.raises(NotShared):
        await town.publish("nothing")
