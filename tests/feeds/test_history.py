"""The last polls of a feed: what each came to, and how far the one under way has come."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from sqlmodel import select

from citysec.db import Database
from citysec.feeds import history, poll
from citysec.feeds.ingest import Outcome
from citysec.feeds.publishers import Publishers
from citysec.tables import Change, PollRun
from citysec.tables.columns import now
from tests.feeds.collection import Collection
from tests.feeds.publisher import Publisher, sends
from tests.feeds.stix import bundle, indicator

POLL = {"feed": "test", "tick": "t1"}


async def _runs(database: Database) -> Sequence[PollRun]:
    async with database.reading() as db:
        return await history.newest(db, "test", 1000)


async def test_each_poll_is_noted_with_what_it_came_to(
    enrolled: Database, bundle_publishers: Publishers, publisher: Publisher
):
    publisher.will(bundle(indicator(1)), bundle(indicator(1), indicator(2), {"type": "bad"}), sends(status=500))
    for _ in range(3):
        await poll.poll(enrolled, POLL, bundle_publishers)
    failed, second, first = await _runs(enrolled)
    assert (first.stored, first.known, first.refused, first.error) == (1, 0, 0, None)
    assert (second.stored, second.known, second.refused) == (1, 1, 1)
    assert (failed.stored, "answered 500" in (failed.error or "")) == (0, True)
    assert all(run.ended_at and run.ended_at >= run.started_at for run in (failed, second, first))


async def test_a_poll_under_way_says_how_far_it_has_come(
    enrolled: Database, taxii_publishers: Publishers, publisher: Publisher, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(poll, "SAY_EVERY", 1)
    collection = Collection([indicator(n) for n in range(1, 6)])
    publisher.will(collection.serve)
    seen: list[tuple[int, bool]] = []
    async for _ in poll.attempt(enrolled, taxii_publishers.definitions["test"], taxii_publishers):
        (run,) = await _runs(enrolled)
        seen.append((run.stored, run.ended_at is None))
    assert seen == [(2, True), (4, True), (5, True)]
    async with enrolled.reading() as db:
        assert len((await db.exec(select(Change).where(Change.subject == "feed"))).all()) == 5


async def test_a_poll_that_was_broken_off_is_said_to_be_when_the_next_begins(
    enrolled: Database, bundle_publishers: Publishers, publisher: Publisher
):
    publisher.will(bundle(indicator(1)), bundle(indicator(2)))
    attempt = poll.attempt(enrolled, bundle_publishers.definitions["test"], bundle_publishers)
    await anext(attempt)
    await attempt.aclose()
    assert [run.ended_at for run in await _runs(enrolled)] == [None]
    await poll.poll(enrolled, POLL, bundle_publishers)
    assert [run.error for run in await _runs(enrolled)] == [None, history.BROKEN_OFF]


async def test_only_the_newest_are_kept(enrolled: Database, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(history, "KEPT", 3)
    for stored in range(5):
        async with enrolled.writing() as db:
            run = await history.begin(db, "test", now())
            await history.end(db, run, Outcome(stored=stored), now())
    assert [run.stored for run in await _runs(enrolled)] == [4, 3, 2]
