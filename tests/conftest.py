"""What every test may use."""

from __future__ import annotations

import os
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from citysec.db import Database, upgrade

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real feeds with expected counts; the test is skipped where it is absent."""
    folder = Path(os.environ.get("CITYSEC_SHARED", ROOT.parent / "shared")) / "data"
    if not folder.is_dir():
        pytest.skip(f"needs the shared data folder, absent at {folder}")
    return folder


@pytest.fixture
async def db(tmp_path: Path) -> AsyncGenerator[Database, None]:
    """An open, empty database with the present schema."""
    url = f"sqlite+aiosqlite:///{tmp_path / 'citysec.db'}"
    await upgrade(url)
    async with Database.opened(url) as database:
        yield database
