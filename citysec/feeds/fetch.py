"""The guarded HTTP client: what a publisher sends may be late, huge, a bomb or a pointer into our own network.

Only public addresses are called, on every redirect anew, unless the operator lists the host; what comes is read to a
limit counted on the expanded bytes, within a time that no trickle can stretch. No cookies, no proxies.
"""

from __future__ import annotations

import asyncio
import email.utils
import socket
import ssl
from collections import defaultdict
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, BinaryIO, Final

import aiohttp
from yarl import URL

from citysec import guard
from citysec.errors import FeedMalformed, FeedRefused, FeedUnreachable
from citysec.feeds.body import spool, unpacked
from citysec.feeds.credentials import Credentials
from citysec.guard import Guard

MAX_REDIRECTS: Final = 5
USER_AGENT: Final = "citysec"
_CHUNK: Final = 1 << 16
_CONDITIONS: Final = frozenset({"If-None-Match", "If-Modified-Since"})
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})


class StatusRefused(FeedRefused):
    """The publisher answered with a status that says no."""

    def __init__(self, host: str | None, status: int) -> None:
        self.status = status
        super().__init__(f"{host} answered {status}")


@dataclass(frozen=True, slots=True)
class Limits:
    """How much of a publisher's time and bytes we accept.

    Args:
        max_bytes: of one answer, expanded.
        idle_s: longest silence, and longest wait for a connection.
        total_s: longest time for one answer with all its redirects.
    """

    max_bytes: int
    idle_s: float
    total_s: float


@dataclass(frozen=True, slots=True)
class Request:
    """What to ask a publisher for.

    Args:
        url: where to begin; redirects are followed.
        limits: for the whole answer.
        guard: which hosts may lie on inner addresses. A redirect to one of them is followed only from another of them.
        headers: go along on every hop.
        credentials: go to the origin of `url` only.
    """

    url: URL
    limits: Limits
    guard: Guard
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    credentials: Credentials = field(default_factory=Credentials)


@dataclass(frozen=True, slots=True)
class Answer:
    """A publisher's answer: 2xx, or 304 with an empty body where the request had conditions; names in lower case.

    Whoever gets it closes the body.
    """

    status: int
    headers: Mapping[str, str]
    body: BinaryIO


class Client:
    """The open client; `opened()` gives one. It asks a host for one thing at a time."""

    def __init__(self, guarded: aiohttp.ClientSession, trusted: aiohttp.ClientSession) -> None:
        self._guarded, self._trusted = guarded, trusted
        self._turns = defaultdict[str | None, asyncio.Lock](asyncio.Lock)

    @classmethod
    @asynccontextmanager
    async def opened(cls) -> AsyncGenerator[Client, None]:
        """Open the client; its connections are closed at the end of the block."""
        async with _session(guard.public_socket) as guarded, _session(guard.socket_of) as trusted:
            yield cls(guarded, trusted)

    async def get(self, request: Request) -> Answer:
        """Return the publisher's answer.

        Raises:
            FeedUnreachable: no whole answer in time, or the publisher's own fault (5xx, 429).
            StatusRefused: the publisher says no (other 4xx).
            FeedRefused: the guard says no, to the address or to a redirect.
            FeedMalformed: more bytes than the limit, a gzip file that is none, or a 304 that nobody asked for.
        """
        try:
            async with asyncio.timeout(request.limits.total_s):
                return await self._follow(request)
        except aiohttp.ClientError as err:  # silence is one of them, and a TimeoutError as well
            raise _translated(err) from err
        except TimeoutError as err:
            raise FeedUnreachable(f"{request.url.host} took longer than {request.limits.total_s:g} s") from err

    async def _follow(self, request: Request) -> Answer:
        url = request.url
        for _ in range(MAX_REDIRECTS + 1):
            async with self._ask(request, url) as response:
                if response.status not in _REDIRECTS:
                    return await _answer(response, request.limits)
                url = _next_hop(url, response.headers.get("Location", ""))
        raise FeedUnreachable(f"{request.url.host} redirects more than {MAX_REDIRECTS} times")

    @asynccontextmanager
    async def _ask(self, request: Request, url: URL) -> AsyncGenerator[aiohttp.ClientResponse, None]:
        named = request.guard.names(url) and request.guard.names(request.url)
        session = self._trusted if named else self._guarded
        headers = {"User-Agent": USER_AGENT, **request.headers}
        tls: ssl.SSLContext | bool = True
        if url.origin() == request.url.origin():
            headers |= request.credentials.headers
            tls = request.credentials.certificate or True
        idle = aiohttp.ClientTimeout(sock_connect=request.limits.idle_s, sock_read=request.limits.idle_s)
        asked = session.get(url, headers=headers, allow_redirects=False, timeout=idle, ssl=tls)
        async with self._turns[url.host], asked as response:
            yield response


def _session(socket_factory: Callable[[tuple[Any, ...]], socket.socket]) -> aiohttp.ClientSession:
    connector = aiohttp.TCPConnector(socket_factory=socket_factory)
    return aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar(), trust_env=False)


def _next_hop(url: URL, location: str) -> URL:
    try:
        target = url.join(URL(location))
    except ValueError as err:
        raise FeedMalformed(f"{url.host} redirects to no address") from err
    downgrade = (url.scheme, target.scheme) == ("https", "http")
    if target.scheme not in {"http", "https"} or target.host is None or downgrade:
        raise FeedRefused(f"{url.host} redirects to {target.scheme or 'nothing'}")
    return target


async def _answer(response: aiohttp.ClientResponse, limits: Limits) -> Answer:
    _check_status(response)
    body = spool()
    try:
        await _receive(response, body, limits.max_bytes)
        headers = {name.lower(): value for name, value in response.headers.items()}
        return Answer(response.status, headers, await asyncio.to_thread(unpacked, body, limits.max_bytes))
    except BaseException:
        body.close()
        raise


async def _receive(response: aiohttp.ClientResponse, body: BinaryIO, max_bytes: int) -> None:
    size = 0
    async for chunk in response.content.iter_chunked(_CHUNK):
        size += len(chunk)
        if size > max_bytes:
            raise FeedMalformed(f"{response.url.host} sent more than {max_bytes} bytes")
        body.write(chunk)


def _check_status(response: aiohttp.ClientResponse) -> None:
    status, host = response.status, response.url.host
    if 200 <= status < 300 or (status == 304 and not _CONDITIONS.isdisjoint(response.request_info.headers)):
        return
    if status == 304:
        raise FeedMalformed(f"{host} answered 304 (not modified), and was not asked whether anything is modified")
    if status in {408, 425, 429} or status >= 500:
        raise FeedUnreachable(f"{host} answered {status}", retry_after_s=_retry_after(response.headers))
    raise StatusRefused(host, status)


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """Return the seconds the publisher asks us to wait: a number, or a date beside its own clock's."""
    asked = headers.get("Retry-After", "")
    if asked.isdecimal():
        return min(float(asked), 86400.0)
    try:
        until = email.utils.parsedate_to_datetime(asked)
        wait = until - email.utils.parsedate_to_datetime(headers.get("Date", ""))
    except (ValueError, TypeError):
        return None
    return min(max(wait.total_seconds(), 0.0), 86400.0)


def _translated(err: aiohttp.ClientError) -> FeedUnreachable | FeedRefused:
    if isinstance(err, aiohttp.ClientConnectorError) and guard.refused(err):
        return FeedRefused(f"{err.host}: {err.strerror}")
    if isinstance(err, aiohttp.InvalidURL):
        return FeedRefused("not an address")  # the error's own words hold all of it, and it may hold a secret
    return FeedUnreachable(f"{type(err).__name__}: {err}")
