"""The first reason why nobody is told is the right one, for every reason there is."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from sqlmodel import col, update

from citysec.constituency import suffixes
from citysec.correlate.cap import CAP
from citysec.correlate.rules import Doubt, Relation
from citysec.correlate.said import State
from citysec.correlate.touch import CloseReason
from citysec.explanation import wording
from citysec.explanation.chain import Outcome, Question
from citysec.feeds.formats import Entry, Subject
from citysec.software.records import Affected, Vulnerability
from citysec.suffixes import Suffixes
from citysec.tables import Accountable, Assertion, AssetOwner, Constituent, Service
from citysec.tables.columns import now
from citysec.tlp import TLP
from tests.correlate.city import City, indicator
from tests.explanation.conftest import LEE, Desk

EVIL = "[ipv4-addr:value = '192.0.2.7']"
VALUE = "192.0.2.7"


async def _said(city: City, **more: Any) -> None:
    """Camden owns a range, and a feed says that an address in it does harm."""
    await city.own("camden", "cidr", "192.0.2.0/24")
    await city.say(indicator(1, EVIL, **more))


async def test_what_nobody_says_is_not_known(city: City, desk: Desk):
    await city.own("camden", "cidr", "192.0.2.0/24")
    assert (await desk.reason(VALUE)).question is Question.KNOWN


@pytest.mark.parametrize(
    ("pattern", "sentence"),
    [
        ("ipv4-addr:value = '198.51.100.7'", "198.51.100.7 lies in 198.51.100.0/24, which is announced, "),
        ("ipv4-addr:value = '198.51.0.0/16'", "198.51.0.0/16 has addresses in 198.51.100.0/24, which is announced, "),
        (
            "url:value = 'http://198.51.100.7/'",
            "http://198.51.100.7/ has its host in 198.51.100.0/24, which is announced, ",
        ),
    ],
)
async def test_what_is_announced_says_by_whom_and_who_says_so(city: City, desk: Desk, pattern: str, sentence: str):
    await city.own("camden", "asn", "AS64496")
    await city.announce("198.51.100.0\t24\t64496", source="RouteViews", dated=date(2026, 11, 22))
    await city.say(said := indicator(1, f"[{pattern}]"))
    step = await desk.step(said["id"], Question.TOUCHES)
    assert step.sentence.startswith(f"{sentence}according to RouteViews of 22 November 2026, by AS64496, registered by")
    assert (step.facts["prefix"], step.facts["relation"]) == ("198.51.100.0/24", "announced")


async def test_what_is_over_the_cap_is_counted_exactly(city: City, desk: Desk):
    await city.own("camden", "ipv4", *(f"192.0.2.{i}" for i in range(CAP + 23)))
    await city.say(said := indicator(1, "[ipv4-addr:value = '192.0.2.0/24']"))
    await city.work()
    step = await desk.step(said["id"], Question.KEPT)
    assert "Capped: 100 of 123 shown" in step.sentence
    assert (step.facts["touched"], step.facts["matches"], step.facts["capped"]) == (123, 100, True)


async def test_who_answers_only_for_what_is_over_the_cap_is_told_so(city: City, desk: Desk):
    *_, last = await city.own("brent", "ipv4", *(f"192.0.2.{i}" for i in range(CAP + 1)))
    await city.say(said := indicator(1, "[ipv4-addr:value = '192.0.2.0/24']"))
    await city.work()
    async with city.db.writing() as db:
        db.add(Constituent(id="camden", slug="camden", name="camden", kind="body", sector="any"))
        db.add(Service(id="tax", slug="tax", name="Tax"))
        await db.flush()
        db.add(Accountable(service_id="tax", constituent_id="camden"))
        await db.exec(update(AssetOwner).where(col(AssetOwner.asset_id) == last).values(service_id="tax"))
    step = await desk.step(said["id"], Question.KEPT)
    assert (step.outcome, step.facts["capped"]) == (Outcome.NO, True)


async def test_what_became_a_public_suffix_is_the_reason(city: City, desk: Desk):
    await city.own("camden", "domain", "hosting.example", scope="tree")
    await city.say(indicator(1, "[domain-name:value = 'customer.hosting.example']"))
    await city.work()
    async with city.db.writing() as db:
        await suffixes.judge(db, Suffixes(b"hosting.example\n"))
    await city.work()
    (explained,) = await desk.why("customer.hosting.example")
    assert explained.reason is not None
    assert "hosting.example is registered with all below it, but is a public suffix" in explained.reason.sentence
    assert "the asset is a public suffix now" in explained.steps[-1].sentence


async def test_a_longer_prefix_of_somebody_else_is_the_reason(city: City, desk: Desk):
    await city.own("camden", "asn", "AS64496")
    await city.announce("198.51.100.0\t24\t64496", "198.51.100.0\t28\t64511")
    await city.say(indicator(1, "[ipv4-addr:value = '198.51.100.7']"))
    reason = await desk.reason("198.51.100.7")
    assert reason.question is Question.TOUCHES
    assert "AS64496 announces 198.51.100.0/24, but AS64511 the longer 198.51.100.0/28" in reason.sentence


async def test_what_is_no_value_is_said_to_be_none(city: City, desk: Desk):
    await city.own("camden", "cidr", "192.0.2.0/24")
    assert "no address" in (await desk.reason("what is this?")).sentence


@pytest.mark.parametrize(
    ("more", "state"),
    [
        ({"revoked": True}, State.REVOKED),
        ({"indicator_types": ["benign"]}, State.BENIGN),
        ({"valid_from": "2999-01-01T00:00:00Z"}, State.NOT_YET_VALID),
        ({"valid_until": "2024-02-01T00:00:00Z"}, State.EXPIRED),
    ],
)
async def test_what_does_not_count_says_why(city: City, desk: Desk, more: dict[str, Any], state: State):
    await _said(city)
    await city.work()
    await city.say(indicator(1, EVIL, modified="2025-01-01T00:00:00.000Z", **more))
    reason = await desk.reason(VALUE)
    assert (reason.question, reason.facts["state"]) == (Question.COUNTS, state)


async def test_what_is_in_another_language_is_not_executed(city: City, desk: Desk):
    await city.own("camden", "cidr", "192.0.2.0/24")
    await city.say(foreign := indicator(1, "rule x {}", pattern_type="yara"))
    reason = await desk.reason(foreign["id"])
    assert reason.facts["state"] == State.NOT_EXECUTED
    assert "yara" in reason.sentence


async def test_a_doubtful_owner_is_told_of_nothing_above_green(city: City, desk: Desk):
    await city.own("camden", "cidr", "192.0.2.0/24")
    await _owned(city, verified=False)
    await city.say(indicator(1, EVIL), tlp=TLP.AMBER)
    await city.work()
    reason = await desk.reason(VALUE)
    assert (reason.question, reason.facts) == (Question.VERIFIED, {"label": "TLP:AMBER"})
    assert "192.0.2.0/24" in reason.sentence
    await _owned(city, verified=True)
    assert (await desk.reason(VALUE)).question is Question.INCIDENT


async def test_a_doubtful_owner_is_told_of_what_is_green(city: City, desk: Desk):
    await _said(city)
    await _owned(city, verified=False)
    await city.work()
    assert (await desk.reason(VALUE)).question is Question.INCIDENT


async def _owned(city: City, **values: Any) -> None:
    async with city.db.writing() as session:
        await session.exec(update(AssetOwner).values(**values))


async def test_what_a_feed_dropped_is_delisted(city: City, desk: Desk):
    await _said(city)
    await _assertions(city, gone_at=now() - timedelta(days=2))
    assert (await desk.reason(VALUE)).facts["state"] == State.DELISTED


async def test_what_nobody_confirmed_has_decayed(city: City, desk: Desk):
    await _said(city)
    await _assertions(city, until=now() - timedelta(days=2))
    assert (await desk.reason(VALUE)).facts["state"] == State.DECAYED


async def test_what_touches_nothing_says_so(city: City, desk: Desk):
    await city.own("camden", "cidr", "198.51.100.0/24")
    await city.say(indicator(1, EVIL))
    assert (await desk.reason(VALUE)).question is Question.TOUCHES


@pytest.mark.parametrize(
    ("value", "why"),
    [
        ("gov.uk", "public suffix"),
        ("camden.gov.uk", "stands above www.camden.gov.uk"),
        ("a.www.camden.gov.uk", "exactly that name"),
    ],
)
async def test_what_just_misses_says_by_which_rule(city: City, desk: Desk, value: str, why: str):
    await city.own("camden", "domain", "www.camden.gov.uk")
    await city.say(indicator(1, f"[domain-name:value = '{value}']"))
    reason = await desk.reason(value)
    assert reason.question is Question.TOUCHES
    assert why in reason.sentence


@pytest.mark.parametrize(
    ("pattern", "kind", "asset", "doubt"),
    [
        (f"{EVIL} AND [domain-name:value = 'a.example']", "cidr", "192.0.2.0/24", Doubt.PART),
        ("[ipv4-addr:value = '192.0.0.0/6']", "cidr", "192.0.2.0/24", Doubt.TOO_WIDE),
        ("[domain-name:value = 'camden.example']", "mail-domain", "camden.example", Doubt.NAME),
        ("[url:value = 'http://camden.example/a']", "url", "http://camden.example/b", Doubt.OTHER_URL),
        ("[x509-certificate:serial_number = '0A:1B']", "certificate", "serial:a1b", Doubt.SERIAL),
        ("[ipv4-addr:value = '203.0.113.7']", "asn", "AS64496", Doubt.AS_SET),
    ],
)
async def test_what_is_only_possible_says_why(
    city: City, desk: Desk, pattern: str, kind: str, asset: str, doubt: Doubt
):
    await city.own("camden", kind, asset)
    await city.announce("203.0.113.0\t24\t64496,64497")
    await city.say(said := indicator(1, pattern))
    step = await desk.step(said["id"], Question.CERTAIN)
    assert (step.outcome, step.facts["doubt"]) == (Outcome.POSSIBLY, doubt)


async def test_a_relay_is_only_possible(city: City, desk: Desk):
    await _said(city, indicator_types=["anonymization"])
    assert (await desk.step(VALUE, Question.CERTAIN)).facts["doubt"] == Doubt.ANONYMIZATION


async def test_what_was_not_correlated_yet_waits(city: City, desk: Desk):
    await _said(city)
    assert (await desk.reason(VALUE)).question is Question.KEPT
    await city.work()
    assert (await desk.step(VALUE, Question.KEPT)).outcome is Outcome.YES
    assert (await desk.reason(VALUE)).question is Question.INCIDENT


async def test_a_match_that_ended_says_why(city: City, desk: Desk):
    await _said(city)
    await city.work()
    await city.say(indicator(1, EVIL, revoked=True, modified="2025-01-01T00:00:00.000Z"))
    await city.work()
    (only,) = await desk.why(VALUE)
    assert only.reason is not None
    assert only.reason.facts["state"] == State.REVOKED
    assert "revoked" in only.steps[-1].sentence


async def test_words_above_the_clearance_do_not_exist(city: City, desk: Desk):
    await city.own("camden", "cidr", "192.0.2.0/24")
    await city.say(indicator(1, EVIL), tlp=TLP.RED)
    await city.work()
    (hidden,), (absent,) = await desk.why(VALUE, LEE), await desk.why("192.0.2.8", LEE)
    assert hidden == absent
    assert (await desk.step(VALUE, Question.KEPT)).outcome is Outcome.YES


async def test_a_value_is_found_however_it_is_written(city: City, desk: Desk):
    await city.own("camden", "domain", "camden.example")
    await city.say(indicator(1, "[url:value = 'http://camden.example/pay']"))
    for text in ("hxxp://camden[.]example/pay", "<http://CAMDEN.example/pay>", "camden[.]example"):
        (only,) = await desk.why(text)
        assert only.indicator_id, text


async def test_what_was_told_comes_before_what_was_not(city: City, desk: Desk):
    await _said(city)
    await city.say(indicator(2, EVIL, valid_until="2024-02-01T00:00:00Z"))
    await city.work()
    first, second = await desk.why(VALUE)
    assert len(first.steps) > len(second.steps)


def test_there_are_words_for_every_relation_doubt_and_end():
    assert set(map(str, Relation)) <= wording.RELATIONS.keys()
    assert set(Doubt) <= wording.DOUBTS.keys()
    assert {*CloseReason, *State} - {State.IN_FORCE, State.DECAYED} <= wording.ENDS.keys()


async def _assertions(city: City, **values: Any) -> None:
    async with city.db.writing() as session:
        await session.exec(update(Assertion).where(col(Assertion.feed) == "feed").values(**values))


async def test_a_vulnerability_is_explained_by_its_software(city: City, desk: Desk):
    await city.own("camden", "software", "cpe:2.3:o:fortinet:fortios:7.2.3:*:*:*:*:*:*:*")
    said = Vulnerability(affected=(Affected(vendor="Fortinet", product="FortiOS"),)).facts()
    await city.record(Entry(at="/0", subject=Subject.VULNERABILITY, key="CVE-2024-21762", facts=said))
    await city.work()
    (match,) = await city.matches()
    step = await desk.step(match.indicator_id, Question.CERTAIN)
    assert step.facts["doubt"] == Doubt.VERSION
