"""A served application, and the sample pages behind a server."""

from __future__ import annotations

from collections.abc import AsyncGenerator

import pytest
from aiohttp.test_utils import TestServer

from citysec.db import Database
from tests import city
from tests.web import gallery


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
