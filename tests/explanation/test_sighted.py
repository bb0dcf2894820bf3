"""What constituents' own machines saw is in the explanation."""

from __future__ import annotations

from datetime import UTC, datetime

from citysec.correlate import sighted
from citysec.correlate.meeting import Tally
from citysec.correlate.sighted import Telling
from citysec.explanation.chain import Outcome, Question
from citysec.patterning.evaluation.observed import microseconds
from citysec.tlp import TLP
from tests.correlate.city import indicator
from tests.explanation.conftest import Desk

NOON = microseconds(datetime(2026, 5, 1, 12, tzinfo=UTC))
SAID = indicator(1, "[domain-name:value = 'far.example']")


async def test_what_its_own_machines_saw_explains_a_match_without_an_asset(desk: Desk):
    await desk.city.own("camden", "domain", "camden.example")
    await desk.city.say(SAID)
    async with desk.city.db.writing() as session:
        telling = Telling("camden", "siem", datetime.now(UTC))
        await sighted.record_one(session, SAID["id"], Tally(NOON, NOON, 3), telling, TLP.RED)
    step = await desk.step(SAID["id"], Question.SIGHTED)
    assert (step.outcome, step.sentence) == (
        Outcome.YES,
        "camden’s own machines saw far.example 3 times, on 1 May 2026 at 12:00 UTC.",
    )
    assert (await desk.step(SAID["id"], Question.KEPT)).outcome is Outcome.YES
