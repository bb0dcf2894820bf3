"""Receivers that are away, refuse or hang, and a service that is asked to stop meanwhile."""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path

from aiohttp import web
from aiosmtpd.smtp import SMTP, Envelope, Session
from sqlmodel import select

from citysec.cli.instance import free_port
from citysec.db import Database
from citysec.tables import Constituent, Contact
from tests.advisories.channels.receivers import SECRET, Hook, MailSink
from tests.faults.outcome import Outcome
from tests.faults.town import TOUCHED, Town, mailbox
from tests.waiting import until

RETRY = {"CITYSEC_DELIVERY_RETRY_S": "0.1"}
ONCE_EACH = [mailbox(name) for name in TOUCHED]


@dataclass
class Hanging(MailSink):
    """A mail relay that says nothing more once it has a message."""

    has_one: asyncio.Event = field(default_factory=asyncio.Event)

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        self.has_one.set()
        return await asyncio.Future[str]()


async def test_a_relay_that_comes_late_gets_each_message_once(settled_town: Town, tmp_path: Path, undisturbed: Outcome):
    relay = MailSink(free_port())
    town = settled_town.copied(tmp_path / "town", RETRY | {"CITYSEC_SMTP_PORT": str(relay.port)})
    with town.serving() as service:
        await town.until(lambda found: [error is None for *_, error in found["deliveries"]] == [False] * len(TOUCHED))
        async with relay.listening():
            await town.comes_to(undisturbed)
        service.stop()
    assert sorted(mail["to"] for mail in relay.mails) == ONCE_EACH


async def test_a_webhook_that_fails_is_called_again_as_the_same(settled_town: Town, tmp_path: Path, mails: MailSink):
    async with Hook(deque([web.Response(status=500)])).listening() as hook:
        allowed = {"CITYSEC_WEBHOOK_ALLOW_HOSTS": hook.url.authority, "CITYSEC_SMTP_PORT": str(mails.port)}
        town = settled_town.copied(tmp_path / "town", RETRY | allowed)
        await _add_webhook(town, hook)
        with town.serving() as service:
            await town.until(lambda found: [str(hook.url), "sent"] in [[a, s] for a, _, _, s, _ in found["deliveries"]])
            service.stop()
    first, again = hook.got
    assert first == again


async def test_it_stops_when_asked_though_a_relay_hangs(settled_town: Town, tmp_path: Path, undisturbed: Outcome):
    async with Hanging().listening() as relay:
        town = settled_town.copied(tmp_path / "town", {"CITYSEC_SMTP_PORT": str(relay.port)})
        with town.serving() as service:
            await until(relay.has_one.is_set)
            service.stop()
    assert "service.stopped" in town.log.read_text()
    async with MailSink(relay.port).listening() as relay:
        with town.serving() as service:
            await town.comes_to(undisturbed)
            service.stop()
    assert sorted(mail["to"] for mail in relay.mails) == ONCE_EACH


async def _add_webhook(town: Town, hook: Hook) -> None:
    async with Database.opened(town.settings.app_database) as database, database.writing() as db:
        borough = (await db.exec(select(Constituent).where(Constituent.name == TOUCHED[0]))).one()
        contact = Contact(constituent_id=borough.id, name="SOAR", channel="webhook", address=str(hook.url))
        contact.secret = SECRET
        db.add(contact)
