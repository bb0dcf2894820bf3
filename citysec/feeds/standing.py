"""How each feed stands: its row from the first sight on, what a poll does to it, when the next one is due."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from citysec import outbox
from citysec.db import alone
from citysec.errors import FeedError, FeedMalformed, FeedRefused, FeedUnreachable
from citysec.feeds.definition import Definition, Says
from citysec.feeds.followup import hand_on
from citysec.tables import Assertion, Feed
from citysec.tables.columns import now

FIRST_RETRY_S: Final = 30.0
LONGEST_RETRY_S: Final = 6 * 3600.0
RESTS_AFTER: Final = 8
"""After so many failures in a row, about an hour, a feed rests: its polls are single probes, far apart."""
A_PERSON_S: Final = 86400.0
"""How long to wait where only a person can mend it."""


async def enrol(db: AsyncSession, definitions: Mapping[str, Definition], at: datetime) -> None:
    """Give every definition its row; what is there stays as it is, but for what it means to be in the feed."""
    await alone(db, "feeds")  # a service and a command may both be the first to see one
    here = {feed.name: feed for feed in await db.exec(select(Feed))}
    for name, definition in definitions.items():
        if name in here:
            await _mean(db, here[name], definition.says)
        else:
            feed = Feed(name=name, says=definition.says, terms=definition.worth)
            if definition.enabled:
                enable(feed, definition, at)
            db.add(feed)
    await db.flush()


async def _mean(db: AsyncSession, feed: Feed, says: Says) -> None:
    """Have what the feed brought mean another thing, where it does."""
    if feed.says == says:
        return
    feed.says = says
    said = select(Assertion.object_id).where(Assertion.feed == feed.name, col(Assertion.gone_at).is_(None))
    ids = (await db.exec(said.order_by(col(Assertion.object_id)))).all()
    hand_on(db, shared=ids, correlated=ids)


def enable(feed: Feed, definition: Definition, at: datetime) -> None:
    """Have the feed polled from `at` on."""
    feed.enabled, feed.enabled_at, feed.failures, feed.error = True, at, 0, None
    feed.next_at = at if definition.next_poll(at) is not None else None


def disable(feed: Feed) -> None:
    """Have the feed polled no more; what it brought counts until its lifetime ends."""
    feed.enabled, feed.next_at, feed.stale_since = False, None, None


async def accept(db: AsyncSession, name: str) -> None:
    """Believe the feed's next list, however much shorter it is; it is asked for at once."""
    feed = await db.get_one(Feed, name)
    feed.accepted, feed.held, feed.cursor = True, None, {}
    feed.next_at = now() if feed.enabled else None


async def succeeded(db: AsyncSession, definition: Definition, started: datetime, at: datetime) -> None:
    """Note a good poll; the next is due by the feed's schedule."""
    feed = await db.get_one(Feed, definition.name)
    feed.attempted_at, feed.succeeded_at, feed.failures, feed.error = started, at, 0, None
    feed.next_at = definition.next_poll(at) if feed.enabled else None
    outbox.announce(db, "feed", feed.name)
    if feed.stale_since is not None:
        feed.stale_since = None
        outbox.add(db, "outage", {"feed": feed.name})


async def failed(db: AsyncSession, definition: Definition, err: FeedError, *, at: datetime, jitter: float) -> Feed:
    """Note a failed poll and when it is worth trying again; return the feed's row."""
    feed = await db.get_one(Feed, definition.name)
    feed.attempted_at, feed.failures, feed.error = at, feed.failures + 1, str(err)
    regular = definition.next_poll(at)
    if feed.enabled and regular is not None:
        wait = retry_s(err, feed.failures, (regular - at).total_seconds(), jitter)
        feed.next_at = at + timedelta(seconds=wait)
    outbox.announce(db, "feed", feed.name)
    return feed


def resting_until(feed: Feed) -> datetime | None:
    """Return when the feed is probed next, if it has failed so often that it rests."""
    return feed.next_at if feed.enabled and feed.failures >= RESTS_AFTER else None


async def orphaned(db: AsyncSession, name: str) -> None:
    """Note that a feed has lost its definition; it is polled no more until somebody enables it again."""
    feed = await db.get(Feed, name)
    if feed is not None:
        feed.error, feed.next_at = "its definition is gone", None
        outbox.announce(db, "feed", name)


def retry_s(err: FeedError, failures: int, regular_s: float, jitter: float) -> float:
    """Return how many seconds to wait after the `failures`-th failure in a row.

    Args:
        err: why the poll failed.
        failures: at least 1.
        regular_s: seconds to the next poll by the feed's schedule.
        jitter: 0 to 1; spreads the feeds of one publisher, so that they do not come back all at once.
    """
    first = min(FIRST_RETRY_S, regular_s)
    longest = first * 2.0 ** (failures - 1) if failures < RESTS_AFTER else LONGEST_RETRY_S
    doubled = longest * (0.5 + jitter / 2)
    match err:
        case FeedUnreachable(retry_after_s=asked) if asked is not None:
            return max(asked, doubled)
        case FeedMalformed():
            return max(regular_s, doubled)
        case FeedRefused():
            return max(A_PERSON_S, regular_s)
        case _:
            return doubled
