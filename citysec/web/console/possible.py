"""The page of possible matches: open no incident, tell nobody, and wait for a person to look at them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from aiohttp import web
from sqlalchemy import ColumnElement
from sqlmodel import col

from citysec.access import policy
from citysec.access.policy import Action
from citysec.tables.matches import Match
from citysec.web import context
from citysec.web import views as v
from citysec.web.console.frame import offset, show
from citysec.web.console.live import follow
from citysec.web.console.reasons import SHOWN, matches_where
from citysec.web.context import AppContext

PATH: Final = "/possible"


def routes(_app: AppContext) -> Iterable[web.AbstractRouteDef]:
    """Return the routes of this module."""
    return (web.get(PATH, begin),)


def possible() -> tuple[ColumnElement[bool], ...]:
    """Return what is true of open matches that are no more than possible."""
    return ~col(Match.certain), col(Match.closed_at).is_(None)


async def begin(request: web.Request) -> web.Response:
    """Show the surest, or those from a row on."""
    reader = context.principal(request)
    policy.demand(reader, Action.READ_CITY)
    events, start = await follow(request), offset(request)
    app = context.of(request)
    async with app.database.reading() as db:
        found, total = await matches_where(db, reader, possible(), app.feeds, start)
    rest = f"{PATH}?from={start + SHOWN}" if total > start + SHOWN else None
    return await show(request, v.PossibleView(matches=found, total=total, next_page=rest), events=events)
