"""Registers to begin with."""

from __future__ import annotations

import pytest

from citysec.constituency.sample import load_sample
from citysec.db import Database


@pytest.fixture
async def london(db: Database) -> Database:
    """A database with sample London."""
    async with db.writing() as session:
        await load_sample(session, "ada")
    return db
