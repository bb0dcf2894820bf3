"""The clock of the feeds."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import pytest
from sqlalchemy import text
from structlog.testing import capture_logs

from citysec.db import Database
from citysec.feeds import schedule, standing
from citysec.feeds.definition import BundleFeed
from citysec.tables import Outbox
from citysec.tables.columns import now
from tests.waiting import until

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


async def test_it_goes_on_when_the_database_was_away(
    db: Database, bundle_feed: BundleFeed, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(schedule, "PERIOD_S", 0.01)
    async with db.writing() as session:
        await standing.enrol(session, {"test": bundle_feed}, now())
        await (await session.connection()).execute(text("ALTER TABLE feed RENAME TO away"))
    with capture_logs() as said:
        async with asyncio.timeout(5), asyncio.TaskGroup() as group:
            clock = group.create_task(schedule.run(db))
            await until(lambda: any(line["event"] == "schedule.stalled" for line in said))
            async with db.writing() as session:
                await (await session.connection()).execute(text("ALTER TABLE away RENAME TO feed"))
            db.committed.clear()
            await db.committed.wait()
            clock.cancel()


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
