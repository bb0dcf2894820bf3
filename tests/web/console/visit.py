"""A reader's browser, as far as the server can tell: a cookie, pages, and forms with the token of the sign-in."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from html import unescape

from aiohttp import ClientSession, FormData
from sqlmodel import col, select

from citysec.access import sessions
from citysec.tables import Account
from tests import city


@dataclass(frozen=True)
class Answer:
    """What came back; `text` is the page with entities replaced, so that it can be searched as people read it."""

    status: int
    text: str
    location: str = ""


@dataclass(frozen=True)
class Visit:
    """One reader's way through the console."""

    client: ClientSession
    csrf: str = ""

    async def get(self, path: str) -> Answer:
        """Open a page; redirects are not followed."""
        return await self._send("GET", path)

    async def post(self, path: str, **fields: str) -> Answer:
        """Send a form of the reader's own page."""
        return await self._send("POST", path, {"csrf": self.csrf} | fields)

    async def send(self, path: str, fields: FormData) -> Answer:
        """Send a form with files, or with a field several times."""
        fields.add_field("csrf", self.csrf)
        return await self._send("POST", path, fields)

    async def _send(self, method: str, path: str, fields: FormData | dict[str, str] | None = None) -> Answer:
        async with self.client.request(method, path, data=fields, allow_redirects=False) as answer:
            return Answer(answer.status, unescape(await answer.text()), answer.headers.get("Location", ""))


@asynccontextmanager
async def signed_in(site: city.Site, name: str) -> AsyncGenerator[Visit, None]:
    """Sign an account in, without the cost of its password."""
    async with site.app.database.writing() as db:
        account = (await db.exec(select(Account).where(col(Account.name) == name))).one()
        opened = await sessions.begin(db, account.id, 1)
    async with site.app.database.reading() as db:
        found = await sessions.find(db, opened.cookie)
    assert found is not None
    async with site.client() as client:
        client.cookie_jar.update_cookies({"citysec": opened.cookie})
        yield Visit(client, found.csrf)


@asynccontextmanager
async def anybody(site: city.Site) -> AsyncGenerator[Visit, None]:
    """Come without an account."""
    async with site.client() as client:
        yield Visit(client)
