"""The sample pages behind a real server with the real content security policy.

`python -m tests.web.gallery` serves them on 127.0.0.1:8099; pages with nothing to show are below `/bare`, and `/live`
is an incident that updates itself when somebody posts to `/live/close`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace

from aiohttp import web
from aiohttp_sse import sse_response

from citysec.web import render
from citysec.web.middleware import SECURITY_HEADERS
from tests.web import samples

HEADERS = dict(SECURITY_HEADERS)
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
CLOSED = web.AppKey("closed", asyncio.Event)
STOPPING = web.AppKey("stopping", asyncio.Event)


def application() -> web.Application:
    """Return an application that answers every sample address, and the static files."""
    app = web.Application()
    app[CLOSED], app[STOPPING] = asyncio.Event(), asyncio.Event()
    app.on_shutdown.append(_stop)
    app.router.add_static("/static", render.STATIC)
    for address, html in pages().items():
        app.router.add_get(address, _handler(html))
    app.router.add_post("/a/token", _echo)
    app.router.add_get("/live", _live)
    app.router.add_post("/live/close", _close)
    app.router.add_get("/events", _events)
    return app


def pages() -> Mapping[str, str]:
    """Return address → HTML of every sample page."""
    full = {address: render.page(*shown) for address, shown in samples.full().items()}
    return full | {f"/bare{address}": render.page(*shown) for address, shown in samples.bare().items()}


def _handler(html: str) -> Handler:
    async def answer(_: web.Request) -> web.StreamResponse:
        return _html(html)

    return answer


async def _echo(request: web.Request) -> web.StreamResponse:
    fields = await request.post()
    return web.Response(text=" ".join(f"{name}={value}" for name, value in fields.items()))


async def _live(request: web.Request) -> web.StreamResponse:
    frame, view = samples.full()["/incidents/city"]
    state = "closed" if request.app[CLOSED].is_set() else "open"
    return _html(render.page(replace(frame, path="/live", events="/events"), replace(view, state=state)))


async def _close(request: web.Request) -> web.StreamResponse:
    request.app[CLOSED].set()
    return web.Response()


async def _stop(app: web.Application) -> None:
    """End all streams, for whatever they wait: the server waits for them."""
    app[CLOSED].set()
    app[STOPPING].set()


async def _events(request: web.Request) -> web.StreamResponse:
    async with sse_response(request, headers=HEADERS) as stream:
        await request.app[CLOSED].wait()
        await stream.send("1", event="changed")
        await request.app[STOPPING].wait()
    return stream


def _html(text: str) -> web.Response:
    return web.Response(text=text, content_type="text/html", headers=HEADERS)


if __name__ == "__main__":
    web.run_app(application(), host="127.0.0.1", port=8099)
