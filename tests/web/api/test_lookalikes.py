"""The allow list of lookalikes over the API: the same as on its page."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import ClientSession
from sqlmodel import col, select

from citysec.access.policy import Role
from citysec.db import Database
from citysec.tables import AuditEntry, Constituent
from tests import city
from tests.correlate.city import City, indicator

LIST = "/api/v1/lookalikes/allowed"
NAME = "camdem.gov.uk"


@asynccontextmanager
async def reading(db: Database, name: str, role: Role, of: str | None = None) -> AsyncGenerator[ClientSession, None]:
    """Serve a city, and yield somebody's client of its API."""
    await city.account(db, name, role, of)
    token = f"Bearer {await city.token(db, name)}"
    async with city.served(city.app_context(db)) as site, site.client(token) as client:
        yield client


@pytest.fixture
async def ann(db: Database) -> AsyncGenerator[ClientSession, None]:
    """An analyst's machine."""
    async with reading(db, "ann", Role.ANALYST) as client:
        yield client


async def _get(client: ClientSession, **query: str) -> Any:
    async with client.get(LIST, params=query) as answer:
        return await answer.json()


async def _post(client: ClientSession, path: str = "", **body: str) -> tuple[int, Any]:
    async with client.post(LIST + path, json=body or None) as answer:
        return answer.status, await answer.json()


async def test_a_name_is_allowed_and_listed_with_who_and_why(ann: ClientSession):
    status, entry = await _post(ann, name="CAMDEM.gov.uk.", note=" a printer’s ")
    assert (status, entry["name"], entry["note"], entry["by"]) == (200, NAME, "a printer’s", "ann")
    assert (await _get(ann))["items"] == [entry]


async def test_its_matches_end_and_come_back_when_it_is_withdrawn(ann: ClientSession, db: Database):
    place = City(db)
    await place.own("camden", "domain", "camden.gov.uk")
    await place.say(indicator(1, f"[domain-name:value = '{NAME}']"))
    for path, body, reason in (("", {"name": NAME}, "allowed"), (f"/{NAME}/withdraw", {}, None)):
        await place.work()
        await place.work()
        assert (await _post(ann, path, **body))[0] == 200
        await place.work()
        assert [match.close_reason for match in await place.matches()] == [reason]
    assert (await _get(ann))["items"] == []


async def test_what_is_done_is_in_the_audit(ann: ClientSession, db: Database):
    await _post(ann, name=NAME, note="theirs")
    status, entry = await _post(ann, f"/{NAME.upper()}/withdraw")
    assert (status, entry["note"]) == (200, "theirs")
    async with db.reading() as session:
        rows = (await session.exec(select(AuditEntry).where(col(AuditEntry.action).startswith("lookalike.")))).all()
    assert [(row.action, row.actor) for row in rows] == [("lookalike.allow", "ann"), ("lookalike.disallow", "ann")]


async def test_the_list_comes_in_pages(ann: ClientSession):
    for number in range(3):
        await _post(ann, name=f"n{number}.example")
    first = await _get(ann, limit="2")
    rest = await _get(ann, limit="2", cursor=first["next"])
    assert [one["name"] for one in first["items"] + rest["items"]] == ["n0.example", "n1.example", "n2.example"]


@pytest.mark.parametrize("name", ["gov.uk", "a b", "", "198.51.100.3"])
async def test_what_cannot_be_allowed_is_refused_with_its_place(ann: ClientSession, name: str):
    status, answer = await _post(ann, name=name)
    assert (status, answer["problems"][0]["at"]) == (422, "name")


async def test_a_name_is_allowed_once_and_withdrawn_once(ann: ClientSession):
    assert [(await _post(ann, name=NAME))[0] for _ in range(2)] == [200, 409]
    assert [(await _post(ann, f"/{NAME}/withdraw"))[0] for _ in range(2)] == [200, 404]
    assert (await _post(ann, "/-/withdraw"))[0] == 404


async def test_a_machine_of_the_city_may_read_the_list_and_not_change_it(db: Database):
    async with reading(db, "siem", Role.MACHINE) as siem:
        assert (await _get(siem))["items"] == []
        assert (await _post(siem, name=NAME))[0] == (await _post(siem, f"/{NAME}/withdraw"))[0] == 403


async def test_the_list_is_the_city_s_own(db: Database):
    async with db.writing() as session:
        session.add(Constituent(id="camden", slug="camden", name="Camden", kind="borough", sector="x"))
    async with reading(db, "lee", Role.LEAD, "camden") as lee:
        assert (await _get(lee))["status"] == (await _post(lee, name=NAME))[0] == 403
