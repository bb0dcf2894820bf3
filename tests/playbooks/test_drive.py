"""Runs on the durable engine, with a real database."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec import to_builtins
from sqlmodel import select

from citysec.errors import Conflict, NotShared
from citysec.playbooks.answers import Answered, Verdict
from citysec.playbooks.drive import CANCEL
from citysec.playbooks.questions import answer, pass_on
from citysec.tables.incidents import Incident
from citysec.tables.playbooks import Playbook
from tests.playbooks.conftest import INCIDENT, NOON, Runs
from tests.playbooks.score import SELF, line, note, question, step

ASKING: dict[str, Any] = {
    **line("start", "warn", "ask", "end"),
    "ask": question(on_success="yes", on_failure="no"),
    "yes": {"on_completion": "end"},
    "no": {"on_completion": "end"},
}


async def give(runs: Runs, verdict: Verdict, note: str = "") -> str:
    """Answer the open question as a coordinator does; return its id."""
    asked = await runs.asked()
    async with runs.db.writing() as session:
        await answer(session, asked.id, verdict, "coordinator", note)
    return asked.id


async def test_a_run_does_its_steps_asks_and_goes_on_with_the_answer(runs: Runs):
    run_id = await runs.add(ASKING)
    async with runs.engine() as engine:
        await engine.start(run_id)
        question_id = await give(runs, Verdict.APPROVED)
        await pass_on(runs.db, {"question": question_id}, engine)
        run = await runs.ended(run_id)
    assert (run.state, run.error) == ("completed", None)
    assert await runs.notes() == ["warn", "yes"]
    assert await runs.steps() == [(kind, "completed") for kind in ("start", "action", "action", "action", "end")]


async def test_a_refusal_is_a_failure_of_the_step(runs: Runs):
    run_id = await runs.add(ASKING)
    async with runs.engine() as engine:
        await engine.start(run_id)
        await pass_on(runs.db, {"question": await give(runs, Verdict.REFUSED, "not now")}, engine)
        await runs.ended(run_id)
    assert await runs.notes() == ["warn", "no"]
    assert await runs.notes("question") == ["Asked: action", "Refused: action (not now)"]


async def test_a_step_with_a_boolean_takes_either_answer_as_its_value(runs: Runs):
    steps = {
        **line("start", "ask", "if-yes", "end"),
        "ask": question(out_args=["__yes__"], on_completion="if-yes"),
        "if-yes": {"condition": "__yes__:value = true", "on_true": "do", "on_false": "leave", "on_completion": "end"},
        **line("do", "end-do"),
        **line("leave", "end-leave"),
    }
    run_id = await runs.add(steps, playbook_variables={"__yes__": {"type": "bool"}})
    async with runs.engine() as engine:
        await engine.start(run_id)
        await pass_on(runs.db, {"question": await give(runs, Verdict.REFUSED)}, engine)
        assert (await runs.ended(run_id)).state == "completed"
    assert await runs.notes() == ["leave"]


async def test_a_question_that_nobody_answers_takes_its_failure_branch(runs: Runs):
    steps = ASKING | {"ask": question(timeout=50, on_success="yes", on_failure="no")}
    run_id = await runs.add(steps)
    async with runs.engine() as engine:
        await engine.start(run_id)
        await runs.ended(run_id)
    assert await runs.notes() == ["warn", "no"]
    (asked,) = await runs.questions()
    assert asked.answer == "expired"
    with pytest.raises(Conflict):
        await give(runs, Verdict.APPROVED)


async def test_an_answer_given_just_in_time_counts_even_when_it_comes_late(runs: Runs):
    run_id = await runs.add(ASKING | {"ask": question(timeout=400, on_success="yes", on_failure="no")})
    async with runs.engine() as engine:
        await engine.start(run_id)
        await give(runs, Verdict.APPROVED)
        await runs.ended(run_id)
    assert await runs.notes() == ["warn", "yes"]


async def test_an_answer_that_is_there_before_its_question_is_kept(runs: Runs):
    run_id = await runs.add(ASKING | {"warn": {"on_completion": "first"}, "first": question(on_completion="ask")})
    async with runs.engine() as engine:
        await engine.start(run_id)
        first = await give(runs, Verdict.APPROVED)
        await engine.send(run_id, to_builtins(Answered(step("ask"), 1, Verdict.APPROVED)), key="early")
        await pass_on(runs.db, {"question": first}, engine)
        await runs.ended(run_id)
    assert await runs.notes() == ["warn", "yes"]


async def test_a_run_goes_on_after_a_restart_without_doing_anything_twice(runs: Runs):
    run_id = await runs.add(ASKING)
    async with runs.engine() as engine:
        await engine.start(run_id)
        question_id = await give(runs, Verdict.APPROVED)
    async with runs.engine() as engine:
        await pass_on(runs.db, {"question": question_id}, engine)
        await pass_on(runs.db, {"question": question_id}, engine)
        await runs.ended(run_id)
    assert await runs.notes() == ["warn", "yes"]
    assert len(await runs.questions()) == 1


async def test_a_command_that_fails_leaves_nothing_of_its_step_and_takes_the_failure_branch(runs: Runs):
    both = {"commands": [note("first", "c0ffee"), note("impossible", "c0ffee")], "agent": SELF}
    steps = {
        **line("start", "warn", "end"),
        "warn": {**both, "on_success": "end", "on_failure": "mend"},
        "mend": {"on_completion": "end"},
    }
    run_id = await runs.add(steps)
    async with runs.engine() as engine:
        await engine.start(run_id)
        assert (await runs.ended(run_id)).state == "completed"
    assert await runs.notes() == ["mend"]
    assert ("action", "failed") in await runs.steps()


async def test_what_fails_because_the_incident_was_closed_cancels_the_run(runs: Runs):
    late = {"commands": [note("impossible", "c0ffee")], "agent": SELF, "on_completion": "end"}
    run_id = await runs.add({**ASKING, "yes": late, **line("cry", "end-cry")}, workflow_exception=step("cry"))
    async with runs.engine() as engine:
        await engine.start(run_id)
        question_id = await give(runs, Verdict.APPROVED)
        async with runs.db.writing() as session:
            (await session.get_one(Incident, INCIDENT)).closed_at = NOON
        await pass_on(runs.db, {"question": question_id}, engine)
        assert (await runs.ended(run_id)).state == "cancelled"
    assert await runs.notes() == ["warn"]


async def test_a_run_touches_its_own_incident_only(runs: Runs):
    other = {"commands": [note("hello", "0ther")], "agent": SELF, "on_completion": "end"}
    run_id = await runs.add({**line("start", "warn", "end"), "warn": other})
    async with runs.engine() as engine:
        await engine.start(run_id)
        run = await runs.ended(run_id)
    assert run.state == "failed"
    assert run.error is not None
    assert run.error.startswith("not_found")


async def test_a_failure_that_nobody_takes_calls_the_handler_and_is_kept(runs: Runs):
    other = {"commands": [note("impossible", "c0ffee")], "agent": SELF, "on_completion": "end"}
    steps = {**line("start", "warn", "end"), "warn": other, **line("cry", "end-cry")}
    run_id = await runs.add(steps, workflow_exception=step("cry"))
    async with runs.engine() as engine:
        await engine.start(run_id)
        run = await runs.ended(run_id)
    assert (run.state, run.error) == ("failed", "conflict: impossible")
    assert await runs.notes() == ["cry"]


async def test_a_cancelled_run_closes_its_questions(runs: Runs):
    run_id = await runs.add(ASKING)
    async with runs.engine() as engine:
        await engine.start(run_id)
        await runs.asked()
        await engine.send(run_id, CANCEL, key="stop")
        assert (await runs.ended(run_id)).state == "cancelled"
    assert [asked.answer for asked in await runs.questions()] == ["expired"]


async def test_delays_are_waited_for(runs: Runs):
    run_id = await runs.add({**line("start", "warn", "end"), "warn": {"delay": 50, "on_completion": "end"}})
    async with runs.engine() as engine:
        await engine.start(run_id)
        run = await runs.ended(run_id)
    assert run.started_at is not None
    assert run.ended_at is not None
    assert (run.ended_at - run.started_at).total_seconds() >= 0.05


async def test_an_unknown_question_is_absent(runs: Runs):
    with pytest.raises(NotShared):
        async with runs.db.writing() as session:
            await answer(session, "gone", Verdict.APPROVED, "coordinator")


async def test_a_playbook_that_cannot_run_any_more_fails_its_run_visibly(runs: Runs):
    run_id = await runs.add(ASKING)
    async with runs.db.writing() as session:
        playbook = (await session.exec(select(Playbook))).one()
        playbook.text = playbook.text.replace("/notes HTTP", "/gone HTTP")
        session.add(playbook)
    async with runs.engine() as engine:
        await engine.start(run_id)
        assert (await runs.ended(run_id)).state == "failed"
    assert len(await runs.notes("run")) == 1
