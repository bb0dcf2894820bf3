"""The pages' own files: styles, scripts, pictures."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import PurePosixPath
from typing import Final

from aiohttp import web

from citysec.errors import NotShared
from citysec.web.context import AppContext
from citysec.web.render import STATIC

_TYPES: Final = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml", ".png": "image/png"}


def routes(_app: AppContext) -> Iterable[web.AbstractRouteDef]:
    """Return the routes of this module."""
    return (web.get("/static/{name:.+}", static),)


async def static(request: web.Request) -> web.FileResponse:
    """Send a file; its address changes with its content, so it may be kept for ever.

    Raises:
        NotShared: there is no such file, or it is none that pages use.
    """
    name = PurePosixPath(request.match_info["name"])
    file = STATIC / name
    if name.is_absolute() or ".." in name.parts or name.suffix not in _TYPES or not file.is_file():
        raise NotShared("a static file")
    headers = {"Content-Type": _TYPES[name.suffix], "Cache-Control": "public, max-age=31536000, immutable"}
    return web.FileResponse(file, headers=headers)
