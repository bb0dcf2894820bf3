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
_FILES: Final = frozenset(
    file.relative_to(STATIC).as_posix() for file in STATIC.rglob("*") if file.suffix in _TYPES and file.is_file()
)
"""What there is, listed once: no address can lead to another file."""


def routes(_app: AppContext) -> Iterable[web.AbstractRouteDef]:
    """Return the routes of this module."""
    return (web.get("/static/{name:.+}", static),)


async def static(request: web.Request) -> web.FileResponse:
    """Send a file; its address changes with its content, so it may be kept for ever.

    Raises:
        NotShared: there is no such file, or it is none that pages use.
    """
    name = request.match_info["name"]
    if name not in _FILES:
        raise NotShared("a static file")
    content_type = _TYPES[PurePosixPath(name).suffix]
    headers = {"Content-Type": content_type, "Cache-Control": "public, max-age=31536000, immutable"}
    return web.FileResponse(STATIC / name, headers=headers)
