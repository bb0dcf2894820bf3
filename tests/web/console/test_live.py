"""Live pages: told of what their reader may see, of nothing else, and of what happened while they were loading."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import pytest
from aiohttp import ClientConnectionResetError, ClientResponse
from aiohttp_sse import EventSourceResponse
from structlog.testing import capture_logs

from citysec import outbox
from citysec.tables.columns import now
from citysec.tables.work import Change
from citysec.web.console import live
from tests import city
from tests.web.console.visit import Visit


@asynccontextmanager
async def _stream(reader: Visit, address: str = live.PATH) -> AsyncGenerator[ClientResponse, None]:
    async with reader.client.get(address) as answer:
        assert answer.content_type == "text/event-stream"
        yield answer


async def _changed(stream: ClientResponse) -> bool:
    """Wait until the stream says that something changed, or for longer than it would take to say so."""
    try:
        async with asyncio.timeout(4 * live.LOOK_S):
            return await stream.content.readuntil(b"\r\n\r\n") == b"event: changed\r\ndata: 1\r\n\r\n"
    except TimeoutError:
        return False


async def _announce(town: city.Site, constituent: str | None) -> None:
    async with town.app.database.writing() as db:
        outbox.announce(db, "incident", "x", constituent)


async def _followed(reader: Visit, page: str) -> str:
    found = re.search(r'sse:connect="([^"]+)"', (await reader.get(page)).text)
    assert found is not None
    return found[1]


async def test_a_reader_is_told_of_the_own_and_the_city_of_everything(town: city.Site, lee: Visit, ada: Visit):
    async with _stream(lee) as to_lee, _stream(ada) as to_ada:
        await _announce(town, "open-c")
        assert await _changed(to_lee)
        assert await _changed(to_ada)


async def test_a_reader_is_not_told_of_another_s(town: city.Site, lee: Visit, ada: Visit):
    async with _stream(lee) as to_lee, _stream(ada) as to_ada:
        await _announce(town, "SECRET-c")
        await _announce(town, None)
        assert await _changed(to_ada)
        assert not await _changed(to_lee)


async def test_what_changes_while_a_page_loads_is_not_missed(town: city.Site, lee: Visit):
    address = await _followed(lee, "/incidents/open-i1")
    await _announce(town, "open-c")
    async with _stream(lee, address) as stream:
        assert await _changed(stream)


async def test_an_odd_start_is_taken_as_now(lee: Visit):
    async with _stream(lee, "/events?since=yesterday") as stream:
        assert not await _changed(stream)


async def test_streams_end_when_the_service_stops(town: city.Site, lee: Visit):
    async with _stream(lee) as stream:
        town.app.stopping.set()
        assert await stream.read() == b""


async def test_streams_end_with_the_sign_in(town: city.Site, lee: Visit, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(live, "CHECK_S", 0.0)
    async with _stream(lee) as stream, asyncio.timeout(5):
        await lee.post("/sign-out")
        assert await stream.read() == b""


async def test_what_is_committed_late_counts_too(town: city.Site, lee: Visit):
    async with town.app.database.writing() as db:
        db.add(Change(seq=500, at=now(), subject="incident", subject_id="x", constituent_id="open-c"))
    async with _stream(lee) as stream:
        async with town.app.database.writing() as db:
            db.add(Change(seq=499, at=now(), subject="incident", subject_id="y", constituent_id="open-c"))
        assert await _changed(stream)


async def test_a_reader_who_goes_on_to_another_page_is_no_failure(
    town: city.Site, lee: Visit, monkeypatch: pytest.MonkeyPatch
):
    async def gone(*_args: object, **_more: object) -> None:
        raise ClientConnectionResetError("Cannot write to closing transport")  # a test's server cancels us before that

    monkeypatch.setattr(EventSourceResponse, "send", gone)
    with capture_logs() as said:
        async with _stream(lee) as stream, asyncio.timeout(5):
            await _announce(town, "open-c")
            assert await stream.read() == b""
    assert [line for line in said if line["log_level"] == "error"] == []


async def test_strangers_have_no_stream(stranger: Visit):
    assert (await stranger.get("/events")).status == 303
