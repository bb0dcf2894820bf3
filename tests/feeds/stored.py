"""What feeds have left in a database, and readings of lists to leave more."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlmodel import col, select, update

from citysec.db import Database
from citysec.feeds import listing
from citysec.feeds.definition import Definition
from citysec.feeds.formats import Entry
from citysec.feeds.formats.values import value
from citysec.feeds.ingest import Batch, Outcome, ingest
from citysec.feeds.reading import Extent, Reading
from citysec.tables import Assertion, Feed, Outbox, StixObject
from citysec.tables.columns import now
from citysec.tables.feeds import word_ends


def entry(text: str, **more: Any) -> Entry:
    return Entry(at="line 1", key=value(text).pattern, **more)


async def take(database: Database, feed: Definition, *entries: Entry) -> Outcome:
    """Let `feed` say so."""
    async with database.writing() as db:
        return await ingest(db, feed, Batch(entries=entries))


async def whole(database: Database, feed: Definition, *texts: str) -> int:
    """Read a whole list; return how much is gone by that."""
    reading = Reading(now(), Extent.WHOLE)
    async with database.reading() as db:
        missing = await listing.lacking(db, feed.name, reading)
    async with database.writing() as db:
        await ingest(db, feed, Batch(entries=[entry(text) for text in texts]), reading)
        return await listing.close(db, feed, reading, missing)


async def rows(database: Database, table: type[Any]) -> list[Any]:
    """Return all rows of `table`."""
    async with database.reading() as db:
        return list((await db.exec(select(table))).all())


async def work(database: Database, kind: str = "correlate") -> int:
    """Return how many objects were handed on to be correlated."""
    return sum(len(w.payload["objects"]) for w in await rows(database, Outbox) if w.kind == kind)


def value_of(pattern: str | None) -> str:
    """Return the value of a pattern that has one."""
    return (pattern or "").split("'")[1]


async def ends(database: Database, feed: str = "test") -> dict[str, datetime | None]:
    """Return value -> when the feed's word on it counts no more, of what it lists."""
    said = select(StixObject.pattern, Assertion).join(Assertion, col(Assertion.object_id) == StixObject.id)
    said = said.where(col(StixObject.latest), col(StixObject.pattern).is_not(None))
    async with database.reading() as db:
        confirmed_at = (await db.get_one(Feed, feed)).confirmed_at
        found = (await db.exec(said.where(Assertion.feed == feed, col(Assertion.gone_at).is_(None)))).all()
    return {value_of(text): word_ends(a.until, a.missed, a.fresh_at, a.lasts_s, confirmed_at) for text, a in found}


async def counting(database: Database, feed: str = "test") -> set[str]:
    """Return the values that the feed lists and whose end has not come."""
    return {text for text, end in (await ends(database, feed)).items() if end is None or end > now()}


async def days_pass(database: Database, days: float) -> None:
    """Let all that feeds have said be so much older."""
    async with database.writing() as db:
        for feed in await db.exec(select(Feed)):
            feed.confirmed_at = feed.confirmed_at and feed.confirmed_at - timedelta(days=days)
        for said in await db.exec(select(Assertion)):
            said.fresh_at = said.fresh_at and said.fresh_at - timedelta(days=days)
        await db.exec(update(Outbox).values(done_at=now()))
