"""The city that the tests of the stages work on."""

from __future__ import annotations

from collections.abc import AsyncGenerator

import pytest

from citysec.db import Database
from tests.correlate.city import City


@pytest.fixture
def city(db: Database) -> City:
    """A city in which nobody owns anything and nothing was said."""
    return City(db)


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
async def either(request: pytest.FixtureRequest, sqlite_url: str) -> AsyncGenerator[City, None]:
    """A city on each of the two databases."""
    url = sqlite_url
    if request.param == "postgresql":
        url = request.getfixturevalue("postgres_url").replace("postgresql://", "postgresql+asyncpg://")
    async with Database.opened(url) as database:
        yield City(database)
