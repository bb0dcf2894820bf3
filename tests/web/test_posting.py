"""Objects that partners post."""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import AsyncGenerator
from dataclasses import replace
from typing import Any

import pytest
from aiohttp import ClientSession
from sqlmodel import func, select
from taxii2client.common import TokenAuth
from taxii2client.v21 import Server

from citysec import settings
from citysec.access.policy import Role
from citysec.db import Database
from citysec.feeds.definition import BundleFeed
from citysec.share import collections
from citysec.tables import Assertion, Outbox, StixObject
from citysec.tlp import TLP
from tests import city
from tests.share import stored

TAXII = "application/taxii+json;version=2.1"
OBJECTS = "/taxii2/city/collections/reports/objects/"
NOON = "2026-06-01T12:00:00.000Z"


def _indicator(number: int = 1, **facts: Any) -> dict[str, Any]:
    return {
        "type": "indicator", "spec_version": "2.1", "id": stored.stix_id(number), "created": NOON, "modified": NOON,
        "pattern": "[ipv4-addr:value = '203.0.113.9']", "pattern_type": "stix", "valid_from": NOON, **facts,
    }  # fmt: skip


@pytest.fixture
async def reports(db: Database) -> AsyncGenerator[city.Site, None]:
    """A served city with the collection `reports`, whose writers are a feed of their own; `cert` may use it."""
    said = {"kind": "stix-bundle", "name": "reports", "title": "Reports", "publisher": "P", "licence": "L"}
    feed = BundleFeed.model_validate(said | {"tlp": "TLP:GREEN"})
    await stored.collection(db, "reports", TLP.AMBER)
    app = replace(city.app_context(db), feeds={"reports": feed}, settings=settings.read({}, taxii_max_bytes=2000))
    async with city.served(app) as site:
        yield site


@pytest.fixture
async def token(reports: city.Site) -> str:
    """Of `cert`, who may read and write `reports`."""
    db = reports.app.database
    await city.account(db, "cert", Role.MACHINE)
    async with db.writing() as session:
        await collections.grant(session, "reports", "cert", read=True, write=True, actor="t")
    return await city.token(db, "cert")


@pytest.fixture
async def cert(reports: city.Site, token: str) -> AsyncGenerator[ClientSession, None]:
    """A client of `cert`."""
    async with reports.client(f"Bearer {token}") as client:
        yield client


async def _post(client: ClientSession, *objects: Any) -> dict[str, Any]:
    body = json.dumps({"objects": objects})
    async with client.post(OBJECTS, data=body, headers={"Content-Type": TAXII}) as answer:
        assert (answer.status, answer.headers["Content-Type"]) == (202, TAXII)
        return await answer.json(content_type=None)


async def test_what_a_real_client_posts_it_reads_back(reports: city.Site, token: str):
    def work() -> tuple[str, int]:
        server = Server(reports.url + "/taxii2/", auth=TokenAuth(token))
        collection = server.api_roots[0].collections[0]
        status = collection.add_objects({"objects": [_indicator()]})
        count = len(collection.get_objects()["objects"])
        server.close()
        return status.status, count

    assert await asyncio.to_thread(work) == ("complete", 1)


async def test_it_comes_in_as_a_feed_and_is_correlated(cert: ClientSession, db: Database):
    await _post(cert, _indicator())
    async with db.reading() as session:
        said = (await session.exec(select(Assertion))).one()
        kinds = set((await session.exec(select(Outbox.kind))).all())
    assert (said.feed, said.tlp) == ("reports", TLP.GREEN)
    assert {"correlate", "share"} <= kinds


async def test_each_object_is_answered_for(cert: ClientSession):
    bad = _indicator(2) | {"modified": "yesterday"}
    status = await _post(cert, _indicator(1), bad, 7)
    assert (status["status"], status["total_count"], status["success_count"], status["failure_count"]) == (
        "complete", 3, 1, 2,
    )  # fmt: skip
    assert [failure["id"] for failure in status["failures"]] == [stored.stix_id(2), "unknown--2"]
    assert all(failure["message"] for failure in status["failures"])


async def test_the_same_again_is_a_success_and_other_content_is_not(cert: ClientSession, db: Database):
    await _post(cert, _indicator())
    again = await _post(cert, _indicator())
    other = await _post(cert, _indicator(name="other"))
    assert (again["success_count"], other["failure_count"]) == (1, 1)
    async with db.reading() as session:
        assert (await session.exec(select(func.count()).select_from(StixObject))).one() == 1


async def test_what_came_of_it_is_told_to_whoever_posted_it(cert: ClientSession, reports: city.Site):
    status = await _post(cert, _indicator())
    path = f"/taxii2/city/status/{status['id']}/"
    async with cert.get(path) as answer:
        assert await answer.json(content_type=None) == status
    await city.account(reports.app.database, "other", Role.MACHINE)
    token = await city.token(reports.app.database, "other")
    async with reports.client(f"Bearer {token}") as other, other.get(path) as answer:
        assert answer.status == 404


@pytest.mark.parametrize(
    ("body", "content_type", "status"),
    [
        (b"{", TAXII, 400), (b"\xff", TAXII, 400), (b"[]", TAXII, 400), (b"[" * 2000, TAXII, 400),
        (b"{}", TAXII, 422), (b'{"objects": []}', TAXII, 422), (b'{"objects": {}}', TAXII, 422),
        (b'{"objects": [{}]}', "application/json", 415), (b'{"objects": [{}]}', "application/stix+json", 415),
        (b" " * 2001, TAXII, 413), (b'{"type": "x", "objects": [{}]}', "application/taxii+json", 202),
    ],
)  # fmt: skip
async def test_what_is_no_envelope_is_refused(cert: ClientSession, body: bytes, content_type: str, status: int):
    async with cert.post(OBJECTS, data=io.BytesIO(body), headers={"Content-Type": content_type}) as answer:
        assert answer.status == status
        assert answer.headers["Content-Type"] == TAXII


async def test_without_a_feed_of_its_name_nobody_writes_to_a_collection(reports: city.Site, cert: ClientSession):
    db = reports.app.database
    await stored.collection(db, "plain")
    async with db.writing() as session:
        await collections.grant(session, "plain", "cert", read=False, write=True, actor="t")
    async with cert.get("/taxii2/city/collections/") as answer:
        listed = (await answer.json(content_type=None))["collections"]
    assert [(c["alias"], c["can_write"]) for c in listed] == [("reports", True)]
