"""Whole readings: what it means that something is on a list no more, again, or that the list comes no more."""

from __future__ import annotations

from dataclasses import replace
from io import BytesIO
from pathlib import Path

import pytest
from aiohttp import web

from citysec.db import Database
from citysec.feeds import listing, poll, standing
from citysec.feeds.definition import BundleFeed, DocumentFeed, Layout, Semantics
from citysec.feeds.ingest import BATCH, ingest
from citysec.feeds.portion import Portion
from citysec.feeds.publishers import Publishers
from citysec.feeds.reading import Extent, Reading
from citysec.tables import Assertion, Feed
from citysec.tables.columns import now
from tests.feeds.publisher import Handler, Publisher, sends
from tests.feeds.stix import STIX, bundle, indicator
from tests.feeds.stored import counting, days_pass, entry, rows, take, whole, work

POLL = {"feed": "test", "tick": "t1"}
ONE, OTHER, NEW = "192.0.2.1", "192.0.2.2", "192.0.2.3"


@pytest.fixture
def listed(publisher: Publisher) -> DocumentFeed:
    """A feed that lists all that counts, and is believed at the second word."""
    return DocumentFeed(
        kind="document", format=Layout(name="list"), name="test", title="T", publisher="T", licence="none",
        every_s=3600, url=publisher.url, allow_hosts=(publisher.host,), semantics=Semantics.SNAPSHOT,
        enabled=True, lifetime_days=10,
    )  # fmt: skip


@pytest.fixture
def hasty(listed: DocumentFeed) -> DocumentFeed:
    """The same, believed at the first word."""
    return listed.model_copy(update={"confirmations": 1})


async def _poll(database: Database, publishers: Publishers, feed: DocumentFeed) -> None:
    await poll.poll(database, POLL, replace(publishers, definitions={"test": feed}))


async def _unless_known(request: web.Request) -> web.Response:
    """Answer with the list of `ONE`, and to who has it that it has not changed."""
    status = 304 if request.headers.get("If-None-Match") == '"2"' else 200
    return web.Response(text=ONE, status=status, headers={"ETag": '"2"'})


async def test_the_same_list_again_writes_and_causes_nothing(enrolled: Database, listed: DocumentFeed):
    await whole(enrolled, listed, ONE, OTHER)
    before = await rows(enrolled, Assertion), await work(enrolled)
    assert await whole(enrolled, listed, ONE, OTHER) == 0
    assert (await rows(enrolled, Assertion), await work(enrolled)) == before


async def test_what_a_list_lacks_is_gone_when_that_is_confirmed(enrolled: Database, listed: DocumentFeed):
    await whole(enrolled, listed, ONE, OTHER)
    assert [await whole(enrolled, listed, ONE) for _ in range(3)] == [0, 1, 0]
    assert await work(enrolled) == 3


@pytest.mark.parametrize("again", [sends(status=304), sends(ONE.encode(), ETag='"2"')])
async def test_a_list_that_is_the_same_confirms_what_is_missing(
    enrolled: Database, listed: DocumentFeed, bundle_publishers: Publishers, publisher: Publisher, again: Handler
):
    publisher.will(sends(f"{ONE}\n{OTHER}".encode(), ETag='"1"'), sends(ONE.encode(), ETag='"2"'), again)
    for gone in (0, 0, 1, 1):
        await _poll(enrolled, bundle_publishers, listed)
        assert sum(a.gone_at is not None for a in await rows(enrolled, Assertion)) == gone


async def test_a_reading_is_judged_with_its_last_page_or_not_at_all(
    enrolled: Database, hasty: DocumentFeed, bundle_publishers: Publishers, publisher: Publisher
):
    await whole(enrolled, hasty, ONE, "192.0.2.3")
    many = "\n".join(f"198.51.{n >> 8}.{n & 255}" for n in range(BATCH + 1))
    publisher.will(sends(f"{many}\n{ONE}".encode(), ETag='"1"'))
    asked = replace(bundle_publishers, definitions={"test": hasty})
    reading = poll.read(enrolled, hasty, asked)
    assert [(await anext(reading)).gone for _ in range(2)] == [0, 1]
    await reading.aclose()  # killed here: the cursor has moved, and so has the list
    (row,) = await rows(enrolled, Feed)
    assert (row.cursor["etag"], len(await counting(enrolled))) == ('"1"', BATCH + 2)


async def test_of_two_readings_at_once_one_counts(enrolled: Database, listed: DocumentFeed):
    await whole(enrolled, listed, ONE, OTHER)
    early = Reading(now(), Extent.WHOLE)
    assert await whole(enrolled, listed, ONE) == 0
    async with enrolled.writing() as db:
        assert await listing.close(db, listed, early, []) == 0
        assert await listing.unchanged(db, listed, early.began) == 0
    assert await counting(enrolled) == {ONE, OTHER}


async def test_after_two_readings_at_once_all_is_read_again(
    enrolled: Database, hasty: DocumentFeed, bundle_publishers: Publishers, publisher: Publisher
):
    async def late(_request: web.Request) -> web.Response:
        await whole(enrolled, hasty, ONE, OTHER)  # meanwhile another poll, which was given the older list, ends
        return web.Response(text=ONE, headers={"ETag": '"2"'})

    await whole(enrolled, hasty, ONE, OTHER)
    publisher.will(late, _unless_known)
    await _poll(enrolled, bundle_publishers, hasty)
    assert await counting(enrolled) == {ONE, OTHER}
    for _ in range(2):
        await _poll(enrolled, bundle_publishers, hasty)
        assert await counting(enrolled) == {ONE}


async def test_changed_labels_reach_what_a_list_has(
    enrolled: Database, listed: DocumentFeed, bundle_publishers: Publishers, publisher: Publisher
):
    publisher.will(_unless_known)
    for labels in ((), ("botnet",), ("c2",)):
        await _poll(enrolled, bundle_publishers, listed.model_copy(update={"labels": labels}))
        (said,) = await rows(enrolled, Assertion)
        assert said.labels == list(labels)


async def test_what_comes_back_is_listed_again(enrolled: Database, hasty: DocumentFeed):
    await whole(enrolled, hasty, ONE, OTHER)
    assert [await whole(enrolled, hasty, ONE), await whole(enrolled, hasty, ONE, OTHER)] == [1, 0]
    assert (await counting(enrolled), await work(enrolled)) == ({ONE, OTHER}, 4)


async def test_what_comes_back_in_time_was_never_gone(enrolled: Database, listed: DocumentFeed):
    for texts in ((ONE, OTHER), (ONE,), (ONE, OTHER), (ONE,), (ONE, OTHER)):
        assert await whole(enrolled, listed, *texts) == 0
    assert ({a.missed for a in await rows(enrolled, Assertion)}, await work(enrolled)) == ({0}, 2)


@pytest.mark.parametrize("confirmations", [1, 5])
async def test_a_list_that_shrinks_too_much_waits_for_a_person(
    enrolled: Database, listed: DocumentFeed, confirmations: int
):
    feed = listed.model_copy(update={"confirmations": confirmations})
    await whole(enrolled, feed, *(f"192.0.2.{n}" for n in range(100)))
    for _ in range(2):
        assert await whole(enrolled, feed, ONE) == 0
        (row,) = await rows(enrolled, Feed)
        assert "from 100 to 1" in row.held
    async with enrolled.writing() as db:
        await standing.accept(db, "test")
    assert await whole(enrolled, feed, ONE) == 99
    (row,) = await rows(enrolled, Feed)
    assert (row.held, row.accepted) == (None, False)


async def test_a_short_list_that_is_empty_waits_for_a_person(enrolled: Database, hasty: DocumentFeed):
    await whole(enrolled, hasty, ONE, OTHER)
    assert await whole(enrolled, hasty) == 0
    (row,) = await rows(enrolled, Feed)
    assert "from 2 to 0" in row.held
    assert await counting(enrolled) == {ONE, OTHER}


async def test_a_list_that_may_be_empty_is_believed(enrolled: Database, hasty: DocumentFeed):
    feed = hasty.model_copy(update={"max_shrink": 1.0})
    await whole(enrolled, feed, ONE, OTHER)
    assert await whole(enrolled, feed) == 2


async def test_a_list_that_is_held_stays_so_while_it_is_the_same(enrolled: Database, hasty: DocumentFeed):
    await whole(enrolled, hasty, *(f"192.0.2.{n}" for n in range(100)))
    await whole(enrolled, hasty, ONE)
    async with enrolled.writing() as db:
        assert await listing.unchanged(db, hasty, now()) == 0
    assert len(await counting(enrolled)) == 100


async def test_a_list_of_new_versions_has_not_shrunk(enrolled: Database, bundle_feed: BundleFeed):
    feed = bundle_feed.model_copy(update={"semantics": Semantics.SNAPSHOT, "confirmations": 1})
    for day in (1, 2):
        reading = Reading(now(), Extent.WHOLE)
        page = bundle(*(indicator(n, modified=f"2026-02-0{day}T00:00:00.000Z") for n in range(1, 101)))
        async with enrolled.writing() as db:
            missing = await listing.lacking(db, "test", reading)
            for batch in poll.batches(STIX, Portion(BytesIO(page))):
                await ingest(db, feed, batch, reading)
            assert await listing.close(db, feed, reading, missing) == 0
    (row,) = await rows(enrolled, Feed)
    assert row.held is None


@pytest.mark.parametrize("semantics", list(Semantics))
async def test_what_a_dead_feed_has_listed_ends(enrolled: Database, listed: DocumentFeed, semantics: Semantics):
    feed = listed.model_copy(update={"semantics": semantics})
    await whole(enrolled, feed, ONE)
    await days_pass(enrolled, 9)
    assert await counting(enrolled) == {ONE}
    await days_pass(enrolled, 2.1)
    assert await counting(enrolled) == set()


@pytest.mark.parametrize(("semantics", "days"), [(Semantics.SNAPSHOT, 31), (Semantics.STREAM, None)])
async def test_without_a_lifetime_a_list_ends_after_a_month(
    enrolled: Database, listed: DocumentFeed, semantics: Semantics, days: int | None
):
    feed = listed.model_copy(update={"semantics": semantics, "lifetime_days": None})
    await whole(enrolled, feed, ONE)
    await days_pass(enrolled, days or 9999)
    assert await counting(enrolled) == (set() if days else {ONE})


async def test_each_reading_renews_what_it_has_and_only_that(enrolled: Database, listed: DocumentFeed):
    await whole(enrolled, listed, ONE, OTHER)
    await days_pass(enrolled, 6)
    await whole(enrolled, listed, ONE)
    await days_pass(enrolled, 6)
    assert await counting(enrolled) == {ONE}


@pytest.mark.parametrize("semantics", list(Semantics))
async def test_an_unchanged_list_renews_all_it_has_without_writing_them(
    enrolled: Database, listed: DocumentFeed, semantics: Semantics
):
    feed = listed.model_copy(update={"semantics": semantics})
    await whole(enrolled, feed, ONE, OTHER)
    await days_pass(enrolled, 9)
    before = await rows(enrolled, Assertion)
    async with enrolled.writing() as db:
        await listing.unchanged(db, feed, now())
    assert await rows(enrolled, Assertion) == before
    await days_pass(enrolled, 9)
    assert await counting(enrolled) == {ONE, OTHER}


async def test_who_is_heard_again_after_its_word_had_ended_counts_again(enrolled: Database, listed: DocumentFeed):
    await whole(enrolled, listed, ONE, OTHER)
    await days_pass(enrolled, 30)
    before = await work(enrolled)
    await whole(enrolled, listed, ONE, OTHER)
    assert (await counting(enrolled), await work(enrolled) - before) == ({ONE, OTHER}, 2)
    await whole(enrolled, listed, ONE, OTHER)
    assert await work(enrolled) - before == 2


async def test_what_is_imported_for_a_list_says_nothing_of_the_list(enrolled: Database, listed: DocumentFeed):
    await whole(enrolled, listed, ONE)
    await take(enrolled, listed, entry(ONE), entry(OTHER))
    assert [await whole(enrolled, listed, *texts) for texts in ((ONE,), (NEW,), (NEW,))] == [0, 0, 1]
    assert await counting(enrolled) == {OTHER, NEW}


async def test_a_million_lines_again_would_cost_no_million_writes(enrolled: Database, listed: DocumentFeed):
    texts = [f"198.51.{n >> 8}.{n & 255}" for n in range(500)]
    await whole(enrolled, listed, *texts)
    async with enrolled.writing() as db:
        connection = await db.connection()
        driver = (await connection.get_raw_connection()).driver_connection
        assert driver is not None
        before = driver.total_changes
    await whole(enrolled, listed, *texts)
    async with enrolled.writing() as db:
        assert driver.total_changes - before < 10


async def test_what_a_person_hands_in_counts_from_then_on(enrolled: Database, bundle_feed: BundleFeed, tmp_path: Path):
    table = DocumentFeed(
        kind="document", name="test", title="T", publisher="T", licence="none", lifetime_days=10,
        format=Layout.model_validate({"name": "csv", "values": {"ip": "ip"}, "fields": {"seen": "seen"}}),
    )  # fmt: skip
    polled = bundle_feed.model_copy(update={"lifetime_days": 10})
    stix = polled.model_copy(update={"url": None, "every_s": None})
    (tmp_path / "old.json").write_bytes(bundle(indicator(1)))
    (tmp_path / "old.csv").write_text(f"ip,seen\n{ONE},2020-01-01\n")
    for feed, name, found in ((polled, "json", 0), (stix, "json", 1), (table, "csv", 2)):
        async for _ in poll.import_file(enrolled, feed, tmp_path / f"old.{name}", 1 << 20):
            pass
        assert len(await counting(enrolled)) == found


async def test_the_life_of_a_list_is_the_same_on_either_database(either: Database, listed: DocumentFeed):
    many = [f"192.0.2.{n}" for n in range(100)]
    assert [await whole(either, listed, *texts) for texts in (many, many[1:], many[1:], many[:1])] == [0, 0, 1, 0]
    async with either.writing() as db:
        assert (await db.get_one(Feed, "test")).held
        await standing.accept(db, "test")
    assert [await whole(either, listed, *many[:1]), await whole(either, listed, *many[:1])] == [99, 0]
    await days_pass(either, 12)
    assert await counting(either) == set()
    before = await work(either)
    async with either.writing() as db:
        assert await listing.unchanged(db, listed, now()) == 0
    assert (await counting(either), await work(either) - before) == (set(many[:1]), 1)
