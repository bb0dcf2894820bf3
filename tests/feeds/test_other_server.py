"""A TAXII 2.1 server that nobody here wrote: OASIS's own, medallion."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncGenerator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientConnectionError, ClientSession, encode_basic_auth
from sqlmodel import col, select

from citysec.cli.instance import free_port
from citysec.db import Database
from citysec.feeds import poll
from citysec.feeds.auth import Auth, Scheme
from citysec.feeds.definition import TAXIIFeed
from citysec.feeds.publishers import Publishers
from citysec.tables import Feed, StixObject
from tests.feeds.stix import CREATED, indicator

pytest.importorskip("medallion", reason="needs the package medallion")

COLLECTION = "91a7b528-80eb-42ed-a74d-c6fbd5a26116"
POLL = {"feed": "test", "tick": "now"}


@dataclass(frozen=True)
class Medallion:
    """The server; `post` adds objects as its other users do."""

    url: str
    http: ClientSession

    async def post(self, *objects: dict[str, Any]) -> None:
        address = f"{self.url}collections/{COLLECTION}/objects/"
        async with self.http.post(address, data=json.dumps({"objects": objects})) as answer:
            assert answer.status == 202


@pytest.fixture
async def medallion(tmp_path: Path) -> AsyncGenerator[Medallion]:
    port = free_port()
    root = f"http://127.0.0.1:{port}/city/"
    collection = {"id": COLLECTION, "title": "C", "can_read": True, "can_write": True, "objects": [], "manifest": []}
    about = {"title": "R", "versions": ["application/taxii+json;version=2.1"], "max_content_length": 10**7}
    collections = [collection | {"media_types": ["application/stix+json;version=2.1"]}]
    known = {"information": about, "status": [], "collections": collections}
    data = {"/discovery": {"title": "D", "api_roots": [root]}, "city": known}
    (tmp_path / "data.json").write_text(json.dumps(data))
    backend = {"module": "medallion.backends.memory_backend", "module_class": "MemoryBackend"}
    backend["filename"] = str(tmp_path / "data.json")
    config = {"backend": backend, "users": {"ada": "s3cret"}, "taxii": {"max_page_size": 10}}
    (tmp_path / "config.json").write_text(json.dumps(config))
    arguments = ("-m", "medallion.scripts.run", "--port", str(port), str(tmp_path / "config.json"))
    server = await asyncio.create_subprocess_exec(
        sys.executable, "-W", "ignore", *arguments, stderr=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.DEVNULL
    )
    media = {"Accept": "application/taxii+json;version=2.1", "Content-Type": "application/taxii+json;version=2.1"}
    media["Authorization"] = encode_basic_auth("ada", "s3cret")
    async with ClientSession(headers=media) as http:
        try:
            await _answers(http, root)
            yield Medallion(root, http)
        finally:
            server.terminate()
            await server.wait()


async def _answers(http: ClientSession, root: str) -> None:
    async with asyncio.timeout(20):
        while True:
            with suppress(ClientConnectionError):
                async with http.get(root) as answer:
                    assert answer.status == 200
                    return
            await asyncio.sleep(0.05)


@pytest.fixture
def publishers(medallion: Medallion, taxii_publishers: Publishers) -> Publishers:
    feed = TAXIIFeed(
        kind="taxii-2.1", name="test", title="Test", publisher="Test", licence="none", every_s=3600, page_limit=7,
        url=medallion.url, collection=COLLECTION, allow_hosts=(medallion.url.split("/")[2],), timeout_s=20,
        auth=Auth(scheme=Scheme.BASIC, env="MEDALLION"),
    )  # fmt: skip
    settings = taxii_publishers.settings.model_copy(update={"feed_timeout_s": 10})
    return replace(
        taxii_publishers, definitions={"test": feed}, settings=settings, environment={"MEDALLION": "ada:s3cret"}
    )


async def _poll(database: Database, publishers: Publishers) -> tuple[set[str], str | None]:
    """Poll; return the ids that are stored, and what is wrong with the feed."""
    await poll.poll(database, POLL, publishers)
    async with database.reading() as db:
        ids = set(await db.exec(select(StixObject.stix_id).where(col(StixObject.latest))))
        return ids, (await db.get_one(Feed, "test")).error


async def test_all_pages_come_then_what_is_new_then_new_versions(
    enrolled: Database, publishers: Publishers, medallion: Medallion
):
    first = [indicator(n) for n in range(1, 31)]
    await medallion.post(*first)
    assert await _poll(enrolled, publishers) == ({one["id"] for one in first}, None)
    more = [indicator(n) for n in range(31, 35)]
    await medallion.post(*more, indicator(1, modified="2026-02-01T00:00:00.000Z", revoked=True, created=CREATED))
    assert await _poll(enrolled, publishers) == ({one["id"] for one in (*first, *more)}, None)
    async with enrolled.reading() as db:
        revoked = await db.exec(select(StixObject.stix_id).where(col(StixObject.revoked), col(StixObject.latest)))
        assert revoked.all() == [indicator(1)["id"]]
