"""Feeds over the API: the same operations as on their pages."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Any

import pytest
from aiohttp import ClientSession

from citysec.access.policy import Role
from citysec.db import Database
from citysec.tables import Outbox
from tests import city
from tests.web import feeding


@pytest.fixture
async def eve(db: Database) -> AsyncGenerator[ClientSession, None]:
    """The coordinator's machine, where there are two feeds."""
    await city.account(db, "eve", Role.COORDINATOR)
    async with feeding.served(db) as site, site.client(f"Bearer {await city.token(db, 'eve')}") as client:
        yield client


async def _get(client: ClientSession, path: str) -> Any:
    async with client.get(f"/api/v1{path}") as answer:
        return await answer.json()


async def _post(client: ClientSession, path: str) -> tuple[int, Any]:
    async with client.post(f"/api/v1{path}") as answer:
        return answer.status, await answer.json()


async def test_a_feed_is_polled_soon(eve: ClientSession, db: Database):
    status, work = await _post(eve, "/feeds/list/poll")
    async with db.reading() as session:
        row = await session.get_one(Outbox, work["id"])
    assert (status, row.kind, row.payload["feed"]) == (202, "poll", "list")


async def test_a_feed_tells_how_it_stands_and_how_its_polls_went(eve: ClientSession):
    assert [feed["name"] for feed in (await _get(eve, "/feeds"))["items"]] == ["by-hand", "list"]
    feed = await _get(eve, "/feeds/list")
    assert (feed["enabled"], feed["rejects"], feed["held"][:19]) == (False, 2, "the list has shrunk")
    polls = (await _get(eve, "/feeds/list/polls"))["items"]
    assert [(poll["stored"], poll["error"]) for poll in polls] == [(12_345, None), (0, "p.example answered 503")]


async def test_what_was_refused_is_listed_and_tried_again(eve: ClientSession):
    rejects = (await _get(eve, "/feeds/list/rejects"))["items"]
    assert [(one["at"], one["reason"]) for one in rejects] == [("line 7", "nonsense"), ("line 9", "nonsense")]
    assert await _post(eve, "/feeds/list/replay") == (200, {"stored": 1, "known": 0, "refused": 1})


async def test_a_feed_is_switched_on_and_off_and_its_list_accepted(eve: ClientSession):
    assert (await _post(eve, "/feeds/list/enable"))[1]["enabled"]
    assert (await _post(eve, "/feeds/list/accept"))[1]["held"] is None
    assert not (await _post(eve, "/feeds/list/disable"))[1]["enabled"]


@pytest.mark.parametrize("action", ["poll", "accept", "replay", "enable", "disable"])
async def test_what_is_no_feed_is_absent(eve: ClientSession, action: str):
    assert (await _post(eve, f"/feeds/unknown/{action}"))[0] == 404
