"""An advisory as its recipient's people and the city's team read it when they are signed in."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from aiohttp import web
from sqlmodel import col, select

from citysec.access import policy
from citysec.access.policy import Action
from citysec.errors import NotShared
from citysec.tables.advisories import Advisory
from citysec.tables.register import Constituent
from citysec.web import context
from citysec.web.context import AppContext
from citysec.web.public.letter import Letter, answer_letter, show_letter

PATH: Final = "/advisory/{id}"


def routes(_app: AppContext) -> Iterable[web.AbstractRouteDef]:
    """Return the routes of this module."""
    return (web.get(PATH, advisory), web.post(PATH, answer))


async def advisory(request: web.Request) -> web.Response:
    """Show the advisory."""
    return await show_letter(request, await _find(request))


async def answer(request: web.Request) -> web.Response:
    """Keep the answer of the account that is signed in."""
    policy.demand(context.principal(request), Action.ACKNOWLEDGE)
    return await answer_letter(request, await _find(request))


async def _find(request: web.Request) -> Letter:
    """Return the advisory of the address, if this reader may have it.

    Raises:
        NotShared: it does not exist, for this reader.
    """
    principal = context.principal(request)
    query = (
        select(Advisory, Constituent)
        .join(Constituent, col(Constituent.id) == col(Advisory.constituent_id))
        .where(col(Advisory.id) == request.match_info["id"], policy.advisories(principal))
    )
    async with context.of(request).database.reading() as db:
        found = (await db.exec(query)).first()
    if found is None:
        raise NotShared("an advisory")
    return Letter(*found, account=principal.name, may_answer=policy.may(principal, Action.ACKNOWLEDGE))
