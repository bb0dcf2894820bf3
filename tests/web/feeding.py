"""A served city with two feeds, `list` with rejects and a held list, `by-hand` without an address."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any, Final

from citysec.db import Database
from citysec.feeds import history, standing
from citysec.feeds.definition import BundleFeed, Definition, DocumentFeed, Layout
from citysec.feeds.formats.draft import rejected
from citysec.feeds.ingest import Batch, Outcome, ingest
from citysec.tables import Feed
from citysec.tables.columns import now
from tests import city

_SAID: Final[dict[str, Any]] = {"publisher": "P", "licence": "CC0-1.0"}
LIST: Final = DocumentFeed(
    name="list",
    title="A list",
    kind="document",
    format=Layout(name="list"),
    url="https://p.example/list.txt",
    every_s=3600,
    **_SAID,
)
BY_HAND: Final = BundleFeed(name="by-hand", title="By hand", kind="stix-bundle", lifetimes={"url": 30}, **_SAID)
FEEDS: Final[dict[str, Definition]] = {feed.name: feed for feed in (BY_HAND, LIST)}


async def seed(database: Database) -> None:
    """Enrol the feeds; of `list` one line was refused, two polls have ended and a list is held."""
    refused = rejected("line 7", "nonsense", b"198.51.100.7"), rejected("line 9", "nonsense", b"<b>&</b>")
    async with database.writing() as db:
        await standing.enrol(db, FEEDS, now())
        await ingest(db, LIST, Batch(rejects=refused))
        for total, error in ((Outcome(stored=12_345), None), (Outcome(), "p.example answered 503")):
            await history.end(db, await history.begin(db, "list", now()), total, now(), error=error)
        (await db.get_one(Feed, "list")).held = "the list has shrunk from 90 to 2: nothing was delisted; `x`"


@asynccontextmanager
async def served(database: Database) -> AsyncGenerator[city.Site, None]:
    """Serve a city that has the feeds."""
    await seed(database)
    async with city.served(replace(city.app_context(database), feeds=FEEDS)) as site:
        yield site
