"""The console: what people of the city and of constituents look at, and what they do there."""

from __future__ import annotations

from collections.abc import Iterable

from aiohttp import web

from citysec.web.console import (
    advisory,
    announce,
    board,
    constituent,
    feed,
    incident,
    live,
    lookalikes,
    lookup,
    operate,
    possible,
    question,
    sign,
    submit,
)
from citysec.web.context import AppContext


def routes(app: AppContext) -> Iterable[web.AbstractRouteDef]:
    """Return the routes of every page of the console."""
    acting = (sign, board, incident, announce, advisory, question, constituent, operate, feed, submit)
    for part in (*acting, lookup, lookalikes, possible, live):
        yield from part.routes(app)
