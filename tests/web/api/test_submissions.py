"""Handing in a text over the API."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from datetime import timedelta
from typing import Any

import pytest
from aiohttp import ClientSession
from sqlmodel import select

from citysec.access.policy import Role
from citysec.db import Database
from citysec.tables import Assertion
from citysec.tlp import TLP
from tests import city
from tests.web import feeding

TEXT = "A kit is at hxxps://evil[.]example/kit, and on 203.0.113[.]77; see https://vendor.org/report."


@pytest.fixture
async def eve(db: Database) -> AsyncGenerator[ClientSession, None]:
    """The coordinator's machine."""
    await city.account(db, "eve", Role.COORDINATOR)
    async with feeding.served(db) as site, site.client(f"Bearer {await city.token(db, 'eve')}") as client:
        yield client


async def _post(client: ClientSession, **body: Any) -> tuple[int, Any]:
    async with client.post("/api/v1/submissions", json=body) as answer:
        return answer.status, await answer.json()


async def _said(db: Database) -> list[tuple[str, int]]:
    async with db.reading() as session:
        return [(a.feed, a.tlp) for a in (await session.exec(select(Assertion))).all()]


async def test_what_is_in_it_is_shown_first(eve: ClientSession, db: Database):
    status, answer = await _post(eve, text=TEXT)
    assert (status, answer["applied"], answer["stored"]) == (200, False, 0)
    assert [(one["kind"], one["advised"]) for one in answer["found"]] == [("url", True), ("ip", True), ("url", False)]
    assert await _said(db) == []


async def test_what_is_advised_is_stored_when_asked(eve: ClientSession, db: Database):
    assert (await _post(eve, text=TEXT, apply=True, tlp="TLP:RED", label="phishing"))[1]["stored"] == 2
    assert await _said(db) == [("by-hand", TLP.RED)] * 2
    assert [one["known"] for one in (await _post(eve, text=TEXT))[1]["found"]] == [[], [], []]  # above the clearance


async def test_what_is_named_is_stored_and_nothing_else(eve: ClientSession):
    keys = ["[ipv4-addr:value = '203.0.113.77']", "[ipv4-addr:value = '192.0.2.1']"]
    assert (await _post(eve, text=TEXT, apply=True, keys=keys))[1]["stored"] == 1
    assert [one["known"] for one in (await _post(eve, text=TEXT))[1]["found"]] == [[], ["by-hand"], []]


async def test_it_may_be_said_for_how_long_it_counts(eve: ClientSession, db: Database):
    await _post(eve, text=TEXT, apply=True, days=3)
    async with db.reading() as session:
        ends = {a.until - a.seen_at for a in (await session.exec(select(Assertion))).all() if a.until and a.seen_at}
    assert ends == {timedelta(days=3)}


async def test_a_text_without_indicators_is_no_fault(eve: ClientSession):
    assert await _post(eve, text="All is well.") == (200, {"applied": False, "stored": 0, "found": []})


@pytest.mark.parametrize("fault", [{"tlp": "TLP:PURPLE"}, {"label": "x"}, {"confidence": 101}, {"text": "a\0b"}])
async def test_what_cannot_be_used_is_refused_with_its_place(eve: ClientSession, fault: dict[str, Any]):
    status, answer = await _post(eve, **({"text": TEXT} | fault))
    assert (status, answer["problems"][0]["at"]) == (422, next(iter(fault)))
