"""A publisher on the loopback interface that does what the test tells it to."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from aiohttp import web
from aiohttp.test_utils import TestServer

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass
class Publisher:
    """`answers` are used up in turn, the last one again and again; `asked` holds the requests."""

    server: TestServer
    answers: list[Handler] = field(default_factory=list[Handler])
    asked: list[web.Request] = field(default_factory=list[web.Request])

    @property
    def url(self) -> str:
        """Its address, as `http://127.0.0.1:PORT/feed`."""
        return str(self.server.make_url("/feed"))

    @property
    def host(self) -> str:
        """`host:port`, for allow lists."""
        return f"127.0.0.1:{self.server.port}"

    def will(self, *answers: Handler | bytes) -> None:
        """Answer like this from now on; bytes are a body with status 200."""
        self.answers = [sends(answer) if isinstance(answer, bytes) else answer for answer in answers]

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """Answer `request` as told."""
        self.asked.append(request)
        return await (self.answers.pop(0) if len(self.answers) > 1 else self.answers[0])(request)


def sends(body: bytes = b"", status: int = 200, **headers: str) -> Handler:
    """Answer with `body`; underscores in header names stand for hyphens."""

    async def answer(_request: web.Request) -> web.Response:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return web.Response(body=body, status=status, headers=named)

    return answer
