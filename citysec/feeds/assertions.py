"""Who says what: one row for each feed and object version, with the terms on which the feed says it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import bindparam, insert, update
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from citysec.tables import Assertion


@dataclass(frozen=True, slots=True)
class Terms:
    """Under which label, and how surely (0 to 100), a feed says something."""

    tlp: int
    confidence: int


async def record(
    db: AsyncSession, feed: str, said: Mapping[int, Terms], *, new_ids: Collection[int], at: datetime
) -> set[int]:
    """Record that `feed` says the object versions `said`, and return those it did not say before, or on other terms.

    `new_ids` are those of versions that nobody has said before.
    """
    known = await _known(db, feed, said.keys() - set(new_ids))
    changed = {object_id: terms for object_id, terms in said.items() if known.get(object_id) != terms}
    rows = [
        {"object_id": i, "feed": feed, "tlp": terms.tlp, "confidence": terms.confidence, "seen_at": at}
        for i, terms in changed.items()
    ]
    new = [row for row in rows if row["object_id"] not in known]
    connection = await db.connection()
    if new:
        await connection.execute(insert(Assertion), new)
    if len(new) < len(rows):
        await connection.execute(_REVISE, [{f"_{k}": v for k, v in row.items()} for row in rows if row not in new])
    return set(changed)


async def seen(db: AsyncSession, feed: str, said: Mapping[int, Terms], at: datetime) -> None:
    """Note that a feed which lists all that counts still lists `said`."""
    confirm = update(Assertion).where(col(Assertion.feed) == feed, col(Assertion.object_id).in_(said))
    connection = await db.connection()
    await connection.execute(confirm.values(seen_at=at))


async def _known(db: AsyncSession, feed: str, said: Collection[int]) -> dict[int, Terms]:
    if not said:
        return {}
    columns = col(Assertion.object_id), col(Assertion.tlp), col(Assertion.confidence)
    connection = await db.connection()
    rows = await connection.execute(
        select(*columns).where(col(Assertion.feed) == feed, col(Assertion.object_id).in_(said))
    )
    return {row.object_id: Terms(row.tlp, row.confidence) for row in rows}


_REVISE = (
    update(Assertion)
    .where(col(Assertion.object_id) == bindparam("_object_id"), col(Assertion.feed) == bindparam("_feed"))
    .values(tlp=bindparam("_tlp"), confidence=bindparam("_confidence"), seen_at=bindparam("_seen_at"))
)
