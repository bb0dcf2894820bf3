"""Feeds that go silent are noticed once, and heard again once."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from sqlmodel import col, select

from citysec.db import Database
from citysec.feeds import orders, silence, standing
from citysec.feeds.definition import BundleFeed
from citysec.incidents.outage import outage
from citysec.tables import Feed, Incident, Outbox
from citysec.tables.columns import now
from tests.incidents.conftest import POLICY


async def _pass(database: Database, feed: BundleFeed, hours: float, awake: datetime | None = None) -> None:
    """Let so many hours have passed since the feed was enabled, and do the work that comes of it."""
    async with database.writing() as db:
        row = await db.get_one(Feed, feed.name)
        row.enabled_at = now() - timedelta(hours=hours)
        await silence.note(db, {feed.name: feed}, now(), awake or now() - timedelta(days=365))
    await _work(database)


async def _work(database: Database) -> None:
    async with database.writing() as db:
        for work in await db.exec(select(Outbox).where(Outbox.kind == "outage", col(Outbox.done_at).is_(None))):
            work.done_at = now()
            await outage(db, work.payload, POLICY)


async def _incidents(database: Database) -> list[tuple[str, str]]:
    async with database.reading() as db:
        return [(i.title, i.state) for i in await db.exec(select(Incident).order_by(Incident.ref))]


@pytest.mark.parametrize(("hours", "noticed"), [(0.5, False), (2.9, False), (3.1, True)])
async def test_after_three_polls_that_brought_nothing_a_feed_is_silent(
    enrolled: Database, bundle_feed: BundleFeed, hours: float, noticed: bool
):
    await _pass(enrolled, bundle_feed, hours)
    assert await _incidents(enrolled) == ([("Feed silent: test", "open")] if noticed else [])


async def test_silence_is_one_incident_that_ends_when_the_feed_is_heard(enrolled: Database, bundle_feed: BundleFeed):
    for hours in (4, 5):
        await _pass(enrolled, bundle_feed, hours)
    assert await _incidents(enrolled) == [("Feed silent: test", "open")]
    async with enrolled.writing() as db:
        await standing.succeeded(db, bundle_feed, now(), now())
    await _work(enrolled)
    assert await _incidents(enrolled) == [("Feed silent: test", "closed")]


async def test_a_feed_that_is_switched_off_or_has_no_schedule_is_not_missed(
    enrolled: Database, bundle_feed: BundleFeed
):
    await _pass(enrolled, bundle_feed.model_copy(update={"every_s": None}), 100)
    async with enrolled.writing() as db:
        standing.disable(await db.get_one(Feed, "test"))
    await _pass(enrolled, bundle_feed, 100)
    assert await _incidents(enrolled) == []


async def test_a_feed_that_is_switched_on_again_is_not_missed_at_once(enrolled: Database, bundle_feed: BundleFeed):
    async with enrolled.writing() as db:
        (await db.get_one(Feed, "test")).succeeded_at = now() - timedelta(days=30)
    await _pass(enrolled, bundle_feed, 0.1)
    assert await _incidents(enrolled) == []


async def test_who_switches_a_silent_feed_off_ends_its_incident(enrolled: Database, bundle_feed: BundleFeed):
    await _pass(enrolled, bundle_feed, 4)
    async with enrolled.writing() as db:
        await orders.disable(db, "test", "cli")
    await _work(enrolled)
    assert await _incidents(enrolled) == [("Feed silent: test", "closed")]


@pytest.mark.parametrize(("awake_h", "noticed"), [(0, False), (0.9, False), (1.1, True)])
async def test_after_a_long_downtime_each_feed_gets_its_chance(
    enrolled: Database, bundle_feed: BundleFeed, awake_h: float, noticed: bool
):
    await _pass(enrolled, bundle_feed, 24 * 30, now() - timedelta(hours=awake_h))
    assert await _incidents(enrolled) == ([("Feed silent: test", "open")] if noticed else [])


@pytest.mark.parametrize(("pause_s", "woke"), [(61, False), (290, False), (310, True)])
def test_who_slept_is_awake_since_then(pause_s: float, woke: bool):
    at, began = now(), now() - timedelta(days=1)
    assert silence.awake_since(began, at - timedelta(seconds=pause_s), at) == (at if woke else began)
