"""Live pages: a stream that says when something that its reader may see has changed."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from aiohttp import web
from aiohttp_sse import sse_response
from sqlalchemy import func
from sqlmodel import col, select

from citysec.access.policy import Principal
from citysec.db import Database
from citysec.tables.work import Change
from citysec.web import context, credentials
from citysec.web.context import AppContext

PATH: Final = "/events"
LOOK_S: Final = 0.5
"""How often a stream looks for changes: pages lag at most this long, and renew themselves no more often than that."""
WINDOW: Final = 1000
"""How many changes may come before one that is committed late, for it to be noticed."""
CHECK_S: Final = 30.0
"""How often a stream makes sure that its reader is still signed in as before."""
_MARK: Final = re.compile(r"([0-9]{1,18})-([0-9]{1,18})")


def routes(_app: AppContext) -> Iterable[web.AbstractRouteDef]:
    """Return the routes of this module."""
    return (web.get(PATH, events),)


@dataclass(frozen=True, slots=True)
class _Mark:
    """Up to where a reader knows: of the changes whose `seq` is greater than `base`, the reader may know of `count`."""

    base: int
    count: int


async def follow(request: web.Request) -> str:
    """Return the address of the stream of all that changes from now on: ask before reading what the page shows."""
    mark = await _latest(context.of(request).database, context.principal(request))
    return f"{PATH}?since={mark.base}-{mark.count}"


async def events(request: web.Request) -> web.StreamResponse:
    """Send `changed` whenever something changed that this reader may see, until either side goes away.

    With `since` of `follow` also at once, when something changed between reading the page and opening the stream.
    The stream ends with the reader's sign-in.
    """
    app, principal = context.of(request), context.principal(request)
    seen, checked = _given(request) or await _latest(app.database, principal), time.monotonic()
    async with sse_response(request) as stream:
        while stream.is_connected() and not app.stopping.is_set():
            if await _count(app.database, principal, seen.base) != seen.count:
                seen = await _latest(app.database, principal)
                try:
                    await stream.send("1", event="changed")
                except ConnectionResetError:  # readers go on to the next page at any time
                    break
            await _pause(app.stopping)
            if time.monotonic() - checked > CHECK_S:
                if (await credentials.visitor(request)).principal != principal:
                    break
                checked = time.monotonic()
    return stream


def _given(request: web.Request) -> _Mark | None:
    found = _MARK.fullmatch(request.query.get("since", ""))
    return _Mark(int(found[1]), int(found[2])) if found else None


async def _latest(database: Database, principal: Principal) -> _Mark:
    async with database.reading() as db:
        newest = (await db.exec(select(func.max(Change.seq)))).one() or 0
    base = max(0, newest - WINDOW)
    return _Mark(base, await _count(database, principal, base))


async def _count(database: Database, principal: Principal, base: int) -> int:
    """Return how many changes after `base` there are that `principal` may know of.

    Their number, not the greatest `seq`: what is committed late with a lower one must count too.
    """
    query = select(func.count()).select_from(Change).where(col(Change.seq) > base)
    if not principal.of_city:
        query = query.where(col(Change.constituent_id) == principal.constituent_id)
    async with database.reading() as db:
        return (await db.exec(query)).one()


async def _pause(stopping: asyncio.Event) -> None:
    try:
        async with asyncio.timeout(LOOK_S):
            await stopping.wait()
    except TimeoutError:
        return
