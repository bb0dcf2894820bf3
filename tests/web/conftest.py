"""A served application."""

from __future__ import annotations

from collections.abc import AsyncGenerator

import pytest

from citysec.db import Database
from tests import city


@pytest.fixture
async def site(db: Database) -> AsyncGenerator[city.Site, None]:
    """The application around the empty database `db`, on a real port."""
    async with city.served(city.app_context(db)) as site:
        yield site
