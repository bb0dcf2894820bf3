"""Live pages: a stream that says when something that its reader may see has changed."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable
from typing import Final

from aiohttp import web
from aiohttp_sse import sse_response
from sqlalchemy import func
from sqlmodel import col, select

from citysec.access.policy import Principal
from citysec.db import Database
from citysec.tables.work import Change
from citysec.web import context
from citysec.web.context import AppContext

PATH: Final = "/events"
LOOK_S: Final = 0.5
"""How often a stream looks for changes: pages lag at most this long, and renew themselves no more often than that."""
_NUMBER: Final = re.compile(r"[0-9]{1,18}")


def routes(_app: AppContext) -> Iterable[web.AbstractRouteDef]:
    """Return the routes of this module."""
    return (web.get(PATH, events),)


async def follow(request: web.Request) -> str:
    """Return the address of the stream of all that changes from now on: ask before reading what the page shows."""
    return f"{PATH}?since={await _changes(context.of(request).database, context.principal(request))}"


async def events(request: web.Request) -> web.StreamResponse:
    """Send `changed` whenever something changed that this reader may see, until either side goes away.

    With `since` of `follow` also at once, when something changed between reading the page and opening the stream.
    """
    app, principal = context.of(request), context.principal(request)
    async with sse_response(request) as stream:
        given = request.query.get("since", "")
        seen = int(given) if _NUMBER.fullmatch(given) else await _changes(app.database, principal)
        while stream.is_connected() and not app.stopping.is_set():
            latest = await _changes(app.database, principal)
            if latest != seen:
                seen = latest
                await stream.send("1", event="changed")
            await _pause(app.stopping)
    return stream


async def _changes(database: Database, principal: Principal) -> int:
    """Return how many changes there were that `principal` may know of.

    Their number, not the greatest `seq`: what is committed late with a lower one must count too.
    """
    query = select(func.count()).select_from(Change)
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
