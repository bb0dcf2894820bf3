"""The effect `poll`: what a poll leaves behind, good or bad."""

from __future__ import annotations

import asyncio
import gzip
import json
import re
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import pytest
from aiohttp import web
from sqlmodel import func, select

from citysec.db import Database
from citysec.errors import FeedMalformed, FeedUnreachable
from citysec.feeds import catalogue, poll, publishers
from citysec.feeds.body import opened
from citysec.feeds.definition import BundleFeed, Layout, Semantics
from citysec.feeds.formats import FORMATS, Entry, Reject
from citysec.feeds.formats.format import Format
from citysec.feeds.ingest import BATCH, Outcome
from citysec.feeds.portion import Portion
from citysec.feeds.publishers import Publishers
from citysec.settings import Settings
from citysec.settings import shipped as shipped_folder
from citysec.tables import Feed, StixObject
from tests.feeds.collection import Collection, date_added
from tests.feeds.publisher import Handler, Publisher, sends
from tests.feeds.stix import STIX, bundle, indicator, marking

POLL = {"feed": "test", "tick": "t1"}


async def _row(database: Database) -> Feed:
    async with database.reading() as db:
        return await db.get_one(Feed, "test")


async def _count(database: Database) -> int:
    async with database.reading() as db:
        return (await db.exec(select(func.count()).select_from(StixObject))).one()


async def _hang(_request: web.Request) -> web.Response:
    await asyncio.sleep(30)
    return web.Response()


async def test_a_good_poll_stores_and_sets_the_next(
    enrolled: Database, bundle_publishers: Publishers, publisher: Publisher
):
    publisher.will(bundle(indicator(1), indicator(2)))
    await poll.poll(enrolled, POLL, bundle_publishers)
    row = await _row(enrolled)
    assert (row.objects, row.failures, row.error) == (2, 0, None)
    assert row.succeeded_at is not None
    assert row.next_at is not None
    assert 3590 < (row.next_at - row.succeeded_at).total_seconds() <= 3600


async def test_what_has_not_changed_is_not_sent_again(
    enrolled: Database, bundle_publishers: Publishers, publisher: Publisher
):
    publisher.will(sends(bundle(indicator(1)), ETag='"1"'), sends(status=304))
    await poll.poll(enrolled, POLL, bundle_publishers)
    await poll.poll(enrolled, POLL, bundle_publishers)
    assert publisher.asked[1].headers["If-None-Match"] == '"1"'
    row = await _row(enrolled)
    assert (row.objects, row.error, row.cursor["etag"]) == (1, None, '"1"')


async def test_a_feed_with_another_address_or_format_is_read_anew(
    enrolled: Database, bundle_publishers: Publishers, publisher: Publisher
):
    publisher.will(sends(bundle(indicator(1)), ETag='"1"'))
    await poll.poll(enrolled, POLL, bundle_publishers)
    moved = bundle_publishers.definitions["test"].model_copy(update={"url": f"{publisher.url}/elsewhere"})
    await poll.poll(enrolled, POLL, replace(bundle_publishers, definitions={"test": moved}))
    assert "If-None-Match" not in publisher.asked[1].headers


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (sends(status=500), "answered 500"),
        (sends(status=403), "answered 403"),
        (_hang, "[Tt]imeout"),
        (sends(b"<html>"), "no JSON"),
        (sends(bundle(indicator(1))[:-20]), "truncated"),
        (sends(b""), "empty"),
        (sends(b" " * (3 << 20)), "more than"),
        (sends(gzip.compress(b" " * (3 << 20)), Content_Encoding="gzip"), "more than"),
        (sends(status=302, Location="http://10.0.0.1/"), "not a public address"),
    ],
)
async def test_a_bad_poll_is_a_fact_on_the_row(
    enrolled: Database, bundle_publishers: Publishers, publisher: Publisher, answer: Handler, reason: str
):
    publisher.will(answer)
    await poll.poll(enrolled, POLL, bundle_publishers)
    row = await _row(enrolled)
    assert (row.failures, row.objects, row.succeeded_at) == (1, 0, None)
    assert re.search(reason, row.error or "")
    assert row.next_at is not None


async def test_a_good_poll_forgets_the_failures(
    enrolled: Database, bundle_publishers: Publishers, publisher: Publisher
):
    publisher.will(sends(status=500), sends(status=500), sends(bundle(indicator(1))))
    for failures in (1, 2, 0):
        await poll.poll(enrolled, POLL, bundle_publishers)
        assert (await _row(enrolled)).failures == failures
    assert (await _row(enrolled)).error is None


async def test_pages_before_a_failure_are_kept_and_the_walk_goes_on_behind_them(
    enrolled: Database, taxii_publishers: Publishers, publisher: Publisher
):
    collection = Collection([indicator(n) for n in range(1, 6)])
    publisher.will(collection.serve, sends(status=502), collection.serve)
    await poll.poll(enrolled, POLL, taxii_publishers)
    assert (await _count(enrolled), (await _row(enrolled)).failures) == (2, 1)
    await poll.poll(enrolled, POLL, taxii_publishers)
    assert await _count(enrolled) == 5
    assert [query.get("next") for query in collection.queries] == [None, "item+2", "item+4"]
    assert (await _row(enrolled)).cursor["mark"] == date_added(4)


async def test_a_crash_between_two_pages_loses_nothing(
    enrolled: Database, taxii_publishers: Publishers, publisher: Publisher
):
    publisher.will(Collection([indicator(n) for n in range(1, 6)]).serve)
    reading = poll.read(enrolled, taxii_publishers.definitions["test"], taxii_publishers)
    assert await anext(reading) == Outcome(stored=2)
    await reading.aclose()
    await poll.poll(enrolled, POLL, taxii_publishers)
    assert (await _count(enrolled), len(publisher.asked)) == (5, 3)


async def test_a_crash_inside_a_large_page_loses_nothing(
    enrolled: Database, bundle_publishers: Publishers, publisher: Publisher
):
    publisher.will(sends(bundle(*(indicator(n) for n in range(1, BATCH + 301))), ETag='"1"'))
    reading = poll.read(enrolled, bundle_publishers.definitions["test"], bundle_publishers)
    assert await anext(reading) == Outcome(stored=BATCH)
    await reading.aclose()
    assert (await _row(enrolled)).cursor == {}
    await poll.poll(enrolled, POLL, bundle_publishers)
    assert (await _count(enrolled), (await _row(enrolled)).cursor["etag"]) == (BATCH + 300, '"1"')


async def test_the_cursor_moves_with_the_last_of_whole_batches(
    enrolled: Database, bundle_publishers: Publishers, publisher: Publisher
):
    publisher.will(sends(bundle(*(indicator(n) for n in range(1, 2 * BATCH + 1))), ETag='"1"'))
    reading = poll.read(enrolled, bundle_publishers.definitions["test"], bundle_publishers)
    assert [await anext(reading), (await _row(enrolled)).cursor] == [Outcome(stored=BATCH), {}]
    assert [one async for one in reading] == [Outcome(stored=BATCH)]
    assert (await _row(enrolled)).cursor["etag"] == '"1"'


async def test_after_a_repeated_page_it_goes_on_by_date(
    enrolled: Database, taxii_publishers: Publishers, publisher: Publisher
):
    publisher.will(Collection([indicator(n) for n in range(1, 4)], ignores_next=True).serve)
    await poll.poll(enrolled, POLL, taxii_publishers)
    assert (await _count(enrolled), (await _row(enrolled)).error) == (3, None)


async def test_a_feed_that_lost_its_definition_says_so(enrolled: Database, bundle_publishers: Publishers):
    publishers = Publishers({}, bundle_publishers.client, bundle_publishers.settings, {})
    await poll.poll(enrolled, POLL, publishers)
    await poll.poll(enrolled, {"feed": "never", "tick": "t"}, publishers)
    row = await _row(enrolled)
    assert (row.error, row.next_at) == ("its definition is gone", None)


async def test_a_feed_without_address_says_so(
    enrolled: Database, bundle_publishers: Publishers, bundle_feed: BundleFeed
):
    by_hand = bundle_feed.model_copy(update={"url": None, "every_s": None})
    publishers = Publishers({"test": by_hand}, bundle_publishers.client, bundle_publishers.settings, {})
    await poll.poll(enrolled, POLL, publishers)
    assert "by hand" in ((await _row(enrolled)).error or "")


async def test_a_local_file_is_a_feed(
    enrolled: Database, bundle_publishers: Publishers, bundle_feed: BundleFeed, tmp_path: Path
):
    file = tmp_path / "feed.json.gz"
    file.write_bytes(gzip.compress(bundle(indicator(1))))
    local = bundle_feed.model_copy(update={"url": None, "path": file})
    publishers = Publishers({"test": local}, bundle_publishers.client, bundle_publishers.settings, {})
    await poll.poll(enrolled, POLL, publishers)
    assert await _count(enrolled) == 1


async def test_a_file_is_imported_as_the_feed_without_moving_its_cursor(
    enrolled: Database, bundle_feed: BundleFeed, tmp_path: Path
):
    file = tmp_path / "x.json"
    file.write_bytes(bundle(indicator(1)))
    found = [outcome async for outcome in poll.import_file(enrolled, bundle_feed, file, 1 << 20)]
    assert (found, (await _row(enrolled)).cursor) == ([Outcome(stored=1)], {})


async def test_a_file_that_is_not_there_or_no_stix_is_refused(
    enrolled: Database, bundle_feed: BundleFeed, tmp_path: Path
):
    with pytest.raises(FeedUnreachable, match="No such file"):
        await anext(poll.import_file(enrolled, bundle_feed, tmp_path / "none", 2 << 20))
    (tmp_path / "x").write_bytes(b"{")
    with pytest.raises(FeedMalformed):
        await anext(poll.import_file(enrolled, bundle_feed, tmp_path / "x", 2 << 20))


@pytest.mark.parametrize("objects", [3, BATCH, BATCH + 3])
async def test_what_comes_before_a_file_is_cut_off_is_kept(
    enrolled: Database, bundle_feed: BundleFeed, tmp_path: Path, objects: int
):
    whole = bundle(marking(1, "green"), *(indicator(n) for n in range(objects)))
    (tmp_path / "x").write_bytes(whole[: -len(json.dumps(indicator(1)))])
    with pytest.raises(FeedMalformed, match="cut off"):
        [outcome async for outcome in poll.import_file(enrolled, bundle_feed, tmp_path / "x", 2 << 20)]
    assert (await _count(enrolled), (await _row(enrolled)).objects) == (objects, objects)


async def test_publishers_open_with_the_shipped_and_the_operators_definitions(settings: Settings):
    (settings.data_dir / "feeds").mkdir()
    shipped = catalogue.load([shipped_folder("feeds")])
    async with publishers.opened(settings, {}) as asked:
        assert asked.definitions.keys() == shipped.keys()


@pytest.mark.parametrize("name", ["unit42", "mvt", "amnesty", "elevator-2.1"])
async def test_real_bundles_are_stored_to_the_last_version(
    enrolled: Database, bundle_feed: BundleFeed, shared_data: Path, name: str
):
    versions: set[tuple[str, str | None]] = set()
    for file in sorted((shared_data / "stix" / name).iterdir())[:5]:
        with opened(file, 1 << 30) as body:
            objects = json.load(body)["objects"]
        versions |= {(item["id"], item.get("modified", item.get("created"))) for item in objects}
        async for _ in poll.import_file(enrolled, bundle_feed, file, 1 << 30):
            pass
    assert await _count(enrolled) == len(versions)


async def test_an_empty_list_is_held_and_delists_nothing(
    enrolled: Database, bundle_publishers: Publishers, publisher: Publisher
):
    feed = bundle_publishers.definitions["test"].model_copy(update={"semantics": Semantics.SNAPSHOT})
    asked = replace(bundle_publishers, definitions={"test": feed})
    for page in (bundle(*(indicator(n) for n in range(1, 21))), bundle()):
        publisher.will(page)
        await poll.poll(enrolled, POLL, asked)
    assert "from 20 to 0" in ((await _row(enrolled)).held or "")


def test_a_batch_of_records_that_say_much_or_are_refused_has_fewer(monkeypatch: pytest.MonkeyPatch):
    said = [Entry(at=f"/{n}", key=f"CVE-2026-{n}", facts={"affected": ["x" * 98_000]}) for n in range(30)]
    refused = [Reject(f"/{n}", "no record", "", b"x" * (64 << 10)) for n in range(30, 200)]
    monkeypatch.setitem(FORMATS, "test", Format("for this test", lambda _file, _options: iter([*said, *refused])))
    pages = poll.batches(Layout(name="test"), Portion(BytesIO(b"{}")))
    assert [(len(batch.entries), len(batch.rejects)) for batch in pages] == [(22, 0), (8, 81), (0, 89)]


def test_a_batch_of_large_objects_has_fewer():
    large = [indicator(number, x_pad="x" * (3 << 20)) for number in range(1, 8)]
    found = [len(batch.drafts) for batch in poll.batches(STIX, Portion(BytesIO(bundle(*large))))]
    assert found == [3, 3, 1]
