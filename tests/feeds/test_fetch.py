"""The guarded client, against publishers that misbehave."""

from __future__ import annotations

import asyncio
import gzip
import zipfile
import zlib
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from io import BytesIO

import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st
from yarl import URL

from citysec.errors import FeedMalformed, FeedRefused, FeedUnreachable
from citysec.feeds.body import unpacked
from citysec.feeds.credentials import Credentials
from citysec.feeds.fetch import Answer, Client, Limits, Request, StatusRefused
from citysec.guard import Guard
from tests.feeds.publisher import Publisher, sends


@pytest.fixture
def request_(publisher: Publisher) -> Request:
    limits = Limits(max_bytes=10_000, idle_s=0.3, total_s=1)
    return Request(URL(publisher.url), limits, Guard.of(publisher.host))


async def _got(client: Client, request: Request) -> tuple[Answer, bytes]:
    answer = await client.get(request)
    with answer.body:
        return answer, answer.body.read()


async def test_a_body_comes_whole(client: Client, publisher: Publisher, request_: Request):
    publisher.will(sends(b"x" * 10_000, ETag='"1"'))
    answer, body = await _got(client, request_)
    assert (len(body), answer.headers["etag"]) == (10_000, '"1"')


async def test_more_bytes_than_the_limit_are_refused(client: Client, publisher: Publisher, request_: Request):
    publisher.will(b"x" * 10_001)
    with pytest.raises(FeedMalformed, match="more than 10000 bytes"):
        await client.get(request_)


@pytest.mark.parametrize(("encoding", "pack"), [("gzip", gzip.compress), ("deflate", zlib.compress)])
async def test_a_compression_bomb_is_measured_unpacked(
    client: Client, publisher: Publisher, request_: Request, encoding: str, pack: type[bytes]
):
    publisher.will(sends(pack(b"\0" * (64 << 20)), Content_Encoding=encoding))
    with pytest.raises(FeedMalformed, match="more than 10000 bytes"):
        await client.get(request_)


async def test_a_gzip_file_is_unpacked_within_the_limit(client: Client, publisher: Publisher, request_: Request):
    publisher.will(sends(gzip.compress(b"hello"), Content_Type="application/gzip"))
    assert (await _got(client, request_))[1] == b"hello"
    publisher.will(gzip.compress(b"\0" * (1 << 20)))
    with pytest.raises(FeedMalformed, match="unpacks to more"):
        await client.get(request_)


def zipped(*contents: bytes) -> bytes:
    file = BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for number, content in enumerate(contents):
            archive.writestr(f"{number}.txt", content)
    return file.getvalue()


@pytest.mark.parametrize("pack", [gzip.compress, zipped])
def test_half_an_archive_is_refused(pack: Callable[[bytes], bytes]):
    with pytest.raises(FeedMalformed, match=r"cut off|not an archive"):
        unpacked(BytesIO(pack(bytes(range(256)) * 10)[:-20]), 1 << 20)


@pytest.mark.parametrize("pack", [gzip.compress, zipped])
def test_archives_in_archives_are_unpacked(pack: Callable[[bytes], bytes]):
    with unpacked(BytesIO(gzip.compress(pack(b"hello"))), 1000) as body:
        assert body.read() == b"hello"
    with pytest.raises(FeedMalformed, match="more than"):
        unpacked(BytesIO(gzip.compress(pack(b"\0" * (1 << 20)))), 2000)


def test_a_zip_file_of_very_many_files_is_refused_unread():
    file = BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for number in range(20_000):
            archive.writestr(f"{number}", b"")
    with pytest.raises(FeedMalformed, match="too many files"):
        unpacked(BytesIO(file.getvalue()), 1 << 30)


def test_a_zip_file_of_one_file_is_unpacked_within_the_limit():
    with unpacked(BytesIO(zipped(b"hello")), 10) as body:
        assert body.read() == b"hello"
    with pytest.raises(FeedMalformed, match="unpacks to more"):
        unpacked(BytesIO(zipped(b"\0" * (1 << 20))), 1000)
    with pytest.raises(FeedMalformed, match="2 files instead of one"):
        unpacked(BytesIO(zipped(b"a", b"b")), 1000)


@given(st.binary(), st.sampled_from([b"\x1f\x8b", b"PK\x03\x04", b"\x1f\x8b\x08\x00"]))
def test_whatever_calls_itself_an_archive_is_unpacked_or_refused(rest: bytes, magic: bytes):
    with suppress(FeedMalformed):
        unpacked(BytesIO(magic + rest), 1000).close()


async def test_silence_ends_in_an_error(client: Client, publisher: Publisher, request_: Request):
    async def hang(_request: web.Request) -> web.Response:
        await asyncio.sleep(30)
        return web.Response()

    publisher.will(hang)
    with pytest.raises(FeedUnreachable):
        await client.get(request_)


async def test_a_trickle_cannot_stretch_the_time(client: Client, publisher: Publisher, request_: Request):
    async def trickle(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        while True:
            await response.write(b".")
            await asyncio.sleep(0.05)

    publisher.will(trickle)
    with pytest.raises(FeedUnreachable, match="longer than 1 s"):
        await client.get(request_)


async def test_half_a_body_is_no_body(client: Client, publisher: Publisher, request_: Request):
    async def half(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": "100"})
        await response.prepare(request)
        await response.write(b"half")
        assert request.transport is not None
        request.transport.close()
        return response

    publisher.will(half)
    with pytest.raises(FeedUnreachable):
        await client.get(request_)


async def test_a_fault_of_the_publisher_says_when_to_come_back(client: Client, publisher: Publisher, request_: Request):
    publisher.will(sends(status=503, Retry_After="120"))
    with pytest.raises(FeedUnreachable) as caught:
        await client.get(request_)
    assert caught.value.retry_after_s == 120


async def test_a_date_to_come_back_is_read_by_the_publishers_clock(
    client: Client, publisher: Publisher, request_: Request
):
    date, later = "Mon, 01 Jan 2001 00:00:00 GMT", "Mon, 01 Jan 2001 00:01:00 GMT"
    publisher.will(sends(status=429, Date=date, Retry_After=later))
    with pytest.raises(FeedUnreachable) as caught:
        await client.get(request_)
    assert caught.value.retry_after_s == 60


@pytest.mark.parametrize("status", [401, 403, 404, 410])
async def test_a_no_is_not_retried(client: Client, publisher: Publisher, request_: Request, status: int):
    publisher.will(sends(status=status))
    with pytest.raises(StatusRefused, match=f"answered {status}"):
        await client.get(request_)


async def test_only_who_asks_whether_it_is_modified_is_told_that_it_is_not(
    client: Client, publisher: Publisher, request_: Request
):
    publisher.will(sends(status=304))
    asked = {"If-None-Match": '"1"'}
    assert (await _got(client, replace(request_, headers=asked)))[0].status == 304
    with pytest.raises(FeedMalformed, match="was not asked"):
        await client.get(request_)


async def test_a_host_is_asked_for_one_thing_at_a_time(client: Client, publisher: Publisher, request_: Request):
    events = list[str]()

    async def count(_request: web.Request) -> web.Response:
        events.append("begins")
        await asyncio.sleep(0.01)
        events.append("ends")
        return web.Response()

    publisher.will(count)
    await asyncio.gather(*(_got(client, request_) for _ in range(5)))
    assert events == ["begins", "ends"] * 5


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "2130706433", "0x7f000001", "127.1", "[::ffff:127.0.0.1]"])
async def test_inner_addresses_are_refused_in_every_disguise(
    client: Client, publisher: Publisher, request_: Request, host: str
):
    url = f"http://{host}:{publisher.server.port}/feed"
    with pytest.raises(FeedRefused):
        await client.get(replace(request_, url=URL(url), guard=Guard()))
    assert publisher.asked == []


async def test_a_redirect_to_an_inner_address_is_refused(client: Client, publisher: Publisher, request_: Request):
    publisher.will(sends(status=302, Location=f"http://localhost:{publisher.server.port}/secret"))
    with pytest.raises(FeedRefused, match="not a public address"):
        await client.get(request_)
    assert len(publisher.asked) == 1


@pytest.mark.parametrize("location", ["ftp://127.0.0.1/", "file:///etc/passwd", "http:///", "http://[", ""])
async def test_a_redirect_to_nowhere_ends(client: Client, publisher: Publisher, request_: Request, location: str):
    publisher.will(sends(status=302, Location=location))
    with pytest.raises((FeedRefused, FeedMalformed, FeedUnreachable)):
        await client.get(request_)


async def test_a_secret_goes_to_its_own_origin_only(client: Client, publisher: Publisher, request_: Request):
    elsewhere = f"http://localhost:{publisher.server.port}/elsewhere"
    publisher.will(sends(status=302, Location="/here"), sends(status=307, Location=elsewhere), sends(b"done"))
    guard = Guard.of(f"{publisher.host}, localhost")
    await _got(client, replace(request_, guard=guard, credentials=Credentials({"Authorization": "Bearer s3cret"})))
    assert [r.headers.get("Authorization") for r in publisher.asked] == ["Bearer s3cret", "Bearer s3cret", None]


async def test_no_cookie_is_kept(client: Client, publisher: Publisher, request_: Request):
    publisher.will(sends(b"1", Set_Cookie="id=1"), b"2")
    await _got(client, request_)
    await _got(client, request_)
    assert "Cookie" not in publisher.asked[1].headers
