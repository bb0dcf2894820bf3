"""What monitoring asks: is it alive, is it ready, how much is there of what."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence

from aiohttp import web
from sqlalchemy.exc import DBAPIError
from sqlmodel import select

from citysec.errors import NotShared
from citysec.tables.work import Meta
from citysec.web import context, metrics
from citysec.web.context import AppContext


def routes(_app: AppContext) -> Sequence[web.AbstractRouteDef]:
    """Return the routes of this part."""
    return [web.get("/healthz", healthz), web.get("/readyz", readyz), web.get("/metrics", numbers)]


async def healthz(_request: web.Request) -> web.Response:
    """Say that the process answers."""
    return web.json_response({"alive": True})


async def readyz(request: web.Request) -> web.Response:
    """Say whether the database answers too; 503 where it does not."""
    try:
        async with context.of(request).database.reading() as db:
            await db.exec(select(Meta).limit(1))
    except (DBAPIError, OSError):
        return web.json_response({"ready": False}, status=503)
    return web.json_response({"ready": True})


async def numbers(request: web.Request) -> web.Response:
    """Answer `/metrics` to this machine and to the city's own accounts; for others it does not exist."""
    who = context.visitor(request).principal
    if not (who and who.of_city) and not _from_here(request):
        raise NotShared
    app = context.of(request)
    async with app.database.reading() as db:
        text = await app.metrics.text(db)
    return web.Response(body=text, headers={"Content-Type": metrics.CONTENT_TYPE})


def _from_here(request: web.Request) -> bool:
    """Return whether a process of this machine asks for itself: a proxy, which asks for others, says so."""
    forwarded = any(name in request.headers for name in ("Forwarded", "X-Forwarded-For", "Via"))
    return not forwarded and bool(request.remote) and ipaddress.ip_address(request.remote or "").is_loopback
