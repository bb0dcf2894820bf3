"""The console of a city of two boroughs, and its readers: see `tests.web.api.world` for what is whose."""

from __future__ import annotations

from collections.abc import AsyncGenerator

import pytest

from tests import city
from tests.web.api.test_tenancy import EVERYTHING
from tests.web.api.world import seed
from tests.web.console import visit
from tests.web.console.visit import Visit


@pytest.fixture
async def town(site: city.Site) -> city.Site:
    """The console of a city where everything happened that can happen."""
    await seed(site.app.database, EVERYTHING)
    return site


@pytest.fixture
async def ada(town: city.Site) -> AsyncGenerator[Visit, None]:
    """The city's coordinator."""
    async with visit.signed_in(town, "ada") as reader:
        yield reader


@pytest.fixture
async def lee(town: city.Site) -> AsyncGenerator[Visit, None]:
    """Camden's lead."""
    async with visit.signed_in(town, "lee") as reader:
        yield reader


@pytest.fixture
async def stranger(town: city.Site) -> AsyncGenerator[Visit, None]:
    """Somebody without an account."""
    async with visit.anybody(town) as reader:
        yield reader
