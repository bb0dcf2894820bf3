"""What a whole reading means for what it does not bring: delisted, or no fresher than the reading before.

Only what is missing is written to, never what is still there: that stands on the feed's last whole list, and is as
fresh as that. A reading is judged in the transaction of its last batch, so it counts once or not at all.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import func, select, update
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from citysec.feeds.definition import Definition, Semantics
from citysec.feeds.followup import hand_on
from citysec.feeds.reading import Reading
from citysec.tables import Assertion, Feed
from citysec.tables.columns import now
from citysec.tables.feeds import whole_day

SMALL: Final = 10
"""So many may always be missing from a list, as long as something is left."""
_LOOKED_AT: Final = 20_000
_NAMED: Final = 1000  # ids in one statement


async def lacking(db: AsyncSession, feed: str, reading: Reading) -> list[int]:
    """Return the objects that stood on `feed`'s last whole list and that `reading` has not said so far."""
    standing = select(col(Assertion.object_id)).where(col(Assertion.feed) == feed, col(Assertion.missed) == 0)
    standing = standing.order_by(col(Assertion.object_id)).limit(_LOOKED_AT)
    connection, last, found = await db.connection(), 0, list[int]()
    while ids := (await connection.execute(standing.where(col(Assertion.object_id) > last))).scalars().all():
        found += (object_id for object_id in ids if object_id not in reading)
        last = ids[-1]
    return found


async def close(db: AsyncSession, feed: Definition, reading: Reading, missing: Collection[int]) -> int:
    """End a whole reading of `feed` in the transaction of its last batch, and return how much is gone by that.

    Of two that overlap, the first to end counts: they are no two lists in a row. The cursor of the other would say that
    its list has been judged, so the next poll is made to read all.

    Args:
        db: the session of the caller.
        feed: what has been read.
        reading: all of it.
        missing: what was `lacking` before the last batch.
    """
    row, at = await db.get_one(Feed, feed.name), now()
    if _has_been_read_since(row, reading.began):
        await (await db.connection()).execute(update(Feed).where(col(Feed.name) == feed.name).values(cursor={}))
        return 0
    missing = await _standing(db, feed.name, [object_id for object_id in missing if object_id not in reading])
    if feed.semantics is Semantics.STREAM:
        await _pin(db, row, missing, None)
        return await _ended(db, row, [], at)
    row.held = None if row.accepted else await _suspicion(db, feed, len(missing))
    if row.held is not None:
        await _pin(db, row, missing, 1)
        return await _ended(db, row, [], at)
    await _miss_again(db, feed.name)
    await _pin(db, row, missing, 1)
    gone = await _gone(db, feed.name, 1 if row.accepted else feed.confirmations, at)  # a person's word confirms
    row.accepted = False
    return await _ended(db, row, gone, at)


async def unchanged(db: AsyncSession, feed: Definition, began: datetime) -> int:
    """Note that all that `feed` has is what it was at the last reading; return how much is gone by that.

    What was missing is missing once more. A list that is held waits on.

    Args:
        db: the session of the caller.
        feed: what has been asked for.
        began: when it was.
    """
    row, at = await db.get_one(Feed, feed.name), now()
    if _has_been_read_since(row, began):
        return 0
    gone: Sequence[int] = []
    if feed.semantics is Semantics.SNAPSHOT and row.held is None:
        await _miss_again(db, feed.name)
        gone = await _gone(db, feed.name, feed.confirmations, at)
    return await _ended(db, row, gone, at)


def _has_been_read_since(row: Feed, began: datetime) -> bool:
    return row.confirmed_at is not None and row.confirmed_at > began


async def _standing(db: AsyncSession, feed: str, ids: Sequence[int]) -> list[int]:
    """Return which of these still stand on the list before: not those that the last batch has put newer ones for."""
    connection, found = await db.connection(), list[int]()
    standing = select(col(Assertion.object_id)).where(col(Assertion.feed) == feed, col(Assertion.missed) == 0)
    for start in range(0, len(ids), _NAMED):
        part = standing.where(col(Assertion.object_id).in_(ids[start : start + _NAMED]))
        found += (await connection.execute(part)).scalars()
    return found


async def _suspicion(db: AsyncSession, feed: Definition, missing: int) -> str | None:
    """Return why a list that lacks `missing` more than the one before cannot be believed; None if it can."""
    expected = select(func.count(), func.count().filter(col(Assertion.missed) > 0))
    expected = expected.where(col(Assertion.feed) == feed.name, col(Assertion.missed).is_not(None))
    believed, missed = (await (await db.connection()).execute(expected)).one()
    lost = missed + missing
    if lost <= max(SMALL if lost < believed else 0, believed * feed.max_shrink):
        return None
    shrunk = f"the list has shrunk from {believed:,} to {believed - lost:,}"
    return f"{shrunk}: nothing was delisted; `citysec feeds accept {feed.name}`"


async def _miss_again(db: AsyncSession, feed: str) -> None:
    """Count what has been missing, and has not come back, as missing once more."""
    missing = update(Assertion).where(col(Assertion.feed) == feed, col(Assertion.missed) > 0)
    await (await db.connection()).execute(missing.values(missed=col(Assertion.missed) + 1))


async def _pin(db: AsyncSession, row: Feed, ids: Sequence[int], missed: int | None) -> None:
    """Note that these no longer stand listed: they are as fresh as the list before."""
    connection = await db.connection()
    standing = update(Assertion).where(col(Assertion.feed) == row.name, col(Assertion.missed) == 0)
    standing = standing.values(missed=missed, fresh_at=row.confirmed_at)
    for start in range(0, len(ids), _NAMED):
        await connection.execute(standing.where(col(Assertion.object_id).in_(ids[start : start + _NAMED])))


async def _gone(db: AsyncSession, feed: str, confirmations: int, at: datetime) -> Sequence[int]:
    """Delist what has been missing for so many lists in a row."""
    gone = update(Assertion).where(col(Assertion.feed) == feed, col(Assertion.missed) >= confirmations)
    rows = gone.values(gone_at=at, missed=None).returning(col(Assertion.object_id))
    return (await (await db.connection()).execute(rows)).scalars().all()


async def _ended(db: AsyncSession, row: Feed, gone: Sequence[int], at: datetime) -> int:
    """Note that all that the feed has was read, with the work for what is gone and for what counts again by that."""
    hand_on(db, shared=gone, correlated={*gone, *await _awake(db, row, at)})
    row.confirmed_at = at
    return len(gone)


async def _awake(db: AsyncSession, row: Feed, at: datetime) -> Sequence[int]:
    """Return what stands listed and had decayed: the feed was not read for longer than its word lasts."""
    if row.confirmed_at is None or (silent_s := (at - whole_day(row.confirmed_at)).total_seconds()) <= 0:
        return []
    standing = select(col(Assertion.object_id)).where(col(Assertion.feed) == row.name, col(Assertion.missed) == 0)
    ended = standing.where(col(Assertion.lasts_s) > 0, col(Assertion.lasts_s) <= silent_s)
    return (await (await db.connection()).execute(ended)).scalars().all()
