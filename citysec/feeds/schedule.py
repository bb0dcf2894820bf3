# pyright: basic
"""When feeds are polled: a feed's row remembers when it is due, and a tick puts due feeds to work.

The border to APScheduler 3, of which only the calendar is used: when a feed is due is a fact in the database, so that
it survives a restart and several schedulers agree on it.
"""

from __future__ import annotations

import asyncio
import re
from datetime import UTC, datetime, timedelta
from typing import Final

from apscheduler.triggers.cron import CronTrigger
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from citysec import log, outbox
from citysec.db import Database
from citysec.tables import Feed, Outbox
from citysec.tables.columns import now

PERIOD_S: Final = 5.0
_WEEKDAY: Final = re.compile(r"[0-9]")

_log: Final = log.get(__name__)


def checked(cron: str) -> str:
    """Return `cron`, five fields in UTC, if it is one that can be obeyed.

    Weekdays are names: 0 is Sunday to cron and Monday to APScheduler, so a number would be obeyed on the wrong day.

    Raises:
        ValueError: it is not; the message says what is wrong.
    """
    fields = cron.split()
    if len(fields) == 5 and _WEEKDAY.search(fields[4]):
        raise ValueError("name the weekday (mon … sun); numbers mean different days to different programs")
    CronTrigger.from_crontab(cron, timezone=UTC)
    return cron


def next_poll(every_s: float | None, cron: str | None, after: datetime) -> datetime | None:
    """Return when a feed with this schedule is due after `after`; None when it has no schedule, or none that comes."""
    if every_s is not None:
        return after + timedelta(seconds=every_s)
    if cron is None:
        return None
    return CronTrigger.from_crontab(cron, timezone=UTC).get_next_fire_time(None, after + timedelta(microseconds=1))


async def run(database: Database) -> None:
    """Put feeds to work when they are due, until cancelled."""
    while True:
        try:
            await _look(database)
        except Exception as err:  # noqa: BLE001  (a worker loop: the database may be away for a while)
            _log.warning("schedule.stalled", error=type(err).__name__)
        await asyncio.sleep(PERIOD_S)


async def tick(db: AsyncSession, at: datetime) -> list[str]:
    """Write the work `poll` for every feed that is due at `at`, and return the ids of what was written.

    The id holds the instant the feed was due, which only the end of that poll moves: two schedulers, or two ticks
    while a poll is under way, write one piece of work.
    """
    written: list[str] = []
    for feed in await _due(db, at):
        instant = feed.next_at.isoformat() if feed.next_at else "first"
        work_id = f"poll:{feed.name}:{instant}"
        if await db.get(Outbox, work_id) is None:
            outbox.add(db, "poll", {"feed": feed.name, "tick": instant}, work_id=work_id)
            written.append(work_id)
    return written


async def _look(database: Database) -> None:
    """Tick, unless no feed is due: that alone takes no turn from other writers."""
    async with database.reading() as db:
        due = await _due(db, now())
    if due:
        async with database.writing() as db:
            await tick(db, now())


async def _due(db: AsyncSession, at: datetime) -> list[Feed]:
    due = select(Feed).where(col(Feed.enabled), col(Feed.next_at) <= at).order_by(col(Feed.name))
    return list((await db.exec(due)).all())
