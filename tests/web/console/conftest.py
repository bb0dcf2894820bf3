"""The console of a city of two boroughs, and its readers: see `tests.web.api.world` for what is whose."""

from __future__ import annotations

import shutil
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from citysec.db import Database
from tests import city
from tests.conftest import done
from tests.web.api.world import EVERYTHING, seed
from tests.web.console import visit
from tests.web.console.visit import Visit


@pytest.fixture(scope="session")
def town_database(tmp_path_factory: pytest.TempPathFactory, empty_database: Path) -> Path:
    """The file of a SQLite database of a city where everything happened that can happen, to be copied."""
    file = tmp_path_factory.mktemp("town") / "citysec.db"
    shutil.copy(empty_database, file)

    async def load() -> None:
        async with Database.opened(f"sqlite+aiosqlite:///{file}") as database:
            await seed(database, EVERYTHING)

    done(load())
    return file


@pytest.fixture
async def town(tmp_path: Path, town_database: Path) -> AsyncGenerator[city.Site, None]:
    """The console of a city where everything happened that can happen."""
    file = shutil.copy(town_database, tmp_path / "town.db")
    async with Database.opened(f"sqlite+aiosqlite:///{file}") as db, city.served(city.app_context(db)) as site:
        yield site


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
