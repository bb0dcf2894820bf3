"""New and changed objects against the register: what becomes a match, what ends one, and what triage hears of it."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from itertools import pairwise
from time import process_time
from typing import Any

import pytest
from sqlmodel import delete, update

from citysec.correlate.cap import CAP
from citysec.correlate.reconcile import MANY
from citysec.tables import Assertion, StixObject
from citysec.tables.columns import now
from citysec.tlp import TLP
from tests.correlate.city import City, indicator

OURS, THEIRS = "[domain-name:value = 'www.camden.gov.uk']", "[domain-name:value = 'evil.example']"
LATER = "2024-02-01T00:00:00.000Z"
MANY_NAMES = [f"x{n}.{sha256(b'%d' % n).hexdigest()[:63]}.{sha256(b'-%d' % n).hexdigest()[:63]}.uk" for n in range(120)]


def slow(expressions: int) -> str:
    """Return a pattern whose expressions take 70 ms each on `MANY_NAMES`, and that speaks of what is ours."""
    texts = [f"(([a-m].{{0,40}}){{8}}|([c-k].{{0,39}}){{8}})!{number}" for number in range(expressions)]
    tests = [f"domain-name:value MATCHES '{text}'" for text in texts]
    return f"[{' OR '.join(tests)} OR {OURS[1:]}"


@pytest.fixture
async def camden(city: City) -> City:
    """Camden owns its name and all below it; one indicator is about it, and has been correlated."""
    await city.own("camden", "domain", "camden.gov.uk", scope="tree")
    await city.say(indicator(1, OURS), indicator(2, THEIRS))
    await city.work()
    return city


async def test_a_match_says_everything_about_its_reason(camden: City):
    (match,) = await camden.matches()
    assert (match.relation, match.path, match.indicator_value) == ("below", "domain-name:value", "www.camden.gov.uk")
    assert (match.certain, match.feed, match.confidence, match.tlp) == (True, "feed", 50, TLP.GREEN)
    assert (match.valid_from, match.closed_at) == (datetime(2024, 1, 1, tzinfo=UTC), None)
    assert set(await camden.to_triage()) == {match.id}


async def test_the_same_again_changes_nothing(camden: City):
    before = await camden.matches()
    await camden.to_triage()
    await camden.repeat()
    assert await camden.matches() == before
    assert set(await camden.to_triage()) <= {match.id for match in before}


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"pattern": THEIRS}, "superseded"),
        ({"pattern": "nonsense"}, "superseded"),
        ({"revoked": True}, "revoked"),
        ({"indicator_types": ["benign"]}, "benign"),
        ({"valid_until": "2024-01-02T00:00:00Z"}, "expired"),
        ({"pattern_type": "yara"}, "not-executed"),
    ],
)
async def test_a_newer_version_ends_a_match_with_the_reason(camden: City, change: dict[str, Any], reason: str):
    await camden.to_triage()
    await camden.say(indicator(1, **{"pattern": OURS, "modified": LATER} | change))
    await camden.work()
    (match,) = await camden.matches()
    assert match.close_reason == reason
    assert match.closed_at is not None
    assert await camden.to_triage() == [match.id]


async def test_an_older_version_that_comes_late_changes_nothing(camden: City):
    await camden.say(indicator(1, THEIRS, modified="2023-12-31T00:00:00.000Z", created="2023-12-31T00:00:00.000Z"))
    await camden.work()
    assert len(await camden.pairs()) == 1


async def test_a_match_that_comes_back_is_opened_again(camden: City):
    await camden.say(indicator(1, THEIRS, modified=LATER))
    await camden.work()
    await camden.to_triage()
    await camden.say(indicator(1, OURS, modified="2024-03-01T00:00:00.000Z"))
    await camden.work()
    (match,) = await camden.matches()
    assert (match.closed_at, match.close_reason) == (None, None)
    assert await camden.to_triage() == [match.id]


async def test_a_longer_validity_is_kept(camden: City):
    await camden.say(indicator(1, OURS, modified=LATER, valid_until="2199-01-01T00:00:00Z"))
    await camden.work()
    (match,) = await camden.matches()
    assert match.valid_until == datetime(2199, 1, 1, tzinfo=UTC)


async def test_the_end_of_validity_is_awaited_and_closes_the_match(camden: City):
    end = now() + timedelta(days=1)
    await camden.say(indicator(1, OURS, modified=LATER, valid_until=end.isoformat()))
    await camden.work()
    (work,) = await camden.waiting("correlate")
    assert work.due_at == end
    async with camden.db.writing() as session:
        await session.exec(update(StixObject).values(valid_until=now()))
        work.due_at = now()
        session.add(await session.merge(work))
    await camden.work()
    assert [match.close_reason for match in await camden.matches()] == ["expired"]


async def test_an_indicator_of_the_future_is_awaited(camden: City):
    begin = now() + timedelta(days=1)
    await camden.say(
        indicator(3, OURS, valid_from=begin.isoformat()), indicator(4, THEIRS, valid_from=begin.isoformat())
    )
    await camden.work()
    assert len(await camden.matches()) == 1
    assert [work.due_at for work in await camden.waiting("correlate")] == [begin]


async def test_an_end_that_is_read_again_is_awaited_once(camden: City):
    await camden.say(indicator(1, OURS, modified=LATER, valid_until="2199-01-01T00:00:00Z"))
    await camden.work()
    awaited = await camden.waiting("correlate")
    await camden.repeat()
    assert [work.id for work in await camden.waiting("correlate")] == [work.id for work in awaited]
    assert [work.payload["objects"] for work in awaited] == [[3]]


async def test_many_ends_of_one_instant_are_awaited_together_and_once(camden: City):
    end = "2199-01-01T00:00:00Z"
    await camden.say(*(indicator(n, OURS, valid_until=end) for n in range(10, 10 + MANY)))
    await camden.work()
    (work,) = await camden.waiting("correlate")
    assert len(work.payload["objects"]) == MANY
    await camden.repeat()
    assert [again.id for again in await camden.waiting("correlate")] == [work.id]


async def test_what_is_indicated_is_news_for_triage(camden: City):
    (match,) = await camden.matches()
    await camden.to_triage()
    relationship = {
        "type": "relationship",
        "id": "relationship--00000001-1111-4111-8111-111111111111",
        "relationship_type": "indicates",
        "source_ref": match.indicator_id,
        "target_ref": "campaign--00000001-1111-4111-8111-111111111111",
    }
    times = {"created": LATER, "modified": LATER, "spec_version": "2.1"}
    await camden.say(relationship | times)
    await camden.work()
    assert await camden.to_triage() == [match.id]


async def test_of_two_feeds_the_one_counts_that_lets_us_tell_more_people(camden: City):
    await camden.say(indicator(1, OURS), feed="strict", tlp=TLP.RED, confidence=90)
    await camden.say(indicator(1, OURS), feed="open", tlp=TLP.CLEAR, confidence=30)
    await camden.work()
    (match,) = await camden.matches()
    assert (match.feed, match.tlp, match.confidence) == ("open", TLP.CLEAR, 30)


async def test_a_match_ends_when_no_feed_says_it_any_more(camden: City):
    async with camden.db.writing() as session:
        await session.exec(delete(Assertion))
    await camden.repeat()
    assert [match.close_reason for match in await camden.matches()] == ["delisted"]


async def test_what_is_only_possible_is_marked(camden: City):
    await camden.say(indicator(3, f"{OURS} AND [file:size = 3]"))
    await camden.work()
    assert [match.certain for match in await camden.matches()] == [True, False]


async def test_slow_expressions_are_given_up_and_what_else_is_said_counts(
    camden: City, capsys: pytest.CaptureFixture[str]
):
    await camden.own("camden", "host", *MANY_NAMES)
    await camden.say(indicator(3, slow(100)), indicator(4, "[domain-name:value MATCHES '^x40\\\\.']"))
    before = process_time()
    await camden.work()
    assert process_time() - before < 3  # it took some 10 seconds
    assert [match.indicator_id for match in await camden.matches()] == [indicator(n, "")["id"] for n in (1, 3, 4)]
    assert "match.undecided" in capsys.readouterr().out


async def test_the_loop_goes_on_while_expressions_are_tried(camden: City):
    await camden.own("camden", "host", *MANY_NAMES)
    await camden.say(indicator(3, slow(15)))
    times = list[float]()
    async with asyncio.timeout(60), asyncio.TaskGroup() as group:
        work = group.create_task(camden.work())
        while not work.done():
            times.append(process_time())
            await asyncio.sleep(0.005)
    assert max(later - earlier for earlier, later in pairwise(times)) < 0.3


async def test_the_register_is_read_again_when_it_has_changed(camden: City):
    await camden.own("barnet", "domain", "barnet.gov.uk")
    await camden.say(indicator(3, "[domain-name:value = 'barnet.gov.uk']"))
    await camden.work("correlate")
    assert len(await camden.pairs()) == 2


async def test_nobody_is_flooded_by_one_wide_indicator(city: City):
    await city.own("camden", "ipv4", *(f"198.18.1.{i}" for i in range(CAP + 20)))
    await city.own("barnet", "ipv4", "198.18.2.1")
    await city.say(indicator(1, "[ipv4-addr:value = '198.18.0.0/15']"))
    await city.work("correlate")
    await city.work()
    assert len(await city.pairs()) == CAP + 1
