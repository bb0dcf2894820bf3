"""The guard between the service and inner networks."""

from __future__ import annotations

from collections.abc import AsyncGenerator

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from yarl import URL

from citysec.errors import SettingsError
from citysec.guard import Guard, is_public, refused


@pytest.fixture
async def inner() -> AsyncGenerator[URL, None]:
    """A server on a loopback address."""

    async def secret(_request: web.Request) -> web.Response:
        return web.Response(text="secret")

    app = web.Application()
    app.router.add_get("/", secret)
    async with TestServer(app) as server:
        yield server.make_url("/")


async def _get(guard: Guard, url: URL) -> str:
    async with aiohttp.ClientSession(connector=guard.connector(url)) as session, session.get(url) as answer:
        return await answer.text()


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
async def test_a_loopback_address_is_refused_by_number_and_by_name(inner: URL, host: str):
    with pytest.raises(aiohttp.ClientConnectorError) as caught:
        await _get(Guard(), inner.with_host(host))
    assert refused(caught.value)


async def test_a_closed_port_is_not_a_refusal_by_the_guard(unused_tcp_port: int):
    url = URL(f"http://127.0.0.1:{unused_tcp_port}/")
    with pytest.raises(aiohttp.ClientConnectorError) as caught:
        await _get(Guard.of("127.0.0.1"), url)
    assert not refused(caught.value)


async def test_a_host_that_the_operator_names_is_reached(inner: URL):
    assert await _get(Guard.of(f"other.example, 127.0.0.1:{inner.port}"), inner) == "secret"


async def test_another_port_of_a_named_host_is_refused(inner: URL):
    with pytest.raises(aiohttp.ClientConnectorError):
        await _get(Guard.of("127.0.0.1:1"), inner)


@pytest.mark.parametrize(
    "address",
    [
        "10.1.2.3", "169.254.169.254", "0.0.0.0", "100.64.0.1", "224.0.0.1", "255.255.255.255", "240.0.0.1", "::1",
        "::", "fe80::1%eth0", "fc00::1", "::ffff:10.0.0.1", "64:ff9b::a00:1", "2002:a00:1::", "ff02::1", "192.0.2.1",
    ],
)  # fmt: skip
def test_inner_addresses_are_not_public(address: str):
    assert not is_public(address)


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"])
def test_addresses_of_the_internet_are_public(address: str):
    assert is_public(address)


@pytest.mark.parametrize("text", ["http://a.example", "a.example/path", "a.example:x", "u@a.example", ":80"])
def test_an_entry_that_is_no_host_is_refused_and_named(text: str):
    with pytest.raises(SettingsError, match="not a host"):
        Guard.of(text)


def test_names_know_no_case_and_brackets():
    guard = Guard.of("A.Example, [::1]:8443")
    assert guard.names(URL("https://a.example/hook"))
    assert guard.names(URL("https://[::1]:8443/hook"))
    assert not guard.names(URL("https://[::1]/hook"))
