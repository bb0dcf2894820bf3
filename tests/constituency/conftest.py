"""Registers to begin with."""

from __future__ import annotations

import shutil
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from citysec.db import Database


@pytest.fixture
async def london(tmp_path: Path, london_database: Path) -> AsyncGenerator[Database, None]:
    """A database with sample London."""
    file = shutil.copy(london_database, tmp_path / "london.db")
    async with Database.opened(f"sqlite+aiosqlite:///{file}") as db:
        yield db
