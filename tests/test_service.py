"""What a process of each role has."""

from __future__ import annotations

from pathlib import Path

import pytest

from citysec import service, settings
from citysec.access import keys
from citysec.db import Database
from citysec.service import Role
from tests.correlate.city import City
from tests.waiting import until


@pytest.mark.parametrize(
    ("role", "has_engine", "listens"),
    [
        (Role.ALL, True, True),
        (Role.WORKER, True, False),
        (Role.WEB, False, True),
        (Role.SCHEDULER, False, False),
    ],
)
async def test_only_who_works_has_an_engine(
    tmp_path: Path, sqlite_url: str, role: Role, *, has_engine: bool, listens: bool
):
    found = settings.read({}, data_dir=tmp_path, port=0)
    keys.ensure(found)
    async with service.running(found, role) as running:
        assert (running.url is not None) == listens
        assert (tmp_path / "citysec-runs.db").exists() == has_engine


async def test_trees_that_are_public_suffixes_now_are_found_at_the_start(tmp_path: Path, sqlite_url: str):
    async with Database.opened(sqlite_url) as database:
        city = City(database)
        await city.own("camden", "domain", "gov.uk", "camden.gov.uk", scope="tree")

        async def judged() -> bool:
            return bool(await city.waiting("rejudge"))

        found = settings.read({}, data_dir=tmp_path, port=0)
        keys.ensure(found)
        async with service.running(found, Role.SCHEDULER):
            await until(judged)
        (work,) = await city.waiting("rejudge")
    assert work.payload == {"assets": [1]}
