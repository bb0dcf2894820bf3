"""The page of lookalikes: which names look like registered ones now, and the allow list."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import Final

from aiohttp import web
from sqlalchemy import text
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from citysec.access import policy
from citysec.access.policy import Action, Principal
from citysec.correlate import allow_list
from citysec.errors import Conflict, InvalidInput, Problem
from citysec.lookalikes.alike import WAYS, Alike, alike, readable
from citysec.observable import reverse_labels
from citysec.tables.matches import OPEN_LOOKALIKES, Match
from citysec.tables.register import AssetOwner, Constituent
from citysec.web import context
from citysec.web import views as v
from citysec.web.console.frame import back, field, show, too_long
from citysec.web.console.live import follow
from citysec.web.console.lookup import address
from citysec.web.context import AppContext

PATH: Final = "/lookalikes"
SHOWN: Final = 100
"""Names that are shown."""
_Open = dict[str, list[tuple[Alike, Match]]]


def routes(_app: AppContext) -> Iterable[web.AbstractRouteDef]:
    """Return the routes of this module."""
    return (web.get(PATH, begin), web.post(f"{PATH}/allow", allow), web.post(f"{PATH}/disallow", disallow))


async def begin(request: web.Request) -> web.Response:
    """Show the names and the list; a name in the address is put into the form."""
    return await _shown(request, name=request.query.get("name", "").replace("\0", "").strip())


async def allow(request: web.Request) -> web.Response:
    """Put the name in the form on the list."""
    principal = context.principal(request)
    policy.demand(principal, Action.ALLOW)
    name, note = await field(request, "name"), await field(request, "note")
    problems = too_long(note, "note")
    if not problems:
        try:
            async with context.of(request).database.writing() as db:
                await allow_list.allow(db, name, note, principal.name)
        except (Conflict, InvalidInput) as err:
            problems = (Problem("name", err.problems[0].message if isinstance(err, InvalidInput) else str(err)),)
        else:
            raise back(PATH, "allow")
    return await _shown(request, name=name, note=note, problems=problems)


async def disallow(request: web.Request) -> web.Response:
    """Take the name in the form off the list; one that is not on it is off it already."""
    principal = context.principal(request)
    policy.demand(principal, Action.ALLOW)
    async with context.of(request).database.writing() as db:
        with suppress(InvalidInput):
            await allow_list.disallow(db, await field(request, "name"), principal.name)
    raise back(PATH, "disallow")


async def _shown(
    request: web.Request, *, name: str = "", note: str = "", problems: tuple[Problem, ...] = ()
) -> web.Response:
    reader = context.principal(request)
    policy.demand(reader, Action.READ_CITY)
    events = await follow(request)
    async with context.of(request).database.reading() as db:
        found, listed = await _open(db, reader), await allow_list.listed(db)
        newest = sorted(found, key=lambda one: max(match.matched_at for _, match in found[one]), reverse=True)[:SHOWN]
        owners = await _owners(db, {match.asset_id or 0 for one in newest for _, match in found[one]})
    view = v.LookalikesView(
        rows=[_row(one, found[one], owners) for one in newest],
        total=len(found),
        allowed=[v.AllowedRow(name=reverse_labels(e.key), note=e.note, by=e.by, at=e.at) for e in listed],
        may_allow=policy.may(reader, Action.ALLOW),
        name=name,
        note=note,
        problems=problems,
    )
    return await show(request, view, status=422 if problems else 200, events=events)


async def _open(db: AsyncSession, reader: Principal) -> _Open:
    """Return name -> its open matches that the reader may know of."""
    query = select(Match).where(text(OPEN_LOOKALIKES))
    found: _Open = {}
    for match in await db.exec(query.where(policy.matches(reader)).order_by(col(Match.id))):
        like = alike(match.about)
        if like is not None:
            found.setdefault(like.name, []).append((like, match))
    return found


async def _owners(db: AsyncSession, asset_ids: Iterable[int]) -> dict[int, list[v.Named]]:
    query = (
        select(AssetOwner.asset_id, Constituent.slug, Constituent.name)
        .join(Constituent, col(Constituent.id) == col(AssetOwner.constituent_id))
        .where(col(AssetOwner.asset_id).in_(list(asset_ids)))
        .order_by(col(Constituent.name))
    )
    found: dict[int, list[v.Named]] = {}
    for asset_id, slug, name in await db.exec(query):
        found.setdefault(asset_id, []).append(v.Named(slug=slug, name=name))
    return found


def _row(name: str, matches: Sequence[tuple[Alike, Match]], owners: dict[int, list[v.Named]]) -> v.LookalikeRow:
    whose = {one.slug: one for _, match in matches for one in owners.get(match.asset_id or 0, ())}
    shown = readable(name)
    return v.LookalikeRow(
        name=name,
        shown=shown if shown != name else "",
        of=sorted({like.of for like, _ in matches}),
        way=WAYS[matches[0][0].kind],
        new=all(like.new for like, _ in matches),
        certain=any(match.certain for _, match in matches),
        owners=list(whose.values()),
        since=min(match.matched_at for _, match in matches),
        why=address(matches[0][1].indicator_id, next(iter(whose), "")),
    )
