"""What people have done with a feed, each with its entry in the audit chain: the console, API and command line."""

from __future__ import annotations

from sqlmodel.ext.asyncio.session import AsyncSession

from citysec import outbox
from citysec.access import audit
from citysec.feeds import replay as replaying
from citysec.feeds import standing
from citysec.feeds.definition import Definition
from citysec.feeds.ingest import Outcome
from citysec.tables import Feed
from citysec.tables.columns import new_id, now


async def enable(db: AsyncSession, feed: Definition, actor: str) -> None:
    """Have `feed` polled by its schedule, the first time at once."""
    standing.enable(await db.get_one(Feed, feed.name), feed, now())
    await _done(db, feed.name, "enable", actor)


async def disable(db: AsyncSession, name: str, actor: str) -> None:
    """Have the feed polled no more; what it brought counts until its lifetime ends."""
    feed = await db.get_one(Feed, name)
    if feed.stale_since is not None:
        outbox.add(db, "outage", {"feed": name})  # nobody waits for it any more
    standing.disable(feed)
    await _done(db, name, "disable", actor)


async def poll(db: AsyncSession, name: str, actor: str) -> str:
    """Have the feed polled once, now, enabled or not, and return the id of the work."""
    work = outbox.add(db, "poll", {"feed": name, "tick": f"asked-{new_id()}"})
    await _done(db, name, "poll", actor)
    return work


async def accept(db: AsyncSession, name: str, actor: str) -> None:
    """Believe the feed's next list, however much shorter it is."""
    await standing.accept(db, name)
    await _done(db, name, "accept", actor)


async def replay(db: AsyncSession, feed: Definition, actor: str) -> Outcome:
    """Try again what of `feed` was refused, and return what that came to."""
    outcome = await replaying.replay(db, feed)
    await _done(db, feed.name, "replay", actor, stored=outcome.stored, refused=outcome.refused)
    return outcome


async def _done(db: AsyncSession, name: str, what: str, actor: str, **facts: int) -> None:
    outbox.announce(db, "feed", name)
    await audit.record(db, actor, f"feed.{what}", f"feed:{name}", facts)
