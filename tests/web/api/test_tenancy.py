"""Nobody learns of another's: whatever the data, over every operation that reads."""

from __future__ import annotations

from collections.abc import AsyncGenerator

import pytest
from aiohttp import ClientSession
from hypothesis import HealthCheck, example, given, settings

from citysec.tlp import TLP
from tests import city
from tests.web.api import crawl
from tests.web.api.world import EVERYTHING, WORLDS, World, clear, seed


@pytest.fixture
async def lee(site: city.Site) -> AsyncGenerator[ClientSession, None]:
    """Camden's lead, over the API; the account exists once a world is seeded."""
    async with site.client() as client:
        yield client


@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@example(EVERYTHING)
@given(world=WORLDS)
async def test_whatever_the_data_a_borough_never_reads_what_is_another_s(
    site: city.Site, lee: ClientSession, world: World
):
    await clear(site.app.database)
    await seed(site.app.database, world)
    await crawl.api_keeps_secrets(site, lee)
    await crawl.explanations_keep_secrets(site, lee)


async def test_and_reads_all_that_is_its_own(site: city.Site, lee: ClientSession):
    db = site.app.database
    await seed(db, EVERYTHING)
    answers = await crawl.answers(lee, await crawl.token_of(db, "lee"), ["open-i1"])
    count = {path: len(body["items"]) for path, (status, body) in answers.items() if status == 200 and "items" in body}
    assert count == {
        "/incidents": 2, "/incidents/open-i1/timeline": 1, "/incidents/open-i1/matches": 2, "/questions": 1,
        "/advisories": 2, "/constituents": 1, "/services": 3, "/assets": 3, "/matches": 4,
        "/sightings": 2, "/matches/capped": 2,
    }  # fmt: skip
    assert answers["/incidents/open-i1"][1]["parent"]["title"] == "open title"


async def test_the_city_reads_up_to_its_clearance(site: city.Site, lee: ClientSession):
    db = site.app.database
    await seed(db, EVERYTHING)
    await city.account(db, "ann", city.Role.ANALYST, clearance=TLP.GREEN)
    async with lee.get("/api/v1/incidents", headers=await crawl.token_of(db, "ann")) as answer:
        assert {i["tlp"] for i in (await answer.json())["items"]} == {"TLP:CLEAR", "TLP:GREEN"}


async def test_what_another_owns_looks_like_what_nobody_owns(site: city.Site, lee: ClientSession):
    await seed(site.app.database, EVERYTHING)
    headers = await crawl.token_of(site.app.database, "lee")
    body = {"values": ["secret2.example", "nobody.example", "open1.example"]}
    async with lee.post("/api/v1/lookup", headers=headers, json=body) as answer:
        theirs, nobodys, own = (await answer.json())["items"]
    assert (theirs["touched"], nobodys["touched"], own["touched"]) == (0, 0, 1)
    assert own["touches"][0]["owners"] == ["Camden open"]


async def test_a_token_for_reading_may_look_up(site: city.Site, lee: ClientSession):
    await seed(site.app.database, EVERYTHING)
    token = await city.token(site.app.database, "lee", city.Scope.API_READ)
    headers = {"Authorization": f"Bearer {token}"}
    async with lee.post("/api/v1/lookup", headers=headers, json={"values": ["open1.example"]}) as answer:
        assert (answer.status, (await answer.json())["items"][0]["known"]) == (200, 1)
