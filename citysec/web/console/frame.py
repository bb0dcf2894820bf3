"""The frame of a page: who reads it, and what keeps it fresh."""

from __future__ import annotations

from typing import Final

from aiohttp import web

from citysec.access.policy import Principal
from citysec.errors import Problem
from citysec.tables.columns import now
from citysec.tables.register import Constituent
from citysec.web import context, render
from citysec.web.views import Named, Page, Reader, View

LONGEST_NOTE: Final = 4000


async def show(request: web.Request, view: View, *, status: int = 200, events: str | None = None) -> web.Response:
    """Answer with `view` in its frame; with `events` the page renews itself when something changes."""
    visitor = context.visitor(request)
    page = Page(
        city=context.of(request).settings.city,
        now=now(),
        path=request.path,
        query=request.query_string,
        reader=await _reader(request, visitor.principal) if visitor.principal else None,
        csrf=visitor.csrf,
        events=events,
        notice=NOTICES.get(request.query.get("done", "")),
    )
    return web.Response(status=status, text=render.page(page, view), content_type="text/html")


NOTICES = {
    "contain": "The incident is marked as contained.",
    "close": "The incident is closed.",
    "reopen": "The incident is open again.",
    "note": "The note is in the timeline.",
    "answer": "Your answer is recorded; the playbook goes on.",
    "announce": "The public can read it now.",
    "withdraw": "It is withdrawn, and its page says so.",
    "acknowledge": "Your answer is recorded.",
    "poll": "The feed will be polled in a moment.",
    "enable": "The feed is switched on, and polled in a moment.",
    "disable": "The feed is switched off. What it brought stays.",
    "accept": "The next list will be believed, however short it is.",
    "allow": "The name is allowed. Its matches end in a moment.",
    "disallow": "The name is not allowed any more. Its matches come back in a moment.",
    "submit": "It is stored. What it touches is being looked for now.",
    "replay": "It was tried again. What is still refused is listed below.",
}
"""What the reader has just done, by the `done` parameter of the address it is sent back to."""


async def _reader(request: web.Request, principal: Principal) -> Reader:
    if principal.constituent_id is None:
        return Reader(name=principal.name, role=principal.role)
    async with context.of(request).database.reading() as db:
        home = await db.get_one(Constituent, principal.constituent_id)
    return Reader(name=principal.name, role=principal.role, constituent=Named(slug=home.slug, name=home.name))


def back(path: str, done: str) -> web.HTTPSeeOther:
    """Return the redirect to the page after a form, with a sentence about what was done."""
    return web.HTTPSeeOther(f"{path}?done={done}")


def offset(request: web.Request) -> int:
    """Return from which row on a list is to be shown: `from` in the address."""
    text = request.query.get("from", "0")
    return min(int(text), 100_000) if text.isascii() and text.isdecimal() else 0


async def field(request: web.Request, name: str) -> str:
    """Return a form's text field without blanks around it, with plain line ends; empty where it is missing."""
    value = (await request.post()).get(name, "")
    return value.replace("\0", "").replace("\r\n", "\n").strip() if isinstance(value, str) else ""


def too_long(text: str, at: str) -> tuple[Problem, ...]:
    """Return what is wrong with a note that is longer than one may be: it is refused whole, never cut."""
    if len(text) <= LONGEST_NOTE:
        return ()
    return (Problem(at, f"Use at most {LONGEST_NOTE:,} characters; this has {len(text):,}."),)
