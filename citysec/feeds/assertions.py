"""Who says what: one row for each feed and object version, with the terms on which the feed says it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

from msgspec.structs import astuple
from sqlalchemy import BindParameter, bindparam, func, select, update
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from citysec.bulk import insert_records
from citysec.feeds.reading import Reading
from citysec.feeds.terms import Terms, concerns, following
from citysec.tables import Assertion, Feed


def _given(name: str) -> BindParameter[Any]:
    found: BindParameter[Any] = bindparam(f"_{name}")
    return found


_TERMS: Final = Terms.__struct_fields__
_WRITTEN: Final = ("object_id", "feed", *_TERMS)
_COLUMNS: Final = tuple(getattr(Assertion, name) for name in ("object_id", *_TERMS, "gone_at"))
_REVISE: Final = (
    update(Assertion)
    .where(col(Assertion.object_id) == _given("object_id"), col(Assertion.feed) == _given("feed"))
    .values({name: _given(name) for name in _TERMS} | {"gone_at": None})
)


async def record(
    db: AsyncSession, feed: Feed, said: Mapping[int, Terms], *, new_ids: Collection[int], reading: Reading
) -> set[int]:
    """Record that `feed` says the object versions `said` in `reading`; return those whose matches that may change.

    That it says the same again is recorded nowhere, so a list that is read again costs no writing.

    Args:
        db: the session of the caller.
        feed: its row.
        said: object id -> on which terms.
        new_ids: of versions that nobody has said before.
        reading: where they are from.
    """
    known = await _known(db, feed.name, said.keys() - set(new_ids))
    will = {i: following(have, said[i], reading, again=i in reading) for i, (have, _) in known.items()}
    new = {i: terms for i, terms in said.items() if i not in known}
    revised = {i: terms for i, terms in will.items() if known[i] != (terms, True)}
    await insert_records(db, Assertion, _WRITTEN, [(i, feed.name, *astuple(terms)) for i, terms in new.items()])
    await revise(db, feed.name, revised)
    at = reading.began
    changed = (
        i for i, terms in revised.items() if not known[i][1] or concerns(known[i][0], terms, at, feed.confirmed_at)
    )
    return new.keys() | changed


async def revise(db: AsyncSession, feed: str, terms: Mapping[int, Terms]) -> None:
    """Write down on which other terms `feed` says objects that it has said before."""
    if terms:
        names = [f"_{name}" for name in _WRITTEN]
        rows = [dict(zip(names, (i, feed, *astuple(each)), strict=True)) for i, each in terms.items()]
        await (await db.connection()).execute(_REVISE, rows)


async def _known(db: AsyncSession, feed: str, said: Collection[int]) -> dict[int, tuple[Terms, bool]]:
    """Return what `feed` is recorded to say, and whether it still lists it."""
    if not said:
        return {}
    query = select(*_COLUMNS).where(col(Assertion.feed) == feed, col(Assertion.object_id).in_(said))
    rows = await (await db.connection()).execute(query)
    return {row[0]: (_terms(row[1:-1]), row[-1] is None) for row in rows}


def _terms(columns: Sequence[Any]) -> Terms:
    *said, labels = columns
    return Terms(*said, labels=tuple(labels))


async def listed(db: AsyncSession, feed: str, object_ids: Collection[int]) -> dict[int, Terms]:
    """Return on which terms `feed` says those of these objects that it lists."""
    return {i: terms for i, (terms, is_listed) in (await _known(db, feed, object_ids)).items() if is_listed}


async def counted(db: AsyncSession, feed: str) -> tuple[int, int]:
    """Return how much `feed` says now, and how much it has said that is gone."""
    count = select(func.count(), func.count(col(Assertion.gone_at))).where(col(Assertion.feed) == feed)
    both, gone = (await (await db.connection()).execute(count)).one()
    return both - gone, gone
