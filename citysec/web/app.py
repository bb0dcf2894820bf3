"""The HTTP application, put together from its parts."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from aiohttp import web

from citysec.web import api, console, middleware, operate, public, taxii
from citysec.web.context import CONTEXT, AppContext

__all__ = ["AppContext", "application"]

PARTS: Final[tuple[Callable[[AppContext], Iterable[web.AbstractRouteDef]], ...]] = (
    operate.routes,
    api.routes,
    taxii.routes,
    console.routes,
    public.routes,
)
"""Each part of the site: the function that gives its routes."""


def application(app: AppContext) -> web.Application:
    """Return the application for `app`; larger bodies than `api_max_bytes` are refused while they come in."""
    application = web.Application(middlewares=middleware.MIDDLEWARES, client_max_size=app.settings.api_max_bytes)
    application[CONTEXT] = app
    application.on_response_prepare.append(middleware.add_security_headers)
    for routes in PARTS:
        application.add_routes(routes(app))
    return application
