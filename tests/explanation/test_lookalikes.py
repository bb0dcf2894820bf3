"""Why a name that looks like a registered one is a match, or why not; and what a look-up says of it."""

from __future__ import annotations

import pytest

from citysec.correlate import allow_list, warning_lists
from citysec.correlate.listing import Effect
from citysec.explanation.chain import Outcome, Question
from tests.correlate import test_warning_lists as warned
from tests.correlate.city import City, indicator
from tests.explanation.conftest import LEE, Desk


@pytest.fixture(autouse=True)
async def _camden(city: City) -> None:
    await city.own("camden", "domain", "camden.gov.uk")
    await city.work()


async def _said(city: City, name: str) -> None:
    await city.say(indicator(1, f"[domain-name:value = '{name}']"))
    await city.work()


async def test_a_lookalike_says_what_it_looks_like_and_by_what(city: City, desk: Desk):
    await _said(city, "camdem.gov.uk")
    step = await desk.step("camdem[.]gov[.]uk", Question.TOUCHES)
    assert step.sentence == (
        "camdem.gov.uk looks like camden.gov.uk, registered by camden. It is somebody else’s, and looks like it: "
        "a letter is replaced by its neighbour on the keyboard."
    )
    assert step.facts["relation"] == "lookalike"


async def test_a_likeness_that_may_be_chance_is_only_possible(city: City, desk: Desk):
    await _said(city, "camdem.example")
    step = await desk.step("camdem.example", Question.CERTAIN)
    assert (step.outcome, step.facts["doubt"]) == (Outcome.POSSIBLY, "likeness")


async def test_an_allowed_name_says_so(city: City, desk: Desk):
    await _said(city, "camdem.gov.uk")
    async with city.db.writing() as session:
        await allow_list.allow(session, "camdem.gov.uk", "", "ada")
    await city.work()
    reason = await desk.reason("camdem.gov.uk")
    assert (reason.question, reason.facts["allowed"]) == (Question.TOUCHES, ["camdem.gov.uk"])
    ended = await desk.step("camdem.gov.uk", Question.KEPT)
    assert "the city’s team has allowed the name" in ended.sentence


async def test_a_lookalike_beside_the_real_name_that_is_listed_says_why_it_is_a_match(city: City, desk: Desk):
    listed = warned.proposal(Effect.SUPPRESS, "camden.gov.uk", type_="hostname", attributes=("domain",))
    await warned.changed(city, warning_lists.store, listed)
    await city.say(indicator(1, "[domain-name:value = 'camden.gov.uk' OR domain-name:value = 'camdem.gov.uk']"))
    await city.work()
    assert [match.relation for match in await city.matches()] == ["lookalike"]
    step = await desk.step("camdem.gov.uk", Question.TOUCHES)
    assert step.facts["relation"] == "lookalike"


async def test_a_new_name_that_is_the_real_one_is_no_threat_to_it(city: City, desk: Desk):
    await city.news("camden.gov.uk")
    await city.work()
    reason = await desk.reason("camden.gov.uk")
    assert reason.question is Question.TOUCHES
    assert "only say that its names are new" in reason.sentence


async def test_a_look_up_tells_what_a_name_looks_like_to_whom_that_is_shown(city: City, desk: Desk):
    (answer,) = await desk.look_up("carnden.gov.uk")
    assert answer.prospect is not None
    assert [(one.asset, one.relation) for one in answer.prospect.closest] == [("camden.gov.uk", "lookalike")]
    await city.own("brent", "domain", "brent.gov.uk")
    await city.work()
    mine, other = await desk.look_up("carnden.gov.uk", "brernt.gov.uk", reader=LEE)
    assert mine.prospect is not None
    assert other.prospect is None
