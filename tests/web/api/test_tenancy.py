"""Nobody learns of another's: whatever the data, over every operation that reads."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncGenerator, Iterable
from typing import Any

import pytest
from aiohttp import ClientSession
from hypothesis import HealthCheck, example, given, settings

from citysec.db import Database
from citysec.tlp import TLP
from citysec.web.api.operation import Method
from citysec.web.api.table import OPERATIONS
from tests import city
from tests.web.api.world import SECRET, WORLDS, Happened, Owner, World, clear, seed

EVERYTHING = World(
    assets=[(Owner.CAMDEN, TLP.GREEN), (Owner.BRENT, TLP.CLEAR), (Owner.BOTH, TLP.RED), (Owner.BOTH, TLP.GREEN)],
    happened=[
        Happened(Owner.CITY, TLP.GREEN),
        Happened(Owner.CAMDEN, TLP.GREEN),
        Happened(Owner.CAMDEN, TLP.RED),
        Happened(Owner.BRENT, TLP.CLEAR, said_by="bob"),
        Happened(Owner.CAMDEN, TLP.AMBER, said_by="ada", asked="coordinator"),
    ],
)


@pytest.fixture
async def lee(site: city.Site) -> AsyncGenerator[ClientSession, None]:
    """Camden's lead, over the API; the account exists once a world is seeded."""
    async with site.client() as client:
        yield client


async def _as(db: Database, name: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {await city.token(db, name)}"}


async def _read(client: ClientSession, headers: dict[str, str], ids: Iterable[str]) -> dict[str, Any]:
    """Return what every reading operation answers, for every id where it takes one."""
    answers: dict[str, Any] = {}
    for operation in OPERATIONS:
        if operation.method is Method.GET:
            for path in {re.sub(r"{\w+}", key, operation.path) for key in ids}:
                async with client.get("/api/v1" + path, headers=headers) as answer:
                    answers[path] = (answer.status, await answer.json())
    return answers


async def _ids(client: ClientSession, headers: dict[str, str]) -> set[str]:
    """Return everything that names something, as the coordinator sees it."""
    answers = await _read(client, headers, ["camden"])
    items = [i for _, body in answers.values() for i in body.get("items", [])]
    return {str(i[k]) for i in items for k in ("id", "slug") if k in i}


@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@example(EVERYTHING)
@given(world=WORLDS)
async def test_whatever_the_data_a_borough_never_reads_what_is_another_s(
    site: city.Site, lee: ClientSession, world: World
):
    db = site.app.database
    await clear(db)
    await seed(db, world)
    ids = await _ids(lee, await _as(db, "ada"))
    for path, (status, body) in (await _read(lee, await _as(db, "lee"), ids)).items():
        assert SECRET not in json.dumps(body).replace(SECRET.lower(), SECRET), path
        assert status in (403, 404) or SECRET.lower() not in path.lower(), path


async def test_and_reads_all_that_is_its_own(site: city.Site, lee: ClientSession):
    db = site.app.database
    await seed(db, EVERYTHING)
    answers = await _read(lee, await _as(db, "lee"), ["open-i1"])
    count = {path: len(body["items"]) for path, (status, body) in answers.items() if status == 200 and "items" in body}
    assert count == {
        "/incidents": 2, "/incidents/open-i1/timeline": 1, "/incidents/open-i1/matches": 2, "/questions": 1,
        "/advisories": 2, "/constituents": 1, "/services": 3, "/assets": 3, "/matches": 2,
    }  # fmt: skip
    assert answers["/incidents/open-i1"][1]["parent"]["title"] == "open title"


async def test_the_city_reads_up_to_its_clearance(site: city.Site, lee: ClientSession):
    db = site.app.database
    await seed(db, EVERYTHING)
    await city.account(db, "ann", city.Role.ANALYST, clearance=TLP.GREEN)
    async with lee.get("/api/v1/incidents", headers=await _as(db, "ann")) as answer:
        assert {i["tlp"] for i in (await answer.json())["items"]} == {"TLP:CLEAR", "TLP:GREEN"}
