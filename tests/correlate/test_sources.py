"""Which feeds a match rests on when several say the same."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st
from sqlmodel import col, update

from citysec.correlate.claims import Source, counting
from citysec.tables import Assertion, Feed, Outbox
from citysec.tables.columns import now
from citysec.tlp import TLP
from tests.correlate.city import City, indicator

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
OURS = "[domain-name:value = 'www.camden.gov.uk']"
times = st.none() | st.integers(-48, 48).map(lambda hours: NOON + timedelta(hours=hours))
sources = st.builds(Source, st.text(max_size=3), st.sampled_from(TLP).map(int), st.integers(0, 100), times)


def test_feeds_that_agree_make_it_surer():
    assert counting([Source("a", 1, 50, None), Source("b", 1, 50, NOON)], NOON - timedelta(1)).confidence == 75


def test_what_fewer_may_know_does_not_make_it_surer():
    assert counting([Source("a", 1, 50, None), Source("b", 4, 100, None)], NOON) == Source("a", 1, 50, None)


def test_a_word_that_has_decayed_does_not_count():
    assert counting([Source("a", 1, 90, NOON), Source("b", 2, 40, None)], NOON) == Source("b", 2, 40, None)


@given(st.lists(sources, min_size=1))
def test_more_agreement_is_never_less_sure_and_never_under_a_stricter_label(said: list[Source]):
    fresh = [s for s in said if s.until is None or s.until > NOON]
    found = counting(said, NOON)
    if fresh:
        assert found.tlp == min(s.tlp for s in fresh)
        assert max(s.confidence for s in fresh if s.tlp == found.tlp) <= found.confidence <= 100


async def test_a_match_ends_when_it_is_on_no_list_any_more_and_comes_back_with_it(city: City):
    await city.own("camden", "domain", "camden.gov.uk", scope="tree")
    await city.say(indicator(1, OURS))
    await city.work()
    for gone_at, closed in ((now(), "delisted"), (None, None)):
        async with city.db.writing() as db:
            await db.exec(update(Assertion).values(gone_at=gone_at))
        await city.repeat()
        (match,) = await city.matches()
        assert (match.close_reason, match.closed_at is None) == (closed, gone_at is None)


async def test_what_is_newly_said_of_the_kind_of_threat_goes_to_triage(city: City):
    await city.own("camden", "domain", "camden.gov.uk", scope="tree")
    await city.say(indicator(1, OURS))
    await city.work()
    (match,) = set(await city.to_triage())
    await city.say(indicator(1, OURS, modified="2024-02-01T00:00:00.000Z", indicator_types=["ransomware"]))
    await city.work()
    assert await city.to_triage() == [match]


async def test_when_one_of_those_who_agree_has_decayed_the_rest_counts(city: City):
    await city.own("camden", "domain", "camden.gov.uk", scope="tree")
    for feed in ("one", "two"):
        await city.say(indicator(1, OURS), feed=feed)
    end = now() + timedelta(hours=1)
    async with city.db.writing() as db:
        await db.exec(update(Assertion).where(col(Assertion.feed) == "one").values(until=end))
    await city.work()
    assert [work.due_at for work in await city.waiting("correlate")] == [end]


async def test_what_stands_on_a_list_ends_with_the_list_and_is_renewed_with_it(city: City):
    await city.own("camden", "domain", "camden.gov.uk", scope="tree")
    await city.say(indicator(1, OURS))
    turns: list[datetime] = []
    for days_ago, reason in ((3, None), (1, None), (30, "expired"), (0, None)):
        read_at = now() - timedelta(days=days_ago)
        async with city.db.writing() as db:
            await db.exec(update(Assertion).values(missed=0, fresh_at=None, lasts_s=10 * 86400))
            await db.exec(update(Feed).values(confirmed_at=read_at))
            await db.exec(update(Outbox).where(col(Outbox.done_at).is_(None)).values(due_at=now()))
        await (city.repeat() if days_ago == 0 else city.work())
        (match,) = await city.matches()
        assert match.close_reason == reason
        turns += [work.due_at for work in await city.waiting("correlate")]
    assert [(turn - now()).days for turn in turns] == [7, 9, 10]
