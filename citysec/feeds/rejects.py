"""What was refused: kept with its place and the reason, once each and within bounds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import case, delete, func, insert
from sqlalchemy import select as alchemy_select
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from citysec.feeds import formats
from citysec.tables import Reject

KEPT: Final = 1000
"""How many rejects of one feed are kept; the newest. `Feed.rejects` counts all."""


@dataclass(frozen=True, slots=True)
class Reason:
    """Why something was refused: how often, and the newest that was.

    `again` of them are kept whole, so that they can be tried again.
    """

    times: int
    again: int
    reason: str
    at: str
    excerpt: str
    received_at: datetime


async def by_reason(db: AsyncSession, feed: str, most: int | None = None) -> list[Reason]:
    """Return why things of `feed` were refused, the most frequent first, at most `most` reasons."""
    again = func.sum(case((col(Reject.raw) != b"", 1), else_=0))
    counted = (
        select(func.count().label("times"), again.label("again"), func.max(Reject.id).label("newest"))
        .where(Reject.feed == feed)
        .group_by(col(Reject.reason))
        .subquery()
    )
    newest = col(Reject.reason), col(Reject.at), col(Reject.excerpt), col(Reject.received_at)
    found = alchemy_select(counted.c.times, counted.c.again, *newest).join(counted, col(Reject.id) == counted.c.newest)
    rows = await (await db.connection()).execute(found.order_by(counted.c.times.desc(), col(Reject.id)).limit(most))
    return [Reason(*row) for row in rows]


async def keep(db: AsyncSession, feed: str, found: Sequence[formats.Reject], at: datetime) -> int:
    """Keep those of `found` that are not kept already, and return how many those are."""
    if not found:
        return 0
    have = select(Reject.reason, Reject.excerpt).where(Reject.feed == feed)
    known = {(reason, excerpt) for reason, excerpt in (await db.exec(have)).all()}
    said = {(_printable(r.reason), _printable(r.excerpt)): r for r in found}
    rows = [
        {"feed": feed, "at": r.at, "reason": reason, "excerpt": excerpt, "raw": r.raw, "received_at": at}
        for (reason, excerpt), r in said.items()
        if (reason, excerpt) not in known
    ]
    if rows:
        connection = await db.connection()
        await connection.execute(insert(Reject), rows[-KEPT:])
        await _trim(db, feed)
    return len(rows)


def _printable(text: str) -> str:
    return text.replace("\0", "\N{REPLACEMENT CHARACTER}")  # PostgreSQL has no way to write NUL


async def _trim(db: AsyncSession, feed: str) -> None:
    newest = select(Reject.id).where(Reject.feed == feed).order_by(col(Reject.id).desc())
    last = (await db.exec(newest.offset(KEPT).limit(1))).first()
    if last is not None:
        connection = await db.connection()
        await connection.execute(delete(Reject).where(col(Reject.feed) == feed, col(Reject.id) <= last))
