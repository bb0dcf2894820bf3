"""What every test may use."""

from __future__ import annotations

import os
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from citysec.db import Database, upgrade

ROOT = Path(__file__).parents[1]
SHARED = Path(os.environ.get("CITYSEC_SHARED", ROOT.parent / "shared"))


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """Settings of the person who runs the tests change nothing in them."""
    for name in [name for name in os.environ if name.startswith("CITYSEC_")]:
        monkeypatch.delenv(name)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real feeds with expected counts; the test is skipped where it is absent."""
    folder = SHARED / "data"
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
