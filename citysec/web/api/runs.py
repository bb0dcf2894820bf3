"""Playbook runs, and the questions that they put to people."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlmodel import col, or_, select

from citysec.access import policy
from citysec.errors import NotShared
from citysec.playbooks.answers import Verdict
from citysec.playbooks.questions import answer
from citysec.tables.incidents import Incident
from citysec.tables.playbooks import Playbook, Question, Run, RunStep
from citysec.web.api.operation import Call, Nothing
from citysec.web.api.paging import Keyset, page
from citysec.web.api.values import In, Instant, Name, Out, Page, Paging, Text


class PlaybookOut(Out):
    """The version of a playbook that a run carries out."""

    playbook_id: str
    version: str
    name: str


class RunOut(Out):
    """One execution of a playbook for an incident."""

    id: str
    incident_id: str
    playbook: PlaybookOut
    state: str
    started_at: datetime | None
    ended_at: datetime | None
    error: str | None


class StepOut(Out):
    """One occurrence of a step, in order of `position`."""

    step_id: str
    occurrence: int
    position: int
    name: str
    kind: str
    state: str
    started_at: datetime
    ended_at: datetime | None
    detail: str | None


class QuestionOut(Out):
    """A manual step: put to `owner`, to be answered by `due_at`; `answer` is null while it waits."""

    id: str
    incident_id: str
    step_id: str
    title: str
    text: str
    owner: str
    asked_at: datetime
    due_at: datetime
    answer: str | None
    answered_at: datetime | None
    answered_by: str | None
    note: str | None


class RunQuery(Paging):
    """Which runs."""

    incident: Name | None = None


class QuestionQuery(RunQuery):
    """Which questions."""

    waiting: bool | None = None
    updated_since: Instant | None = None


class VerdictBody(In):
    """What a person decides."""

    answer: Verdict
    note: Text = ""


_Row = tuple[Run, Playbook, Incident]
_RUNS: Keyset[_Row] = Keyset(
    (col(Incident.aware_at), col(Run.id)), lambda row: (row[2].aware_at, row[0].id)
)  # a run has no time of its own before it starts
_STEPS: Keyset[RunStep] = Keyset(
    (col(RunStep.position), col(RunStep.step_id), col(RunStep.occurrence)),
    lambda row: (row.position, row.step_id, row.occurrence),
)
_QUESTIONS: Keyset[Question] = Keyset((col(Question.asked_at), col(Question.id)), lambda row: (row.asked_at, row.id))


async def list_runs(call: Call[RunQuery, Nothing]) -> Page[RunOut]:
    """List runs, in the order of their incidents."""
    statement = select(Run, Playbook, Incident).join(Playbook).join(Incident).where(policy.runs(call.principal))
    if call.query.incident is not None:
        statement = statement.where(Run.incident_id == call.query.incident)
    return await page(call, statement, _RUNS, lambda row: _out(row[0], row[1]))


async def get_run(call: Call[Any, Nothing]) -> RunOut:
    """One run."""
    found = select(Run, Playbook).join(Playbook).where(Run.id == call.path["id"], policy.runs(call.principal))
    row = (await call.db.exec(found)).first()
    if row is None:
        raise NotShared
    return _out(*row)


async def list_steps(call: Call[Paging, Nothing]) -> Page[StepOut]:
    """List the steps of a run so far."""
    run = await get_run(call)
    return await page(call, select(RunStep).where(RunStep.run_id == run.id), _STEPS, StepOut.model_validate)


async def list_questions(call: Call[QuestionQuery, Nothing]) -> Page[QuestionOut]:
    """List questions; a constituent sees those put to its lead."""
    query, statement = call.query, select(Question).where(policy.questions(call.principal))
    if query.incident is not None:
        statement = statement.where(Question.incident_id == query.incident)
    if query.waiting is not None:
        waiting = col(Question.answer).is_(None)
        statement = statement.where(waiting if query.waiting else ~waiting)
    if query.updated_since is not None:
        since = query.updated_since
        statement = statement.where(or_(col(Question.asked_at) >= since, col(Question.answered_at) >= since))
    return await page(call, statement, _QUESTIONS, QuestionOut.model_validate)


async def get_question(call: Call[Nothing, Nothing]) -> QuestionOut:
    """One question."""
    return QuestionOut.model_validate(await _visible(call))


async def answer_question(call: Call[Nothing, VerdictBody]) -> QuestionOut:
    """Answer a question; the playbook goes on with it."""
    question = await _visible(call)
    answered = await answer(call.db, question.id, call.body.answer, call.principal.name, call.body.note)
    return QuestionOut.model_validate(answered)


async def _visible(call: Call[Any, Any]) -> Question:
    found = select(Question).where(Question.id == call.path["id"], policy.questions(call.principal))
    question = (await call.db.exec(found)).first()
    if question is None:
        raise NotShared
    return question


def _out(run: Run, playbook: Playbook) -> RunOut:
    return RunOut.model_validate({**run.model_dump(), "playbook": playbook})
