"""A misbehaving publisher, an open client, and a database in which one feed is enrolled."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from citysec.db import Database
from citysec.feeds import standing
from citysec.feeds.definition import BundleFeed, TAXIIFeed
from citysec.feeds.fetch import Client
from citysec.feeds.publishers import Publishers
from citysec.settings import Settings
from citysec.tables.columns import now
from tests.feeds.publisher import Publisher


@pytest.fixture
async def publisher() -> AsyncGenerator[Publisher, None]:
    app = web.Application()
    publisher = Publisher(TestServer(app, host="127.0.0.1"))
    app.router.add_get("/{path:.*}", publisher.serve)
    async with publisher.server:
        yield publisher


@pytest.fixture
async def client() -> AsyncGenerator[Client, None]:
    async with Client.opened() as client:
        yield client


@pytest.fixture
def bundle_feed(publisher: Publisher) -> BundleFeed:
    return BundleFeed(
        kind="stix-bundle", name="test", title="Test", publisher="Test", licence="none", url=publisher.url,
        every_s=3600, allow_hosts=(publisher.host,), timeout_s=5, enabled=True,
    )  # fmt: skip


@pytest.fixture
def taxii_feed(publisher: Publisher) -> TAXIIFeed:
    return TAXIIFeed(
        kind="taxii-2.1", name="test", title="Test", publisher="Test", licence="none", every_s=3600, page_limit=2,
        url=str(publisher.server.make_url("/city/")), collection="c1", allow_hosts=(publisher.host,), timeout_s=5,
        enabled=True,
    )  # fmt: skip


@pytest.fixture
async def enrolled(db: Database, bundle_feed: BundleFeed) -> Database:
    """A database with the row of the feed `test`."""
    async with db.writing() as session:
        await standing.enrol(session, {"test": bundle_feed}, now())
    return db


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
async def either(
    request: pytest.FixtureRequest, tmp_path: Path, sqlite_url: str, bundle_feed: BundleFeed
) -> AsyncGenerator[Database, None]:
    """A database with the row of the feed `test`: SQLite, and PostgreSQL."""
    url = request.getfixturevalue("postgres_url") if request.param == "postgresql" else None
    async with Database.opened(Settings(data_dir=tmp_path, database_url=url).app_database) as database:
        async with database.writing() as session:
            await standing.enrol(session, {"test": bundle_feed}, now())
        yield database


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path, feed_timeout_s=0.5, feed_max_bytes=2 << 20)


@pytest.fixture
def bundle_publishers(bundle_feed: BundleFeed, client: Client, settings: Settings) -> Publishers:
    return Publishers({"test": bundle_feed}, client, settings, {})


@pytest.fixture
def taxii_publishers(taxii_feed: TAXIIFeed, client: Client, settings: Settings) -> Publishers:
    return Publishers({"test": taxii_feed}, client, settings, {})
