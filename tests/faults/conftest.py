"""A town that is set up once, copied for each test; and what it comes to when nothing disturbs it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from citysec.settings import Settings
from tests.advisories.channels.receivers import MailSink
from tests.faults.outcome import Outcome
from tests.faults.town import Town


@pytest.fixture(scope="session")
def settled_town(tmp_path_factory: pytest.TempPathFactory) -> Town:
    town = Town(Settings(data_dir=tmp_path_factory.mktemp("town")))
    asyncio.run(town.settle())
    return town


@pytest.fixture
async def mails() -> AsyncGenerator[MailSink, None]:
    async with MailSink().listening() as sink:
        yield sink


@pytest.fixture
def town(settled_town: Town, tmp_path: Path, mails: MailSink) -> Town:
    """A copy with a threat before it, which nobody serves yet."""
    return settled_town.copied(tmp_path / "town", {"CITYSEC_SMTP_PORT": str(mails.port)})


@pytest.fixture(scope="session")
def undisturbed(settled_town: Town, tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    """What the town comes to when nothing disturbs it."""
    return asyncio.run(_undisturbed(settled_town, tmp_path_factory.mktemp("undisturbed") / "town"))


async def _undisturbed(settled: Town, folder: Path) -> Outcome:
    async with MailSink().listening() as sink:
        town = settled.copied(folder, {"CITYSEC_SMTP_PORT": str(sink.port)})
        with town.serving() as service:
            await town.until(_waits_for_people)
            await town.is_idle()
            service.stop()
        return await town.outcome()


def _waits_for_people(found: Outcome) -> bool:
    """Tell whether every run has put its question and ended its other branch, and every message is sent."""
    ends = [step for step in found["steps"] if step[1] == "End"]
    sent = [state for *_, state, _ in found["deliveries"] if state == "sent"]
    return (len(found["questions"]), len(ends), len(sent)) == (4, 4, 3)
