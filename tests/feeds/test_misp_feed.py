"""MISP feeds: each event once, again when it changes, and none skipped."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from aiohttp import web
from sqlmodel import func, select

from citysec.db import Database
from citysec.feeds import poll
from citysec.feeds.definition import MISPFeed
from citysec.feeds.misp import PATIENCE
from citysec.feeds.publishers import Publishers
from citysec.tables import Feed, Reject, StixObject
from tests.feeds.publisher import Publisher
from tests.feeds.stored import rows

POLL = {"feed": "test", "tick": "now"}


def uuid(number: int) -> str:
    return f"00000000-0000-4000-8000-{number:012d}"


@dataclass
class Folder:
    """A folder of events; `asked` are those that were had."""

    times: dict[int, int]
    broken: frozenset[int] = frozenset()
    missing: frozenset[int] = frozenset()
    strange: frozenset[int] = frozenset()
    huge: frozenset[int] = frozenset()
    away: frozenset[int] = frozenset()
    asked: list[int] = field(default_factory=list[int])

    async def serve(self, request: web.Request) -> web.Response:
        name = request.path.rpartition("/")[2].removesuffix(".json")
        if name == "manifest":
            return web.json_response({uuid(n): {"timestamp": str(at), "info": f"{n}"} for n, at in self.times.items()})
        number = int(name[-12:])
        if number in self.missing | self.away:
            return web.Response(status=404 if number in self.missing else 503)
        if number in self.strange:
            return web.json_response({"error": "no such event"})
        if number in self.huge:
            return web.Response(body=b" " * (2 << 20))
        if number in self.broken:
            return web.Response(text="{")
        self.asked.append(number)
        return web.json_response(self._event(number))

    def _event(self, number: int) -> dict[str, Any]:
        values = (f"198.51.100.{number}", f"203.0.113.{self.times[number] % 250}")
        attributes = [{"type": "ip-dst", "to_ids": True, "value": value, "uuid": uuid(9)} for value in values]
        return {"Event": {"uuid": uuid(number), "info": f"{number}", "Attribute": attributes}}


@pytest.fixture
def misp(bundle_publishers: Publishers, publisher: Publisher) -> Publishers:
    feed = MISPFeed(
        kind="misp-feed", name="test", title="Test", publisher="Test", licence="none", every_s=3600,
        url=publisher.url.rpartition("/")[0] + "/misp/", allow_hosts=(publisher.host,), timeout_s=5,
    )  # fmt: skip
    return replace(bundle_publishers, definitions={"test": feed})


async def _poll(database: Database, misp: Publishers, publisher: Publisher, folder: Folder) -> tuple[list[int], str]:
    """Poll; return which events were fetched, and what is wrong with the feed."""
    folder.asked.clear()
    publisher.will(folder.serve)
    await poll.poll(database, POLL, misp)
    async with database.reading() as db:
        return list(folder.asked), (await db.get_one(Feed, "test")).error or ""


async def test_events_come_once_and_again_when_their_time_is_another(
    enrolled: Database, misp: Publishers, publisher: Publisher
):
    folder = Folder({1: 1_700_000_000, 2: 1_700_000_000, 3: 1_600_000_000})
    assert await _poll(enrolled, misp, publisher, folder) == ([3, 1, 2], "")
    assert await _poll(enrolled, misp, publisher, folder) == ([], "")
    folder.times |= {1: 1_700_000_001, 4: 1_500_000_000, 2: 1_699_999_999}
    assert await _poll(enrolled, misp, publisher, folder) == ([4, 2, 1], "")
    async with enrolled.reading() as db:
        assert (await db.exec(select(func.count()).select_from(StixObject))).one() >= 4


@pytest.mark.parametrize("fault", ["broken", "missing", "strange", "huge", "away"])
async def test_a_bad_event_is_refused_alone_and_asked_for_again(
    enrolled: Database, misp: Publishers, publisher: Publisher, fault: str
):
    times = {n: 1_700_000_000 + n for n in range(1, 5)}
    bad: dict[str, Any] = {fault: frozenset({1, 3})}
    assert await _poll(enrolled, misp, publisher, Folder(times, **bad)) == ([2, 4], "")
    assert {(reject.at, reject.excerpt) for reject in await rows(enrolled, Reject)} == {
        (f"{uuid(n)}.json", uuid(n)) for n in (1, 3)
    }
    assert await _poll(enrolled, misp, publisher, Folder(times)) == ([1, 3], "")


async def test_what_in_the_manifest_is_no_event_is_refused(enrolled: Database, misp: Publishers, publisher: Publisher):
    assert await _poll(enrolled, misp, publisher, Folder({1: 1_700_000_000, 2: -1})) == ([1], "")
    (reject,) = await rows(enrolled, Reject)
    assert "timestamp" in reject.reason


@pytest.mark.parametrize(("away", "fetched"), [(range(2, 5), [1]), (range(2, 4), [1, 4, 5])])
async def test_a_publisher_that_is_away_is_not_asked_for_every_event(
    enrolled: Database, misp: Publishers, publisher: Publisher, away: range, fetched: list[int]
):
    folder = Folder({n: 1_700_000_000 + n for n in range(1, 6)}, away=frozenset(away))
    found, error = await _poll(enrolled, misp, publisher, folder)
    assert (found, "503" in error) == (fetched, len(away) >= PATIENCE)


async def test_a_folder_of_nothing_but_bad_events_is_a_failure(
    enrolled: Database, misp: Publishers, publisher: Publisher
):
    folder = Folder({n: 1_700_000_000 + n for n in range(1, 3)}, missing=frozenset({1, 2}))
    assert "none of 2 events" in (await _poll(enrolled, misp, publisher, folder))[1]


async def test_a_poll_that_broke_off_goes_on_near_where_it_was(
    enrolled: Database, misp: Publishers, publisher: Publisher
):
    folder = Folder({n: 1_700_000_000 + n for n in range(1, 7)})
    publisher.will(folder.serve)
    reading = poll.read(enrolled, misp.definitions["test"], misp)
    for _ in range(3):
        await anext(reading)
    await reading.aclose()
    fetched, _ = await _poll(enrolled, misp, publisher, folder)
    assert (1 in fetched, fetched[-3:]) == (False, [4, 5, 6])
