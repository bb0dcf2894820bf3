"""How the last polls of each feed went: a row each, there from the beginning of the poll on."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from sqlmodel import col, delete, select, update
from sqlmodel.ext.asyncio.session import AsyncSession

from citysec import outbox
from citysec.feeds.ingest import Outcome
from citysec.tables import PollRun

KEPT: Final = 200
"""How many polls of one feed are kept; the newest."""
BROKEN_OFF: Final = "broken off: the service was stopped, or another poll began"


async def begin(db: AsyncSession, feed: str, at: datetime) -> int:
    """Note that a poll of `feed` begins at `at`, and return the id of its row.

    One that has not ended has been broken off; should it be going on after all, it says so itself when it ends.
    """
    open_ones = update(PollRun).where(col(PollRun.feed) == feed, col(PollRun.ended_at).is_(None))
    await db.exec(open_ones.values(ended_at=at, error=BROKEN_OFF))
    run = PollRun(feed=feed, started_at=at)
    db.add(run)
    await db.flush()
    await _trim(db, feed)
    outbox.announce(db, "feed", feed)
    return run.id or 0


async def progress(db: AsyncSession, run: int, feed: str, total: Outcome) -> None:
    """Note what poll `run` has come to so far."""
    await _note(db, run, total)
    outbox.announce(db, "feed", feed)


async def end(db: AsyncSession, run: int, total: Outcome, at: datetime, *, error: str | None = None) -> None:
    """Note what poll `run` came to; with `error` why it failed."""
    await _note(db, run, total, ended_at=at, error=error)


async def newest(db: AsyncSession, feed: str, most: int) -> Sequence[PollRun]:
    """Return the last polls of `feed`, the newest first."""
    of_feed = select(PollRun).where(PollRun.feed == feed).order_by(col(PollRun.id).desc())
    return (await db.exec(of_feed.limit(most))).all()


async def _note(db: AsyncSession, run: int, total: Outcome, **facts: datetime | int | str | None) -> None:
    counts = {"stored": total.stored, "known": total.known, "refused": total.refused, "gone": total.gone}
    await db.exec(update(PollRun).where(col(PollRun.id) == run).values(**counts, **facts))


async def _trim(db: AsyncSession, feed: str) -> None:
    of_feed = select(PollRun.id).where(PollRun.feed == feed).order_by(col(PollRun.id).desc())
    last = (await db.exec(of_feed.offset(KEPT).limit(1))).first()
    if last is not None:
        await db.exec(delete(PollRun).where(col(PollRun.feed) == feed, col(PollRun.id) <= last))
