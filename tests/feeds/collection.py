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
    queries: list[dict[str, str]] = field(default_factory=list[dict[str, str]])

    async def serve(self, request: web.Request) -> web.Response:
        """Answer as TAXII 2.1 §5.4 says, but for the habits."""
        self.queries.append(dict(request.query))
        if request.headers["Accept"] != self.accepts:
            return web.Response(status=406)
        if self.forgets_next and "next" in request.query:
            return web.json_response({"title": "next is unknown"}, status=400)
        after = instant(request.query.get("added_after"))
        begin = next(
            (i for i in range(len(self.objects)) if after is None or START + timedelta(minutes=i) > after),
            len(self.objects),
        )
        if "next" in request.query and not self.ignores_next:
            begin = int(request.query["next"].removeprefix("item+"))
        return self._page(begin, begin + int(request.query["limit"]))

    def _page(self, begin: int, end: int) -> web.Response:
        part = self.objects[begin:end]
        body: dict[str, Any] = {"objects": part} if part else {}
        if end < len(self.objects):
            body |= {"more": True} | ({"next": f"item+{end}"} if self.gives_next else {})
        dates = {
            "X-TAXII-Date-Added-First": date_added(begin),
            "X-TAXII-Date-Added-Last": date_added(begin + len(part) - 1),
        }
        return web.Response(
            body=json.dumps(body), headers={"Content-Type": MEDIA_TYPE} | (dates if part and self.gives_dates else {})
        )
