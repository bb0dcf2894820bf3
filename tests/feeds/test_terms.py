"""What a feed says again is no news, whatever it says and however it is cut."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from citysec.db import Database
from citysec.feeds import listing, standing
from citysec.feeds.definition import BundleFeed, Semantics
from citysec.feeds.formats import Entry
from citysec.feeds.ingest import Batch, ingest
from citysec.feeds.reading import Extent, Reading
from citysec.tables import Assertion, Outbox
from citysec.tables.columns import now
from tests.feeds.stored import entry, rows, take

ENTRIES = st.builds(
    entry,
    st.sampled_from(["192.0.2.1", "192.0.2.2", "evil.example"]),
    name=st.sampled_from([None, "Glasswing", "Moth"]),
    labels=st.sampled_from([(), ("c2",), ("phishing",)]),
    confidence=st.sampled_from([None, 10, 90]),
    seen=st.sampled_from([None, *(datetime(2026, 11, day, tzinfo=UTC) for day in (3, 9, 20))]),
    facts=st.sampled_from([{}, {"port": 1}]),
)


@pytest.fixture
def feed(bundle_feed: BundleFeed) -> BundleFeed:
    return bundle_feed.model_copy(update={"lifetime_days": 30})


async def _read(database: Database, feed: BundleFeed, entries: list[Entry], size: int, extent: Extent) -> None:
    reading = Reading(now(), extent)
    for start in range(0, len(entries), size):
        async with database.writing() as db:
            await ingest(db, feed, Batch(entries=entries[start : start + size]), reading)
    if extent is Extent.WHOLE:
        async with database.reading() as db:
            missing = await listing.lacking(db, feed.name, reading)
        async with database.writing() as db:
            await listing.close(db, feed, reading, missing)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(ENTRIES, max_size=8), st.integers(1, 4), st.sampled_from(Extent), st.sampled_from(Semantics))
def test_the_same_file_again_is_no_work(
    empty_database: Path, feed: BundleFeed, entries: list[Entry], size: int, extent: Extent, semantics: Semantics
):
    feed = feed.model_copy(update={"semantics": semantics})

    async def twice(folder: str) -> None:
        copy = shutil.copy(empty_database, folder)
        async with Database.opened(f"sqlite+aiosqlite:///{copy}") as database:
            async with database.writing() as db:
                await standing.enrol(db, {feed.name: feed}, now())
            await _read(database, feed, entries, size, extent)
            before = [await _said(database), await rows(database, Outbox)]
            await _read(database, feed, entries, size, extent)
            assert [await _said(database), await rows(database, Outbox)] == before

    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(twice(folder))


async def _said(database: Database) -> list[tuple[object, ...]]:
    return [(a.object_id, a.tlp, a.confidence, a.name, a.labels, a.facts) for a in await rows(database, Assertion)]


async def test_of_two_names_in_one_file_the_first_counts_until_the_file_says_otherwise(
    enrolled: Database, feed: BundleFeed
):
    for names, counts in ((("one", "two"), "one"), (("one", "two"), "one"), (("two", "one"), "two")):
        await _read(enrolled, feed, [entry("192.0.2.1", name=name) for name in names], 1, Extent.WHOLE)
        (said,) = await rows(enrolled, Assertion)
        assert said.name == counts


async def test_what_the_feed_saw_last_counts_wherever_it_stands(enrolled: Database, feed: BundleFeed):
    days = [entry("192.0.2.1", name=f"{day}", seen=datetime(2026, 11, day, tzinfo=UTC)) for day in (3, 9, 7)]
    await _read(enrolled, feed, days, 1, Extent.WHOLE)
    await take(enrolled, feed, days[0])
    (said,) = await rows(enrolled, Assertion)
    assert said.name == "9"
