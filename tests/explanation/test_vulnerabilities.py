"""Vulnerabilities are explained and looked up like indicators."""

from __future__ import annotations

import hashlib

from citysec.correlate.said import State
from citysec.explanation.chain import Outcome, Question
from tests.correlate.city import City
from tests.correlate.test_vulnerable import CVE, NEW, OLD, PRODUCT, RANGES, vulnerability
from tests.explanation.conftest import LEE, Desk


async def test_software_that_has_it_is_named(city: City, desk: Desk):
    await city.own("camden", "software", OLD)
    await city.record(vulnerability(RANGES))
    await city.work()
    step = await desk.step(CVE, Question.TOUCHES)
    assert f"{CVE} affects" in step.sentence
    assert (await desk.step(CVE, Question.KEPT)).outcome is Outcome.YES


async def test_a_version_without_it_is_not_touched(city: City, desk: Desk):
    await city.own("camden", "software", NEW)
    await city.record(vulnerability(RANGES))
    await city.work()
    assert (await desk.reason(CVE)).question is Question.TOUCHES


async def test_without_versions_it_is_possible(city: City, desk: Desk):
    await city.own("camden", "software", OLD)
    await city.record(vulnerability(PRODUCT))
    await city.work()
    step = await desk.step(CVE, Question.CERTAIN)
    assert (step.outcome, step.facts["doubt"]) == (Outcome.POSSIBLY, "version")


async def test_without_products_it_cannot_be_compared(city: City, desk: Desk):
    await city.record(vulnerability())
    await city.own("camden", "software", OLD)
    await city.work()
    assert (await desk.reason(CVE)).question is Question.COMPARED


async def test_it_is_looked_up_by_its_name_whatever_others_are_called(either: City):
    noise = "".join(hashlib.sha256(str(number).encode()).hexdigest() for number in range(200))
    at = {"created": "2024-01-01T00:00:00.000Z", "modified": "2024-01-01T00:00:00.000Z", "spec_version": "2.1"}
    other = {"type": "vulnerability", "id": "vulnerability--22222222-2222-4222-8222-222222222222", "name": noise}
    await either.say(other | at)
    await either.record(vulnerability(RANGES))
    await either.work()
    (answer,) = await Desk(either).look_up(CVE.lower())
    assert (answer.seen.count, answer.seen.shown[0].state) == (1, State.IN_FORCE)


async def test_looked_up_it_tells_whose_software_has_it(city: City, desk: Desk):
    await city.own("camden", "software", OLD)
    await city.own("brent", "software", OLD.replace("7.2.3", "7.2.4"), NEW)
    await city.record(vulnerability(RANGES))
    await city.work()
    told = await desk.look_up(CVE) + await desk.look_up(CVE, reader=LEE)
    touched = [one.prospect.closest if one.prospect else () for one in told]
    owners = [{(*one.owners, one.relation.value) for one in several} for several in touched]
    assert owners == [{("camden", "affected"), ("brent", "affected")}, {("camden", "affected")}]
