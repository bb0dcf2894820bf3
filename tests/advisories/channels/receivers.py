"""Small real receivers that tests tell how to behave."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any, Self

from aiohttp import web
from aiohttp.test_utils import TestServer
from aiosmtpd.smtp import SMTP, Envelope, Session
from standardwebhooks import Webhook
from yarl import URL

from citysec.advisories.channels.mail import Relay
from citysec.advisories.channels.message import Message
from tests.advisories.test_compose import NOON

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


@dataclass
class MailSink:
    """A mail relay; `rcpt` and `data` hold what it answers next, then it takes everything."""

    port: int = 0
    rcpt: deque[str] = field(default_factory=deque[str])
    data: deque[str] = field(default_factory=deque[str])
    mails: list[EmailMessage] = field(default_factory=list[EmailMessage])

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self.rcpt:
            return self.rcpt.popleft()
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        if self.data:
            return self.data.popleft()
        assert isinstance(envelope.content, bytes)
        mail = message_from_bytes(envelope.content, policy=policy.default)
        assert isinstance(mail, EmailMessage)
        self.mails.append(mail)
        return "250 OK"

    @property
    def relay(self) -> Relay:
        return Relay("127.0.0.1", self.port, "citysec <desk@city.example>", timeout_s=5)

    @asynccontextmanager
    async def listening(self) -> AsyncGenerator[Self, None]:
        """Listen on the port, a free one the first time."""
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: SMTP(self, loop=loop, hostname="sink"), "127.0.0.1", self.port)
        async with server:
            self.port = server.sockets[0].getsockname()[1]
            yield self


@dataclass
class Hook:
    """A receiver of webhooks that verifies what it gets; `answers` holds what it says next, then 204."""

    answers: deque[web.Response] = field(default_factory=deque[web.Response])
    got: list[tuple[str, dict[str, Any]]] = field(default_factory=list[tuple[str, dict[str, Any]]])
    url: URL = field(default_factory=URL)

    async def receive(self, request: web.Request) -> web.Response:
        content = Webhook(SECRET).verify(await request.read(), dict(request.headers))
        self.got.append((request.headers["webhook-id"], content))
        return self.answers.popleft() if self.answers else web.Response(status=204)

    @asynccontextmanager
    async def listening(self) -> AsyncGenerator[Hook, None]:
        app = web.Application()
        app.router.add_post("/in", self.receive)
        async with TestServer(app) as server:
            self.url = server.make_url("/in")
            yield self


def message(**facts: Any) -> Message:
    given: dict[str, Any] = {"id": "d" * 64, "thread": "d" * 64, "address": "soc@camden.example", "secret": SECRET}
    return Message(
        **given | facts, at=NOON, subject="[TLP:GREEN] Ärger", text="Grüße\n", html="<p>Grüße", payload={"type": "x"}
    )
