"""Telling the public: write it, look at what everybody would read, publish it; correct it, or withdraw it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from enum import StrEnum
from typing import Final

from aiohttp import web
from sqlmodel import col, or_, select
from sqlmodel.ext.asyncio.session import AsyncSession

from citysec.access import policy
from citysec.access.policy import Action
from citysec.advisories.announce import Statement, announce, draft, newest, withdraw
from citysec.advisories.content import from_json
from citysec.errors import Conflict, InvalidInput, Problem
from citysec.tables.advisories import Advisory
from citysec.tables.incidents import Incident
from citysec.tables.register import Constituent
from citysec.web import context, render
from citysec.web import views as v
from citysec.web.console.frame import back, field, show, too_long
from citysec.web.console.incident import find
from citysec.web.console.rows import incident_rows
from citysec.web.context import AppContext
from citysec.web.public.body import body_of

PATH: Final = "/incidents/{id}/public"
_EMPTY: Final[Mapping[str, str]] = {"title": "Enter a title.", "what": "Say what happened."}
_WHY: Final = Problem("note", "Say why, for the record.")
_CONFIRM: Final = Problem("confirm", "Confirm that everybody may read this.")
_MOVED: Final = Problem(
    "", "Somebody has changed what the public reads since you began. Look at it, then decide again."
)


class _Step(StrEnum):
    """Where a form leads."""

    CHECK = "check"
    EDIT = "edit"
    PUBLISH = "publish"


def routes(_app: AppContext) -> Iterable[web.AbstractRouteDef]:
    """Return the routes of this module."""
    return (web.get(PATH, begin), web.post(PATH, go_on), web.post(f"{PATH}/withdraw", take_back))


async def begin(request: web.Request) -> web.Response:
    """Show the form, filled with what the public reads now."""
    found = await _own(request)
    return await _form(request, found, _wording(await _newest(request, found)))


async def go_on(request: web.Request) -> web.Response:
    """Show what everybody would read, show the form again, or publish."""
    found, wording = await _own(request), await _sent(request)
    try:
        return await _taken(request, found, wording, await field(request, "step"))
    except InvalidInput as err:
        problems = tuple(_said(problem) for problem in err.problems)
        return await _form(request, found, wording, problems=problems)
    except Conflict:
        moved = replace(wording, revision=_wording(await _newest(request, found)).revision)
        return await _form(request, found, moved, problems=(_MOVED,), status=409)


async def take_back(request: web.Request) -> web.Response:
    """Withdraw what the public reads."""
    found, note, sent = await _own(request), await field(request, "note"), await _sent(request)
    wording = _wording(await _newest(request, found))
    if problems := too_long(note, "note") if note else (_WHY,):
        return await _form(request, found, wording, note=note, problems=problems)
    try:
        async with context.of(request).database.writing() as db:
            await withdraw(db, found.id, note, actor=context.principal(request).name, after=sent.revision)
    except Conflict:
        return await _form(request, found, wording, note=note, problems=(_MOVED,), status=409)
    raise back(f"/incidents/{found.id}", "withdraw")


async def _taken(request: web.Request, found: Incident, wording: v.Wording, step: str) -> web.Response:
    """Take the step that the form asks for; what it does not name is a look first."""
    if step == _Step.EDIT:
        return await _form(request, found, wording)
    if step != _Step.PUBLISH:
        return await _check(request, found, wording)
    if await field(request, "confirm") != "yes":
        return await _check(request, found, wording, (_CONFIRM,))
    async with context.of(request).database.writing() as db:
        actor = context.principal(request).name
        await announce(db, found.id, _statement(wording), actor=actor, after=wording.revision)
    raise back(f"/incidents/{found.id}", "announce")


async def _own(request: web.Request) -> Incident:
    """Return the incident of the address, for who may tell the public about it.

    Raises:
        Forbidden: the reader may not.
        NotShared: it does not exist, for this reader.
    """
    principal = context.principal(request)
    policy.demand(principal, Action.ANNOUNCE)
    async with context.of(request).database.reading() as db:
        return await find(db, principal, request.match_info["id"])


async def _newest(request: web.Request, found: Incident) -> Advisory | None:
    async with context.of(request).database.reading() as db:
        return await newest(db, found.id)


async def _form(
    request: web.Request,
    found: Incident,
    wording: v.Wording,
    *,
    note: str = "",
    problems: tuple[Problem, ...] = (),
    status: int = 422,
) -> web.Response:
    """Show the form filled with `wording`; with `problems` as a refusal of `status`."""
    async with context.of(request).database.reading() as db:
        standing = await newest(db, found.id)
        (row,) = await incident_rows(db, context.principal(request), [found])
    shown = v.PublicAdvisoryView(id=standing.id, advisory=body_of(standing)) if standing else None
    view = v.AnnounceView(incident=row, wording=wording, standing=shown, note=note, problems=problems)
    return await show(request, view, status=status if problems else 200)


async def _check(
    request: web.Request, found: Incident, wording: v.Wording, problems: tuple[Problem, ...] = ()
) -> web.Response:
    """Show what the public would read, and whose names stand in it.

    Raises:
        InvalidInput: it cannot be published.
    """
    statement = _statement(wording)
    async with context.of(request).database.reading() as db:
        advisory = await draft(db, found.id, statement)
        (row,) = await incident_rows(db, context.principal(request), [found])
        concerned = await _concerned(db, found)
    view = v.AnnounceCheckView(
        incident=row,
        wording=wording,
        advisory=body_of(advisory),
        named=tuple(name for name in concerned if _names(name, "\n".join(statement.texts.values()))),
        problems=problems,
    )
    return await show(request, view, status=422 if problems else 200)


async def _concerned(db: AsyncSession, found: Incident) -> Sequence[str]:
    """Return the names of the constituents that the threat concerns, at this incident or beside it."""
    root = found.parent_id or found.id
    query = (
        select(col(Constituent.name))
        .join(Incident, col(Incident.constituent_id) == col(Constituent.id))
        .where(or_(col(Incident.id) == root, col(Incident.parent_id) == root))
    )
    return (await db.exec(query.distinct().order_by(col(Constituent.name)))).all()


def _names(constituent: str, text: str) -> bool:
    """Tell whether `text` names a constituent, in full or as people say it."""
    return re.search(rf"\b{re.escape(render.short(constituent))}\b", text, re.IGNORECASE) is not None


async def _sent(request: web.Request) -> v.Wording:
    title, what, todo, change = [await field(request, name) for name in ("title", "what", "todo", "change")]
    revision = await field(request, "revision")
    number = int(revision) if re.fullmatch("[0-9]{1,9}", revision) else 0
    return v.Wording(title=title, what=what, todo=todo, change=change, revision=number)


def _wording(standing: Advisory | None) -> v.Wording:
    """Return the form as it is to begin with: with what the public reads now, to be corrected."""
    if standing is None:
        return v.Wording()
    content = from_json(standing.content)
    if content.withdrawn:
        return v.Wording(revision=standing.revision)
    return v.Wording(title=content.title, what=content.what, todo="\n".join(content.todo), revision=standing.revision)


def _statement(wording: v.Wording) -> Statement:
    steps = tuple(step for line in wording.todo.splitlines() if (step := line.strip()))
    return Statement(wording.title, wording.what, steps, wording.change)


def _said(problem: Problem) -> Problem:
    """Return a problem as a form says it."""
    empty = problem.message == "must not be empty"
    message = _EMPTY[problem.at] if empty else f"{problem.message[:1].upper()}{problem.message[1:]}."
    return Problem(problem.at, message)
