"""When a feed is tried again, and what enabling and ticking write."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlmodel import select

from citysec.db import Database
from citysec.errors import FeedError, FeedMalformed, FeedRefused, FeedUnreachable
from citysec.feeds import schedule, standing
from citysec.feeds.definition import BundleFeed
from citysec.tables import Feed, Outbox

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
DAY_S = 86400.0


@given(st.integers(1, 10_000), st.floats(5, 31 * DAY_S), st.floats(0, 1))
def test_waits_grow_and_end(failures: int, regular_s: float, jitter: float):
    wait = standing.retry_s(FeedUnreachable("x"), failures, regular_s, jitter)
    assert 2 < wait <= standing.LONGEST_RETRY_S
    assert wait <= standing.retry_s(FeedUnreachable("x"), failures + 1, regular_s, jitter)


@pytest.mark.parametrize(
    ("err", "at_least"),
    [
        (FeedUnreachable("x", retry_after_s=5000), 5000),
        (FeedMalformed("x"), 3600),
        (FeedRefused("x"), DAY_S),
    ],
)
def test_the_reason_says_how_long_at_least(err: FeedError, at_least: float):
    assert standing.retry_s(err, 1, 3600, 0.5) >= at_least


async def test_a_feed_that_fails_on_is_asked_but_seldom_until_it_comes(db: Database, bundle_feed: BundleFeed):
    asked, at = list[datetime](), NOON
    async with db.writing() as session:
        await standing.enrol(session, {"test": bundle_feed}, NOON)
        row = await session.get_one(Feed, "test")
        while at < NOON + timedelta(days=2):
            if await schedule.tick(session, at):
                asked.append(at)
                await standing.failed(session, bundle_feed, FeedUnreachable("x"), at=at, jitter=0)
                assert standing.resting_until(row) == (row.next_at if len(asked) >= standing.RESTS_AFTER else None)
            at += timedelta(minutes=1)
        gaps = [later - sooner for sooner, later in pairwise(asked[standing.RESTS_AFTER - 1 :])]
        assert min(gaps).total_seconds() >= standing.LONGEST_RETRY_S / 2
        await standing.succeeded(session, bundle_feed, at, at)
        assert (standing.resting_until(row), row.next_at) == (None, at + timedelta(hours=1))


async def test_a_feed_is_enrolled_once_and_enabled_as_defined(db: Database, bundle_feed: BundleFeed):
    other = bundle_feed.model_copy(update={"name": "other", "enabled": False})
    async with db.writing() as session:
        await standing.enrol(session, {"test": bundle_feed, "other": other}, NOON)
        standing.disable(await session.get_one(Feed, "test"))
        await standing.enrol(session, {"test": bundle_feed, "other": other}, NOON)
    async with db.reading() as session:
        assert {f.name: f.enabled for f in (await session.exec(select(Feed))).all()} == {"test": False, "other": False}


async def test_a_due_feed_becomes_one_work_however_often_the_clock_ticks(db: Database, bundle_feed: BundleFeed):
    async with db.writing() as session:
        await standing.enrol(session, {"test": bundle_feed}, NOON)
        first = await schedule.tick(session, NOON)
        assert await schedule.tick(session, NOON + timedelta(seconds=5)) == []
    async with db.reading() as session:
        (work,) = (await session.exec(select(Outbox))).all()
    assert first == [work.id] == [f"poll:test:{NOON.isoformat()}"]
    assert work.payload == {"feed": "test", "tick": NOON.isoformat()}


async def test_a_feed_that_is_not_due_or_disabled_is_left(db: Database, bundle_feed: BundleFeed):
    async with db.writing() as session:
        await standing.enrol(session, {"test": bundle_feed}, NOON)
        assert await schedule.tick(session, NOON - timedelta(seconds=1)) == []
        standing.disable(await session.get_one(Feed, "test"))
        assert await schedule.tick(session, NOON) == []


async def test_after_a_poll_the_next_tick_is_another_work(db: Database, bundle_feed: BundleFeed):
    async with db.writing() as session:
        await standing.enrol(session, {"test": bundle_feed}, NOON)
        await schedule.tick(session, NOON)
        await standing.succeeded(session, bundle_feed, NOON, NOON)
        assert await schedule.tick(session, NOON) == []
        assert len(await schedule.tick(session, NOON + timedelta(hours=1))) == 1
