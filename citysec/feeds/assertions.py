"""Who says what: one row for each feed and object version, with the terms on which the feed says it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import msgspec
from sqlalchemy import bindparam, func, select, update
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from citysec.db import insert_many
from citysec.tables import Assertion, StixObject

_NAMED: Final = 1000  # ids in one statement


class Terms(msgspec.Struct, frozen=True, gc=False):
    """On which terms a feed says something.

    Args:
        tlp: the label under which.
        confidence: how surely, 0 to 100.
        until: when that has decayed; None is never.
        name: what it calls the threat, where it sends no objects of its own.
        labels: the same for kinds of threat.
        facts: what else it says.
    """

    tlp: int
    confidence: int
    until: datetime | None = None
    name: str | None = None
    labels: tuple[str, ...] = ()
    facts: Mapping[str, Any] = msgspec.field(default_factory=dict[str, Any])


_COLUMNS: Final = (
    col(Assertion.object_id),
    col(Assertion.tlp),
    col(Assertion.confidence),
    col(Assertion.until),
    col(Assertion.name),
    col(Assertion.labels),
    col(Assertion.facts),
    col(Assertion.gone_at),
)
_REVISE: Final = (
    update(Assertion)
    .where(col(Assertion.object_id) == bindparam("_object_id"), col(Assertion.feed) == bindparam("_feed"))
    .values(
        tlp=bindparam("_tlp"),
        confidence=bindparam("_confidence"),
        until=bindparam("_until"),
        name=bindparam("_name"),
        labels=bindparam("_labels"),
        facts=bindparam("_facts"),
        seen_at=bindparam("_seen_at"),
        missed=0,
        gone_at=None,
    )
)


async def record(
    db: AsyncSession,
    feed: str,
    said: Mapping[int, Terms],
    *,
    new_ids: Collection[int],
    ended: Collection[int] = (),
    at: datetime,
) -> set[int]:
    """Record that `feed` says the object versions `said`, and return those it did not say before, or on other terms.

    That it says more than before, at the same terms, is recorded and changes nothing for anybody. What has been renewed
    does not end sooner by being repeated. `new_ids` are those of versions that nobody has said before, `ended` those
    whose end the feed states itself, which is obeyed.
    """
    known = await _known(db, feed, said.keys() - set(new_ids))
    said = {i: _lasting(terms, known[i][0]) if i in known and i not in ended else terms for i, terms in said.items()}
    new = [
        {**_row(object_id, feed, terms, at), "missed": 0} for object_id, terms in said.items() if object_id not in known
    ]
    revised = {i: terms for i, terms in said.items() if i in known and known[i] != (terms, True)}
    await insert_many(db, Assertion, new)
    if revised:
        rows = [_row(object_id, feed, terms, at) for object_id, terms in revised.items()]
        connection = await db.connection()
        await connection.execute(_REVISE, [{f"_{name}": value for name, value in row.items()} for row in rows])
    changed = (i for i, terms in revised.items() if not known[i][1] or _differ(known[i][0], terms))
    return {row["object_id"] for row in new}.union(changed)


def _lasting(terms: Terms, before: Terms) -> Terms:
    """Return `terms`, with the later end where both have one."""
    if terms.until is None or before.until is None or before.until <= terms.until:
        return terms
    return msgspec.structs.replace(terms, until=before.until)


def _row(object_id: int, feed: str, terms: Terms, at: datetime) -> dict[str, Any]:
    return {
        "object_id": object_id,
        "feed": feed,
        "tlp": terms.tlp,
        "confidence": terms.confidence,
        "until": terms.until,
        "name": terms.name,
        "labels": list(terms.labels),
        "facts": terms.facts,
        "seen_at": at,
    }


def _differ(one: Terms, other: Terms) -> bool:
    """Return whether the two differ in more than their facts."""
    return (one.tlp, one.confidence, one.until, one.name, one.labels) != (
        other.tlp,
        other.confidence,
        other.until,
        other.name,
        other.labels,
    )


async def _known(db: AsyncSession, feed: str, said: Collection[int]) -> dict[int, tuple[Terms, bool]]:
    """Return what `feed` is recorded to say, and whether it still lists it."""
    if not said:
        return {}
    query = select(*_COLUMNS).where(col(Assertion.feed) == feed, col(Assertion.object_id).in_(said))
    rows = await (await db.connection()).execute(query)
    return {
        object_id: (Terms(tlp, confidence, until, name, tuple(labels), facts), gone_at is None)
        for object_id, tlp, confidence, until, name, labels, facts, gone_at in rows
    }


async def seen(db: AsyncSession, feed: str, object_ids: Iterable[int], at: datetime) -> None:
    """Note that a feed which lists all that counts still lists these."""
    confirm = update(Assertion).where(col(Assertion.feed) == feed, col(Assertion.object_id).in_(list(object_ids)))
    await (await db.connection()).execute(confirm.values(seen_at=at, missed=0))


async def extend(db: AsyncSession, feed: str, ends: Mapping[int, datetime]) -> None:
    """Let `feed`'s word on objects, named by id, count until those ends."""
    if ends:
        here = (col(Assertion.object_id) == bindparam("_object_id"), col(Assertion.feed) == feed)
        rows = [{"_object_id": object_id, "_until": end} for object_id, end in ends.items()]
        await (await db.connection()).execute(update(Assertion).where(*here).values(until=bindparam("_until")), rows)


async def listed(db: AsyncSession, feed: str, since: datetime) -> tuple[int, int]:
    """Return how many objects `feed` was believed to list, and how many of them it has listed since `since`.

    Versions that another has replaced do not count: nobody expects them on the list.
    """
    here = select(func.count()).select_from(Assertion).join(StixObject, col(StixObject.id) == col(Assertion.object_id))
    here = here.where(col(Assertion.feed) == feed, col(Assertion.gone_at).is_(None), col(StixObject.latest))
    connection = await db.connection()
    believed = (await connection.execute(here)).scalar_one()
    return believed, (await connection.execute(here.where(col(Assertion.seen_at) >= since))).scalar_one()


async def counted(db: AsyncSession, feed: str) -> tuple[int, int]:
    """Return how much `feed` says now, and how much it has said that is gone."""
    count = select(func.count(), func.count(col(Assertion.gone_at))).where(col(Assertion.feed) == feed)
    both, gone = (await (await db.connection()).execute(count)).one()
    return both - gone, gone


async def delist(db: AsyncSession, feed: str, since: datetime, confirmations: int, at: datetime) -> Sequence[int]:
    """Count what `feed` has not listed since `since` as missed once more, and return what is gone by that.

    Args:
        db: the session of the caller.
        feed: one that lists all that counts, and has just been read whole.
        since: when that reading began.
        confirmations: lists in a row that something must be missing on to be gone.
        at: the present instant.
    """
    missing = (col(Assertion.feed) == feed, col(Assertion.gone_at).is_(None), col(Assertion.seen_at) < since)
    connection = await db.connection()
    await connection.execute(update(Assertion).where(*missing).values(missed=Assertion.missed + 1))
    gone = (*missing, col(Assertion.missed) >= confirmations)
    ids = (await connection.execute(select(col(Assertion.object_id)).where(*gone))).scalars().all()
    if ids:
        await connection.execute(update(Assertion).where(*gone).values(gone_at=at))
    return ids
