"""The API and TAXII on PostgreSQL."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import AsyncGenerator

import pytest

from citysec import settings
from citysec.advisories.announce import Statement, announce, withdraw
from citysec.db import Database
from citysec.tlp import TLP
from tests import city
from tests.share import stored
from tests.web import feeding
from tests.web.api import crawl
from tests.web.api.world import EVERYTHING, seed
from tests.web.console import visit

pytestmark = pytest.mark.postgres


@pytest.fixture
async def site(postgres_url: str) -> AsyncGenerator[city.Site, None]:
    """The application on an empty PostgreSQL database."""
    url = settings.read({"CITYSEC_DATABASE_URL": postgres_url}).app_database
    async with Database.opened(url) as db, city.served(city.app_context(db)) as site:
        yield site


async def test_nothing_leaks_there_either(site: city.Site):
    await seed(site.app.database, EVERYTHING)
    async with site.client() as client:
        await crawl.api_keeps_secrets(site, client)


async def test_the_public_reads_the_newest_of_what_it_was_told(site: city.Site):
    await seed(site.app.database, EVERYTHING)
    async with site.app.database.writing() as db:
        for title in ("Fake fines", "Fake bills"):
            await announce(db, "open-i1", Statement(title, "Do not pay them."), actor="ada")
        await announce(db, "open-i0", Statement("Hush", "Not for long."), actor="ada")
        await withdraw(db, "open-i0", "Wrong.", actor="ada")
    async with site.client() as client, client.get("/advisories/") as answer:
        text = await answer.text()
    assert [title for title in ("Fake fines", "Fake bills", "Hush", "withdrawn") if title in text] == ["Fake bills"]


async def test_a_collection_is_filled_and_read_page_by_page(site: city.Site):
    db = site.app.database
    await stored.feed(db)
    await stored.collection(db)
    for number in range(5):
        await stored.put(db, number, label=TLP.GREEN if number else TLP.RED)
    token = await stored.reader(db)
    async with site.client(f"Bearer {token}") as client:
        pages: list[list[str]] = []
        query = {"limit": "2"}
        while query:
            async with client.get("/taxii2/city/collections/main/objects/", params=query) as answer:
                page = await answer.json(content_type=None)
            pages.append([o["name"] for o in page["objects"]])
            query = {"limit": "2", "next": page["next"]} if "next" in page else {}
    assert pages == [["№ 1", "№ 2"], ["№ 3", "№ 4"]]


async def test_a_feed_s_page_and_what_is_handed_in(postgres_url: str):
    url = settings.read({"CITYSEC_DATABASE_URL": postgres_url}).app_database
    text = "A kit is at hxxps://evil[.]example/kit; it abuses CVE-2024-3400."
    async with Database.opened(url) as db:
        await city.account(db, "eve", city.Role.COORDINATOR, clearance=TLP.AMBER)
        async with feeding.served(db) as site, visit.signed_in(site, "eve") as eve:
            assert "nonsense" in (await eve.get("/feeds/list")).text
            assert (await eve.post("/feeds/list/replay")).status == 303
            checked = await eve.post("/submit", text=text, step="check")
            choice = {"content": b64encode(text.encode()).decode(), "tlp": "TLP:AMBER", "confidence": "75"}
            stored = await eve.post("/submit", step="save", take="CVE-2024-3400", **choice)
            again = await eve.post("/submit", text=text, step="check")
    assert ("2 indicators found" in checked.text, stored.status) == (True, 303)
    assert again.text.count('href="/feeds/by-hand"') == 1
