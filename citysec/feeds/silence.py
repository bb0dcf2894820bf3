"""Feeds that should have been heard by now: nobody misses what does not come."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from citysec import log, outbox
from citysec.db import Database
from citysec.feeds.definition import Definition
from citysec.tables import Feed
from citysec.tables.columns import now

MISSED: Final = 3
"""So many polls in a row without success make a feed silent, …"""
LEAST: Final = timedelta(hours=1)
"""… but not before that time, and not before it could be asked for so long."""
PERIOD_S: Final = 60.0
ASLEEP: Final = timedelta(seconds=5 * PERIOD_S)
"""Who has not looked for so long was stopped, and so were the polls."""

_log: Final = log.get(__name__)


async def watch(database: Database, definitions: Mapping[str, Definition]) -> None:
    """Note which feeds have gone silent, until cancelled."""
    awake = looked = now()
    while True:
        at = now()
        awake, looked = awake_since(awake, looked, at), at
        try:
            async with database.reading() as db:
                found = await _silent(db, definitions, at, awake)
            if found:
                async with database.writing() as db:
                    await note(db, definitions, at, awake)
        except Exception as err:  # noqa: BLE001  (a worker loop: the database may be away for a while)
            _log.warning("silence.stalled", error=type(err).__name__)
        await asyncio.sleep(PERIOD_S)


def awake_since(before: datetime, looked: datetime, at: datetime) -> datetime:
    """Return since when feeds can be polled: since `before`, unless nobody has looked between `looked` and `at`."""
    return at if at - looked > ASLEEP else before


async def note(db: AsyncSession, definitions: Mapping[str, Definition], at: datetime, awake: datetime) -> None:
    """Note which feeds have gone silent by `at`, with the work `outage` for each.

    Args:
        db: the session of the caller.
        definitions: of the feeds.
        at: the present instant.
        awake: since when feeds can be polled: after a long downtime each gets its chance first.
    """
    for feed in await _silent(db, definitions, at, awake):
        feed.stale_since = at
        outbox.add(db, "outage", {"feed": feed.name})
        outbox.announce(db, "feed", feed.name)


async def _silent(db: AsyncSession, definitions: Mapping[str, Definition], at: datetime, awake: datetime) -> list[Feed]:
    """Return the feeds that should have brought something by `at`, and of which that is not noted yet."""
    if at <= awake + LEAST:
        return []
    enabled = select(Feed).where(col(Feed.enabled), col(Feed.stale_since).is_(None)).order_by(col(Feed.name))
    return [feed for feed in await db.exec(enabled) if feed.name in definitions and _is_late(feed, definitions, at)]


def _is_late(feed: Feed, definitions: Mapping[str, Definition], at: datetime) -> bool:
    known = [instant for instant in (feed.succeeded_at, feed.enabled_at) if instant is not None]
    if not known:
        return False
    expected = since = max(known)
    for _ in range(MISSED):
        following = definitions[feed.name].next_poll(expected)
        if following is None:
            return False
        expected = following
    return at > max(expected, since + LEAST)
