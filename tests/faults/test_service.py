"""Killed with -9 anywhere on the way from a feed to a message, the service comes to the same end."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from aiosmtpd.smtp import SMTP, Envelope, Session

from citysec.settings import Settings
from tests.advisories.channels.receivers import MailSink
from tests.faults.outcome import Outcome
from tests.faults.points import WAY, Point
from tests.faults.town import TOUCHED, Town, mailbox
from tests.processes import Program


class Murderer(MailSink):
    """A mail relay that takes the first message and kills the sender before it learns so."""

    victim: Program | None = None

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        answer = await super().handle_DATA(server, session, envelope)
        if self.victim is not None:
            self.victim.kill()
            self.victim = None
        return answer


def test_undisturbed_it_opens_incidents_asks_and_tells(undisturbed: Outcome):
    everybody = sorted({*TOUCHED, "the city"})
    for fact in ("incidents", "runs", "questions"):
        assert [who for who, *_ in undisturbed[fact]] == everybody
    assert [address for address, *_ in undisturbed["deliveries"]] == [mailbox(name) for name in TOUCHED]


@pytest.mark.parametrize("points", WAY.values(), ids=WAY)
async def test_kills_around_a_commit_change_nothing(
    town: Town, points: Sequence[Point], undisturbed: Outcome, mails: MailSink
):
    await _dies_and_recovers(town, points, undisturbed)
    assert _were_told_once(mails)


@pytest.mark.postgres
async def test_kills_around_commits_change_nothing_on_postgresql(
    tmp_path: Path, postgres_url: str, undisturbed: Outcome, mails: MailSink
):
    town = Town(Settings(data_dir=tmp_path, database_url=postgres_url), {"CITYSEC_SMTP_PORT": str(mails.port)})
    await town.settle()
    town.hear()
    await _dies_and_recovers(town, [*WAY["match"], *WAY["delivery-sent"]], undisturbed)
    assert _were_told_once(mails)


async def test_a_message_taken_but_not_recorded_is_sent_again_as_the_same(
    settled_town: Town, tmp_path: Path, undisturbed: Outcome
):
    async with Murderer().listening() as relay:
        town = settled_town.copied(tmp_path / "town", {"CITYSEC_SMTP_PORT": str(relay.port)})
        with town.serving() as relay.victim:
            await relay.victim.killed_itself()
        with town.serving() as service:
            await town.comes_to(undisturbed)
            service.stop()
    assert len(relay.mails) > len(TOUCHED)
    assert _were_told_once(relay)


async def _dies_and_recovers(town: Town, points: Sequence[Point], undisturbed: Outcome) -> None:
    for point in points:
        with town.serving(point) as service:
            await service.killed_itself()
    with town.serving() as service:
        await town.comes_to(undisturbed)
        service.stop()
    assert await town.outcome() == undisturbed


def _were_told_once(relay: MailSink) -> bool:
    """Tell whether each borough touched has got one message; a repeat with the same `Message-ID` counts as one."""
    told = {(mail["to"], mail["message-id"]) for mail in relay.mails}
    return sorted(to for to, _ in told) == [mailbox(name) for name in TOUCHED]
