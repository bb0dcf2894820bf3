"""A small TAXII 2.1 collection for the tests, with the bad habits of real servers to choose from."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from aiohttp import web

from citysec.feeds.walk import instant

START = datetime(2026, 6, 1, 12, tzinfo=UTC)
MEDIA_TYPE = "application/taxii+json;version=2.1"


def date_added(index: int) -> str:
    """Return when the object at `index` was added: one a minute."""
    return (START + timedelta(minutes=index)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


@dataclass
class Collection:
    """`serve` answers `GET …/objects/`."""

    objects: list[dict[str, Any]]
    gives_next: bool = True
    gives_dates: bool = True
    forgets_next: bool = False
    ignores_next: bool = False
    accepts: str = MEDIA_TYPE
    at_a_time: int = 1
    at_most: int = 1000
    queries: list[dict[str, str]] = field(default_factory=list[dict[str, str]])

    def _added(self, index: int) -> str:
        """Return when the object at `index` was added: a minute after those before, or together with them."""
        return date_added(index // self.at_a_time)

    async def serve(self, request: web.Request) -> web.Response:
        """Answer as TAXII 2.1 §5.4 says, but for the habits."""
        self.queries.append(dict(request.query))
        if request.headers["Accept"] != self.accepts:
            return web.Response(status=406)
        if self.forgets_next and "next" in request.query:
            return web.json_response({"title": "next is unknown"}, status=400)
        after = instant(request.query.get("added_after"))
        begin = next(
            (i for i in range(len(self.objects)) if after is None or (instant(self._added(i)) or after) > after),
            len(self.objects),
        )
        if "next" in request.query and not self.ignores_next:
            begin = int(request.query["next"].removeprefix("item+"))
        return self._page(begin, begin + min(self.at_most, int(request.query["limit"])))

    def _page(self, begin: int, end: int) -> web.Response:
        part = self.objects[begin:end]
        body: dict[str, Any] = {"objects": part} if part else {}
        if end < len(self.objects):
            body |= {"more": True} | ({"next": f"item+{end}"} if self.gives_next else {})
        dates = {
            "X-TAXII-Date-Added-First": self._added(begin),
            "X-TAXII-Date-Added-Last": self._added(begin + len(part) - 1),
        }
        return web.Response(
            body=json.dumps(body), headers={"Content-Type": MEDIA_TYPE} | (dates if part and self.gives_dates else {})
        )


@dataclass
class RangeCollection:
    """`serve` answers `GET …/objects/` of a TAXII 2.0 server, which pages by ranges of items (§3.4)."""

    objects: list[dict[str, Any]]
    at_most: int = 1000
    knows_total: bool = True

    async def serve(self, request: web.Request) -> web.Response:
        """Answer with a bundle of the range that was asked for, or of less."""
        after = instant(request.query.get("added_after"))
        dates = [START + timedelta(minutes=i) for i in range(len(self.objects))]
        here = [i for i, date in enumerate(dates) if after is None or date > after]
        begin, end = map(int, request.headers["Range"].removeprefix("items=").split("-"))
        part = here[begin : min(end + 1, begin + self.at_most)]
        if not part:
            return web.Response(status=416)
        total = len(here) if self.knows_total else "*"
        headers = {
            "Content-Type": "application/vnd.oasis.stix+json; version=2.0",
            "Content-Range": f"items {begin}-{begin + len(part) - 1}/{total}",
            "X-TAXII-Date-Added-Last": date_added(part[-1]),
        }
        bundle = {"type": "bundle", "spec_version": "2.0", "objects": [self.objects[i] for i in part]}
        return web.Response(status=206, body=json.dumps(bundle), headers=headers)
