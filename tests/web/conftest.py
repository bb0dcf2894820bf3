"""A served application, and a real browser to look at pages with."""

from __future__ import annotations

import shutil
from collections.abc import AsyncGenerator
from typing import TYPE_CHECKING

import pytest
from aiohttp.test_utils import TestServer

from citysec.db import Database
from tests import city
from tests.web import gallery

if TYPE_CHECKING:
    from playwright.async_api import Browser


@pytest.fixture
async def site(db: Database) -> AsyncGenerator[city.Site, None]:
    """The application around the empty database `db`, on a real port."""
    async with city.served(city.app_context(db)) as site:
        yield site


@pytest.fixture
async def shown() -> AsyncGenerator[str, None]:
    """Address of a server with the sample pages, without a closing slash."""
    async with TestServer(gallery.application()) as server:
        yield str(server.make_url("")).rstrip("/")


@pytest.fixture
async def browser() -> AsyncGenerator[Browser, None]:
    """Chromium of this machine; the test is skipped where there is none."""
    playwright = pytest.importorskip("playwright.async_api", reason="needs the extra ui-tests")
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if chromium is None:
        pytest.skip("needs chromium on the machine")
    async with playwright.async_playwright() as started:
        running = await started.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-quic"])
        yield running
        await running.close()
