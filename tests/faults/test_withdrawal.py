"""What a publisher takes back is undone to the end, whatever it had set going and wherever the service is killed."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.advisories.channels.receivers import MailSink
from tests.faults.outcome import Outcome
from tests.faults.points import WAY, WAY_BACK, Moment, Point
from tests.faults.town import TOUCHED, Town, mailbox


async def test_kills_around_commits_leave_nothing_open(town: Town, undisturbed: Outcome, mails: MailSink):
    with town.serving() as service:
        await town.comes_to(undisturbed)
        service.stop()
    await town.withdraw()
    for point in WAY_BACK:
        with town.serving(point) as service:
            await service.killed_itself()
    await _comes_to_rest(town)
    assert _counts(mails) == dict.fromkeys(map(mailbox, TOUCHED), 2)


@pytest.mark.parametrize("point", WAY["run"], ids=list(Moment))
async def test_a_threat_taken_back_while_its_runs_begin_leaves_nothing_open(town: Town, point: Point, mails: MailSink):
    with town.serving(point) as service:
        await service.killed_itself()
    await town.withdraw()
    await _comes_to_rest(town)
    assert set(_counts(mails).values()) <= {2}


async def _comes_to_rest(town: Town) -> None:
    with town.serving() as service:
        await town.until(_rests)
        await town.is_idle()
        service.stop()
    assert _rests(await town.outcome())


def _rests(found: Outcome) -> bool:
    """Tell whether all incidents are closed, no run goes on and no question is open."""
    states = {state for _, _, _, _, state, _ in found["incidents"]} | {state for _, _, state, _ in found["runs"]}
    return states <= {"closed", "cancelled"} and all(answer == "expired" for *_, answer in found["questions"])


def _counts(relay: MailSink) -> dict[str, int]:
    """Return how many messages each mailbox has got; repeats with the same `Message-ID` count once."""
    return dict(Counter(to for to, _ in {(mail["to"], mail["message-id"]) for mail in relay.mails}))
