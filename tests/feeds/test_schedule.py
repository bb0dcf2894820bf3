"""The clock of the feeds."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import pytest

from citysec.db import Database
from citysec.feeds import schedule, standing
from citysec.feeds.definition import BundleFeed
from citysec.tables import Outbox
from citysec.tables.columns import now

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)


async def test_it_puts_feeds_to_work_and_stops_when_told(db: Database, bundle_feed: BundleFeed):
    at = now()
    async with db.writing() as session:
        await standing.enrol(session, {"test": bundle_feed}, at)
    db.committed.clear()
    async with asyncio.timeout(5), asyncio.TaskGroup() as group:
        clock = group.create_task(schedule.run(db))
        await db.committed.wait()
        clock.cancel()
    async with db.reading() as session:
        assert await session.get(Outbox, f"poll:test:{at.isoformat()}") is not None


@pytest.mark.parametrize(
    ("cron", "following"),
    [
        ("0 12 * * *", datetime(2026, 6, 2, 12, tzinfo=UTC)),
        ("*/15 * * * *", datetime(2026, 6, 1, 12, 15, tzinfo=UTC)),
        ("0 3 * * sun", datetime(2026, 6, 7, 3, tzinfo=UTC)),
        ("0 0 30 2 *", None),
    ],
)
def test_the_calendar_gives_the_next_instant_strictly_later(cron: str, following: datetime | None):
    assert schedule.next_poll(None, schedule.checked(cron), NOON) == following


def test_without_a_schedule_there_is_no_next_poll():
    assert schedule.next_poll(None, None, NOON) is None
