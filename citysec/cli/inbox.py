"""A mail sink for the demonstration: it takes every message, keeps it, and shows it on a page."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from email import message_from_bytes, policy
from html import escape
from typing import Any

from aiohttp import web

from citysec.tables.columns import now

_STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color-scheme:light dark}"
    "pre{white-space:pre-wrap;border-left:4px solid;padding-left:1rem}summary{cursor:pointer;padding:.25rem 0}"
)


@dataclass(frozen=True, slots=True)
class Mail:
    """One message as it came."""

    to: str
    subject: str
    text: str
    message_id: str
    at: datetime


@dataclass(slots=True)
class Inbox:
    """All messages so far, oldest first; `handle_DATA` is what aiosmtpd calls."""

    mails: list[Mail] = field(default_factory=list[Mail])

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802  # aiosmtpd's name
        """Keep a message once for each recipient."""
        message = message_from_bytes(envelope.content, policy=policy.default)
        body = message.get_body(("plain",))
        text = body.get_content() if body else ""
        for to in envelope.rcpt_tos:
            self.mails.append(Mail(to, str(message["subject"]).strip(), text, str(message["message-id"]), now()))
        return "250 kept"

    async def page(self, _request: web.Request) -> web.Response:
        """Show the messages, newest first."""
        items = "".join(
            f"<details><summary>{m.at:%H:%M:%S} · <b>{escape(m.to)}</b> · {escape(m.subject)}</summary>"
            f"<pre>{escape(m.text)}</pre></details>"
            for m in reversed(self.mails)
        )
        html = (
            f"<!doctype html><html lang=en><meta charset=utf-8><title>Mail sink</title><style>{_STYLE}</style>"
            f"<h1>Mail sink</h1><p>{len(self.mails)} messages. Nothing here has left this machine.</p>{items}"
        )
        return web.Response(text=html, content_type="text/html")


@asynccontextmanager
async def inbox(smtp_port: int, web_port: int) -> AsyncGenerator[Inbox, None]:
    """Run the sink on loopback: SMTP on one port, its page on the other."""
    from aiosmtpd.controller import Controller  # the extra `demo` brings it

    kept = Inbox()
    controller = Controller(kept, hostname="127.0.0.1", port=smtp_port)
    application = web.Application()
    application.add_routes([web.get("/", kept.page)])
    runner = web.AppRunner(application, access_log=None)
    controller.start()
    try:
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", web_port).start()
        yield kept
    finally:
        await runner.cleanup()
        controller.stop()
