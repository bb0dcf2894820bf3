"""Incidents on PostgreSQL, where several stages and people change them at the same time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

import pytest
from sqlmodel import select

from citysec.db import Database
from citysec.incidents.triage import triage
from citysec.settings import Settings
from citysec.tables import AssetOwner, Incident
from tests.incidents.conftest import POLICY, Found

pytestmark = pytest.mark.postgres


@pytest.fixture
async def db(postgres_url: str) -> AsyncGenerator[Database, None]:
    """The database of the other fixtures here, on PostgreSQL."""
    async with Database.opened(Settings(database_url=postgres_url).app_database) as database:
        yield database


async def _triaged(db: Database, match: str) -> None:
    async with db.writing() as session:
        await triage(session, {"matches": [match]}, POLICY)


async def _states(db: Database) -> set[str]:
    async with db.reading() as session:
        return {i.state for i in (await session.exec(select(Incident))).all() if i.constituent_id in {None, "barnet"}}


async def test_an_incident_that_loses_its_grounds_by_several_pieces_of_work_at_once_is_closed(
    city: Database, found: Found
):
    matches = [await found(1, value=f"198.18.0.{n}/32") for n in range(8)]
    async with city.writing() as session:
        (await session.get_one(AssetOwner, "A1")).constituent_id = "ealing"
    async with asyncio.TaskGroup() as group:
        for match in matches:
            group.create_task(_triaged(city, match))
    assert await _states(city) == {"closed"}
