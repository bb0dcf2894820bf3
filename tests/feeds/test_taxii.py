"""Reading other people's TAXII collections, through taxii2-client."""

from __future__ import annotations

import asyncio
import base64
import json
from contextlib import suppress
from dataclasses import replace
from typing import Any, BinaryIO

import pytest
from aiohttp import web

from citysec.errors import FeedError, FeedMalformed, FeedRefused, FeedUnreachable
from citysec.feeds.auth import Auth, Scheme
from citysec.feeds.definition import TAXIIFeed
from citysec.feeds.formats import Reject
from citysec.feeds.publishers import Publishers
from citysec.feeds.walk import Walk
from tests.feeds.collection import Collection, RangeCollection, date_added
from tests.feeds.publisher import Publisher, sends
from tests.feeds.stix import indicator

FIVE = [indicator(n) for n in range(1, 6)]


def _ids(body: BinaryIO) -> list[str]:
    with body:
        body.seek(0)
        return [item["id"] for item in json.loads(body.read() or b"{}").get("objects", [])]


async def _walk(publishers: Publishers, cursor: dict[str, Any], pages: int = 10) -> tuple[list[str], dict[str, Any]]:
    """Read at most so many pages; return the ids of the objects and where the cursor stands."""
    ids: list[str] = []
    async for body, after, _ in publishers.pages(publishers.definitions["test"], cursor):
        ids += _ids(body)
        cursor, pages = dict(after or {}), pages - 1
        if not pages:
            break
    return ids, cursor


@pytest.mark.parametrize("habit", [{}, {"gives_next": False}, {"accepts": "application/taxii+json"}])
async def test_every_object_comes_once(taxii_publishers: Publishers, publisher: Publisher, habit: dict[str, Any]):
    publisher.will(Collection(FIVE, **habit).serve)
    ids, cursor = await _walk(taxii_publishers, {})
    assert list(dict.fromkeys(ids)) == [item["id"] for item in FIVE]
    assert cursor == Walk(mark=date_added(4)).cursor()


@pytest.mark.parametrize("habit", [{}, {"gives_next": False}, {"ignores_next": True}, {"forgets_next": True}])
@pytest.mark.parametrize("at_a_time", [2, 3, 7, 30])
async def test_objects_that_were_added_together_all_come(
    taxii_publishers: Publishers, publisher: Publisher, habit: dict[str, Any], at_a_time: int
):
    many = [indicator(n) for n in range(1, 31)]
    publisher.will(Collection(many, at_a_time=at_a_time, **habit).serve)
    cursor, ids = dict[str, Any](), set[str]()
    for _ in range(30):  # polls that break off go on where they were
        with suppress(FeedError):
            async for body, after, _lost in taxii_publishers.pages(taxii_publishers.definitions["test"], cursor):
                ids.update(_ids(body))
                cursor = dict(after or {})
    assert ids == {item["id"] for item in many}


async def test_what_a_server_does_not_give_is_said_and_the_rest_comes(
    taxii_publishers: Publishers, publisher: Publisher
):
    many = [indicator(n) for n in range(1, 13)]
    publisher.will(Collection(many, at_a_time=4, at_most=3, gives_next=False).serve)
    lost, ids = list[Reject](), list[str]()
    async for body, _, missing in taxii_publishers.pages(taxii_publishers.definitions["test"], {}):
        ids += _ids(body)
        lost += missing
    assert [reject.excerpt for reject in lost] == [date_added(group) for group in range(3)]
    assert ids[-1] == many[10]["id"]


async def test_it_asks_as_the_standard_says(taxii_publishers: Publishers, publisher: Publisher):
    collection = Collection(FIVE)
    publisher.will(collection.serve)
    await _walk(taxii_publishers, {"mark": date_added(0)})
    assert publisher.asked[0].path == "/city/collections/c1/objects/"
    assert collection.queries[0] == {"limit": "2", "added_after": "2026-06-01T11:50:00.000000Z"}
    assert collection.queries[1] == {**collection.queries[0], "next": "item+2"}


async def test_the_next_poll_brings_what_is_new_and_the_overlap(taxii_publishers: Publishers, publisher: Publisher):
    many = [indicator(n) for n in range(1, 31)]
    publisher.will(Collection(many[:20]).serve)
    _, cursor = await _walk(taxii_publishers, {}, pages=100)
    publisher.will(Collection(many).serve)
    ids, _ = await _walk(taxii_publishers, cursor, pages=100)
    assert ids == [item["id"] for item in many[10:]]


@pytest.mark.parametrize("habit", [{}, {"gives_next": False}, {"forgets_next": True}, {"ignores_next": True}])
async def test_a_walk_that_broke_off_is_taken_up(
    taxii_publishers: Publishers, publisher: Publisher, habit: dict[str, Any]
):
    publisher.will(Collection(FIVE).serve)
    first, cursor = await _walk(taxii_publishers, {}, pages=1)
    publisher.will(Collection(FIVE[:4], **habit).serve)
    rest, _ = await _walk(taxii_publishers, cursor)
    assert list(dict.fromkeys(first + rest)) == [item["id"] for item in FIVE[:4]]


async def test_a_server_that_repeats_its_page_is_left(taxii_publishers: Publishers, publisher: Publisher):
    publisher.will(Collection(FIVE, ignores_next=True, gives_dates=False).serve)
    with pytest.raises(FeedMalformed, match="same page twice"):
        await _walk(taxii_publishers, {})
    assert len(publisher.asked) == 2


async def test_more_without_a_way_on_is_left(taxii_publishers: Publishers, publisher: Publisher):
    publisher.will(Collection(FIVE, gives_next=False, gives_dates=False).serve)
    with pytest.raises(FeedMalformed, match="neither"):
        await _walk(taxii_publishers, {})


@pytest.mark.parametrize("body", [b"", b"{}", b'{"objects": []}', b'{"more": false, "objects": []}'])
async def test_an_empty_collection_is_no_error(taxii_publishers: Publishers, publisher: Publisher, body: bytes):
    publisher.will(sends(body, X_TAXII_Date_Added_Last="undefined"))
    assert await _walk(taxii_publishers, {"mark": date_added(3)}) == ([], Walk(mark=date_added(3)).cursor())


@pytest.mark.parametrize("body", [b"<html>", b"[]", b'{"more": {}}', b'{"objects": [', b"\xff", b"[" * 100_000])
async def test_what_is_no_envelope_is_refused(taxii_publishers: Publishers, publisher: Publisher, body: bytes):
    publisher.will(body)
    with pytest.raises(FeedMalformed):
        await _walk(taxii_publishers, {})


@pytest.mark.parametrize(("status", "error"), [(401, FeedRefused), (404, FeedRefused), (429, FeedUnreachable)])
async def test_a_status_says_whether_to_come_back(
    taxii_publishers: Publishers, publisher: Publisher, status: int, error: type[Exception]
):
    publisher.will(sends(b"<html>", status=status))
    with pytest.raises(error, match=str(status)):
        await _walk(taxii_publishers, {})


async def test_the_secret_goes_along(taxii_publishers: Publishers, publisher: Publisher, taxii_feed: TAXIIFeed):
    publisher.will(b"{}")
    feed = taxii_feed.model_copy(update={"auth": Auth(scheme=Scheme.BASIC, env="SECRET")})
    publishers = Publishers({"test": feed}, taxii_publishers.client, taxii_publishers.settings, {"SECRET": "a:b"})
    await _walk(publishers, {})
    assert publisher.asked[0].headers["Authorization"] == "Basic " + base64.b64encode(b"a:b").decode()


async def test_a_cancelled_poll_lets_go_at_once(taxii_publishers: Publishers, publisher: Publisher):
    reached = asyncio.Event()

    async def hang(_request: web.Request) -> web.Response:
        reached.set()
        await asyncio.sleep(30)
        return web.Response()

    publisher.will(hang)
    async with asyncio.timeout(3), asyncio.TaskGroup() as group:
        walk = group.create_task(_walk(taxii_publishers, {}))
        await reached.wait()
        walk.cancel()
    assert walk.cancelled()


@pytest.mark.parametrize("habit", [{}, {"at_most": 1}, {"knows_total": False}])
@pytest.mark.parametrize("number", [0, 1, 4, 5])
async def test_an_older_server_is_read_by_ranges(
    taxii_publishers: Publishers, publisher: Publisher, habit: dict[str, Any], number: int
):
    asked = _older(taxii_publishers)
    publisher.will(RangeCollection(FIVE[:number], **habit).serve)
    if number and habit.get("knows_total", True):
        ids, cursor = await _walk(asked, {})
        assert ids == [item["id"] for item in FIVE[:number]]
        publisher.will(RangeCollection(FIVE, **habit).serve)
        again, _ = await _walk(asked, cursor)
        assert set(again) >= {item["id"] for item in FIVE[number:]}
    else:
        assert len((await _walk(asked, {}))[0]) == number


async def test_a_walk_by_ranges_that_broke_off_is_taken_up(taxii_publishers: Publishers, publisher: Publisher):
    asked = _older(taxii_publishers)
    publisher.will(RangeCollection(FIVE).serve)
    first, cursor = await _walk(asked, {}, pages=1)
    rest, _ = await _walk(asked, cursor)
    assert first + rest == [item["id"] for item in FIVE]


def _older(publishers: Publishers) -> Publishers:
    feed = publishers.definitions["test"].model_copy(update={"kind": "taxii-2.0"})
    return replace(publishers, definitions={"test": feed})
