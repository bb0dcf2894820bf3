"""Signing in and out."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from aiohttp import web

from citysec.errors import Problem, TooManyAttempts, Unauthenticated
from citysec.web import context, credentials
from citysec.web.console.frame import field, show
from citysec.web.context import AppContext
from citysec.web.views import SignInView

_LONGEST_NAME: Final = 200
"""No account has a longer one, and what is tried is remembered for a while."""


def routes(_app: AppContext) -> Iterable[web.AbstractRouteDef]:
    """Return the routes of this module."""
    return (
        web.get("/sign-in", sign_in_form),
        web.post("/sign-in", sign_in),
        web.post("/sign-out", sign_out),
    )


async def sign_in_form(request: web.Request) -> web.Response:
    """Show the form; whoever is signed in goes on to where they wanted."""
    goal = _local(request.query.get("next", "/"))
    if context.visitor(request).principal is not None:
        raise web.HTTPSeeOther(goal)
    return await show(request, SignInView(next=goal))


async def sign_in(request: web.Request) -> web.Response:
    """Check name and password; a refusal shows the form again, and does not tell which of the two was wrong."""
    name, goal = (await field(request, "name"))[:_LONGEST_NAME], _local(await field(request, "next") or "/")
    password = (await request.post()).get("password", "")
    try:
        opened = await credentials.sign_in(request, name, password if isinstance(password, str) else "")
    except (Unauthenticated, TooManyAttempts) as err:
        late = isinstance(err, TooManyAttempts)
        said = "Too many attempts: wait a minute." if late else "The name or the password is not right."
        view = SignInView(name=name, next=goal, problems=(Problem("name", said),))
        return await show(request, view, status=429 if late else 401)
    response = web.HTTPSeeOther(goal)
    credentials.remember(request, response, opened)
    raise response


async def sign_out(request: web.Request) -> web.Response:
    """End the session."""
    response = web.HTTPSeeOther("/sign-in")
    await credentials.sign_out(request, response)
    raise response


def _local(path: str) -> str:
    """Return `path` if it stays on this site, else the front page: nobody is sent elsewhere by a link to us."""
    fine = path.startswith("/") and not path.startswith("//") and "\\" not in path and path.isprintable()
    return path if fine else "/"
