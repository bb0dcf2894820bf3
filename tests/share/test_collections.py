"""How collections are filled."""

from __future__ import annotations

import time_machine
from sqlmodel import col, select, update

from citysec.db import Database
from citysec.tables import Assertion, Member, Outbox
from citysec.tlp import TLP
from tests.share import stored


async def _members(db: Database) -> list[tuple[int, int, int]]:
    async with db.reading() as session:
        rows = (await session.exec(select(Member).order_by(col(Member.date_added)))).all()
    return [(row.object_id, row.tlp, row.date_added) for row in rows]


async def _say(db: Database, object_id: int, label: TLP, feed: str = "f") -> None:
    """Let a feed assert a stored object under another label."""
    async with db.writing() as session:
        changed = update(Assertion).where(col(Assertion.object_id) == object_id, col(Assertion.feed) == feed)
        if not (await session.exec(changed.values(tlp=label))).rowcount:
            session.add(Assertion(object_id=object_id, feed=feed, tlp=label, confidence=90, seen_at=stored.NOON))
    await stored.admit(db, object_id)


async def test_an_object_is_admitted_once_however_often_the_work_is_done(db: Database):
    await stored.feed(db)
    await stored.collection(db)
    object_id = await stored.put(db, 1)
    before = await _members(db)
    await stored.admit(db, object_id)
    assert await _members(db) == before
    assert len(before) == 1


async def test_the_lowest_label_under_which_a_feed_asserts_it_counts(db: Database):
    await stored.feed(db)
    await stored.feed(db, "open")
    await stored.collection(db, ceiling=TLP.GREEN)
    object_id = await stored.put(db, 1, label=TLP.RED)
    assert await _members(db) == []
    await _say(db, object_id, TLP.CLEAR, "open")
    assert [(m[0], m[1]) for m in await _members(db)] == [(object_id, TLP.CLEAR)]


async def test_a_label_that_falls_brings_the_object_anew(db: Database):
    await stored.feed(db)
    await stored.collection(db)
    object_id = await stored.put(db, 1, label=TLP.AMBER)
    ((_, _, before),) = await _members(db)
    await _say(db, object_id, TLP.GREEN)
    ((_, label, after),) = await _members(db)
    assert label == TLP.GREEN
    assert after > before


async def test_a_label_that_rises_takes_effect_where_it_is(db: Database):
    await stored.feed(db)
    await stored.collection(db, ceiling=TLP.AMBER)
    object_id = await stored.put(db, 1, label=TLP.GREEN)
    ((_, _, before),) = await _members(db)
    await _say(db, object_id, TLP.AMBER)
    assert await _members(db) == [(object_id, TLP.AMBER, before)]
    await _say(db, object_id, TLP.RED)
    assert await _members(db) == []


async def test_what_a_feed_lists_no_more_is_shared_as_the_others_say_it_and_then_not_at_all(db: Database):
    await stored.feed(db)
    await stored.feed(db, "open")
    await stored.collection(db, ceiling=TLP.GREEN)
    object_id = await stored.put(db, 1, label=TLP.GREEN)
    await _say(db, object_id, TLP.CLEAR, "open")
    shown: list[list[int]] = []
    for feed in ("open", "f"):
        async with db.writing() as session:
            await session.exec(update(Assertion).where(col(Assertion.feed) == feed).values(gone_at=stored.NOON))
        await stored.admit(db, object_id)
        shown.append([label for _, label, _ in await _members(db)])
    assert shown == [[TLP.GREEN], []]


async def test_dates_grow_also_when_the_clock_is_set_back(db: Database):
    await stored.feed(db)
    await stored.collection(db)
    await stored.collection(db, "second")
    await stored.put(db, 1)
    with time_machine.travel(stored.NOON.replace(year=2020), tick=False):
        await stored.put(db, 2)
        await stored.put(db, 3)
    dates = [date for _, _, date in await _members(db)]
    assert len(dates) == len(set(dates)) == 6
    assert [object_id for object_id, _, _ in await _members(db)] == [1, 1, 2, 2, 3, 3]


async def test_a_new_collection_is_filled_with_what_is_here_already(db: Database):
    await stored.feed(db)
    first, second = await stored.put(db, 1), await stored.put(db, 2)
    await stored.collection(db)
    async with db.reading() as session:
        work = (await session.exec(select(Outbox).where(Outbox.kind == "share"))).all()
    assert [each.payload for each in work] == [{"objects": [first, second]}]
