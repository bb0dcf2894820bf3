"""What needs no account: an advisory by its signed link, public advisories, and the pages' own files."""

from __future__ import annotations

from collections.abc import Iterable

from aiohttp import web

from citysec.web.context import AppContext
from citysec.web.public import advisories, letter, static


def routes(app: AppContext) -> Iterable[web.AbstractRouteDef]:
    """Return the routes of this part."""
    for part in (letter, advisories, static):
        yield from part.routes(app)
