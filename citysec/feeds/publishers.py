"""From definitions to pages: the catalogue, the open client and the limits put together, once per process."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from yarl import URL

from citysec import settings
from citysec.errors import FeedMalformed, FeedRefused
from citysec.feeds import body, catalogue, misp, taxii
from citysec.feeds.credentials import address, credentials
from citysec.feeds.definition import BundleFeed, Definition, DocumentFeed, MISPFeed, TAXIIFeed
from citysec.feeds.fetch import Answer, Client, Limits, Request
from citysec.feeds.portion import Portion
from citysec.guard import Guard
from citysec.settings import Settings


def definitions(found: Settings) -> dict[str, Definition]:
    """Return the definitions that come with citysec and the operator's own, in `feeds/` of the data directory.

    Raises:
        InvalidInput: some are not legal.
    """
    return catalogue.load([settings.shipped("feeds"), found.data_dir / "feeds"])


@dataclass(frozen=True, slots=True)
class Publishers:
    """All that is needed to ask a publisher; `opened` gives it."""

    definitions: Mapping[str, Definition]
    client: Client
    settings: Settings
    environment: Mapping[str, str]

    def pages(self, feed: Definition, cursor: Mapping[str, Any]) -> AsyncGenerator[Portion]:
        """Return the pages of `feed` that `cursor` has not seen; they are fetched as they are asked for.

        Raises:
            FeedError: while iterating; the pages before it are good.
        """
        if isinstance(feed, TAXIIFeed):
            request = self._request(feed, feed.url)
            source = taxii.Source(feed.kind, request, feed.collection, feed.page_limit, feed.overlap_s)
            return taxii.pages(self.client, source, dict(cursor))
        if isinstance(feed, MISPFeed):
            return misp.pages(self.client, self._request(feed, feed.url), cursor)
        return self._bundle(feed, cursor)

    async def _bundle(self, feed: DocumentFeed | BundleFeed, cursor: Mapping[str, Any]) -> AsyncGenerator[Portion]:
        if feed.path is not None:
            yield Portion(await asyncio.to_thread(body.opened, feed.path, self.settings.feed_max_bytes), {})
            return
        if feed.url is None:
            raise FeedRefused("this feed has no address: its files are imported by hand")
        answer = await self.client.get(self._request(feed, feed.url, _conditions(cursor)))
        if answer.status == 304 or not answer.body.read(1):
            answer.body.close()
            if answer.status == 304:
                return
            raise FeedMalformed("the answer is empty")
        yield Portion(answer.body, _validators(answer))

    def _request(self, feed: Definition, url: str, headers: Mapping[str, str] | None = None) -> Request:
        found = self.settings
        return Request(
            url=URL(address(url, feed.auth, self.environment)),
            limits=Limits(found.feed_max_bytes, found.feed_timeout_s, feed.timeout_s),
            guard=Guard.of(",".join((found.feed_allow_hosts, *feed.allow_hosts))),
            headers=headers or {},
            credentials=credentials(feed.auth, self.environment),
        )


@asynccontextmanager
async def opened(found: Settings, environment: Mapping[str, str]) -> AsyncGenerator[Publishers]:
    """Read the catalogue and open the client.

    Raises:
        InvalidInput: a definition is not legal.
    """
    known = definitions(found)
    async with Client.opened() as client:
        yield Publishers(known, client, found, environment)


def _conditions(cursor: Mapping[str, Any]) -> dict[str, str]:
    pairs = ("If-None-Match", cursor.get("etag")), ("If-Modified-Since", cursor.get("last_modified"))
    return {name: value for name, value in pairs if isinstance(value, str)}


def _validators(answer: Answer) -> dict[str, str]:
    pairs = ("etag", answer.headers.get("etag")), ("last_modified", answer.headers.get("last-modified"))
    return {name: value for name, value in pairs if value}
