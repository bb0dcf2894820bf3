"""The sample pages behind a real server with the real content security policy.

`python -m tests.web.gallery` serves them on 127.0.0.1:8099; pages with nothing to show are below `/bare`.
"""

from __future__ import annotations

from collections.abc import Mapping

from aiohttp import web

from citysec.web import render
from tests.web import samples

HEADERS = {"Content-Security-Policy": render.CONTENT_SECURITY_POLICY}


def application() -> web.Application:
    """Return an application that answers every sample address, and the static files."""
    app = web.Application()
    app.router.add_static("/static", render.STATIC)
    for address, html in pages().items():
        app.router.add_get(address, _handler(html))
    return app


def pages() -> Mapping[str, str]:
    """Return address → HTML of every sample page."""
    full = {address: render.page(*shown) for address, shown in samples.full().items()}
    return full | {f"/bare{address}": render.page(*shown) for address, shown in samples.bare().items()}


def _handler(html: str):
    async def answer(_: web.Request) -> web.Response:
        return web.Response(text=html, content_type="text/html", headers=HEADERS)

    return answer


if __name__ == "__main__":
    web.run_app(application(), host="127.0.0.1", port=8099)
