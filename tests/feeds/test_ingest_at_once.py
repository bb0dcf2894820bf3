"""Ingest from several sides at once, on SQLite and on PostgreSQL."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import func, select

from citysec.db import Database
from citysec.feeds import poll, standing
from citysec.feeds.definition import BundleFeed
from citysec.feeds.formats import Reject
from citysec.feeds.ingest import Batch, Outcome, ingest
from citysec.feeds.portion import Portion
from citysec.settings import Settings
from citysec.tables import Assertion, Feed, IndicatorKey, StixObject
from citysec.tables.columns import now
from tests.feeds.stix import STIX, bundle, indicator


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
async def database(
    request: pytest.FixtureRequest, tmp_path: Path, sqlite_url: str, bundle_feed: BundleFeed
) -> AsyncGenerator[Database, None]:
    url = request.getfixturevalue("postgres_url") if request.param == "postgresql" else None
    found = Settings(data_dir=tmp_path, database_url=url)
    async with Database.opened(found.app_database) as database:
        async with database.writing() as db:
            await standing.enrol(db, {name: _named(bundle_feed, name) for name in ("a", "b", "c")}, now())
        yield database


def _named(feed: BundleFeed, name: str) -> BundleFeed:
    return feed.model_copy(update={"name": name})


async def _take(database: Database, feed: BundleFeed, *objects: dict[str, Any]) -> Outcome:
    total = Outcome()
    for batch in poll.batches(STIX, Portion(BytesIO(bundle(*objects)))):
        async with database.writing() as db:
            total += await ingest(db, feed, batch)
    return total


async def _count(database: Database, row: type[Any]) -> int:
    async with database.reading() as db:
        return (await db.exec(select(func.count()).select_from(row))).one()


async def test_feeds_that_say_the_same_at_once_store_it_once(database: Database, bundle_feed: BundleFeed):
    page = [indicator(n) for n in range(1, 201)]
    async with asyncio.TaskGroup() as group:
        for name in "abc":
            group.create_task(_take(database, _named(bundle_feed, name), *page))
    assert await _count(database, StixObject) == 200
    assert await _count(database, IndicatorKey) == 200
    assert await _count(database, Assertion) == 600


async def test_a_feed_that_several_see_first_at_once_is_enrolled_once(database: Database, bundle_feed: BundleFeed):
    async def enrol() -> None:
        async with database.writing() as db:
            await standing.enrol(db, {"new": _named(bundle_feed, "new")}, now())

    async with asyncio.TaskGroup() as group:
        for _ in range(8):
            group.create_task(enrol())
    assert await _count(database, Feed) == 4


async def test_versions_that_come_at_once_have_one_newest(database: Database, bundle_feed: BundleFeed):
    async with asyncio.TaskGroup() as group:
        for day, name in enumerate("abc", 1):
            version = indicator(1, modified=f"2026-02-0{day}T00:00:00.000Z", name=name)
            group.create_task(_take(database, _named(bundle_feed, name), version))
    async with database.reading() as db:
        (latest,) = (await db.exec(select(StixObject).where(StixObject.latest))).all()
        assert latest.name == "c"
        assert (await db.exec(select(IndicatorKey.object_id))).all() == [latest.id]


async def test_all_that_a_page_may_hold_is_stored(database: Database, bundle_feed: BundleFeed):
    feed = _named(bundle_feed, "a")
    page: list[dict[str, Any]] = [
        indicator(1, name="ünïcode \U0001f600", labels=["x"], revoked=False),
        indicator(2, pattern="[", confidence=7),
        indicator(3, name="NUL \0"),
        {"type": "bad"},
    ]
    assert await _take(database, feed, *page) == Outcome(stored=2, refused=2)
    async with database.writing() as db:
        await ingest(db, feed, Batch(rejects=[Reject("/0", "why \0", "\0")]))
    assert await _take(database, feed, *page) == Outcome(known=2, refused=2)
