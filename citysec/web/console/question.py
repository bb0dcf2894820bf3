"""A question that a playbook asks: its text, its deadline, and the answer."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from aiohttp import web
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from citysec.access import policy
from citysec.access.policy import Action, Principal, Role
from citysec.errors import Conflict, NotShared, Problem
from citysec.playbooks.answers import Verdict
from citysec.playbooks.questions import answer
from citysec.tables.incidents import Incident
from citysec.tables.playbooks import Playbook, Question, Run
from citysec.web import context
from citysec.web import views as v
from citysec.web.console.frame import back, field, show, too_long
from citysec.web.console.live import follow
from citysec.web.console.reasons import matches_of, summary
from citysec.web.console.rows import family, incident_rows
from citysec.web.context import AppContext

_APPROVED = "Yes, or it is done: the playbook goes on."
_REFUSED = "No, or it cannot be done: the playbook goes on as it provides for that."
_CHOICES = {"approve": Verdict.APPROVED, "refuse": Verdict.REFUSED}


@dataclass(frozen=True, slots=True)
class _Sent:
    """What a form held that is shown again."""

    choice: str = ""
    note: str = ""
    problems: tuple[Problem, ...] = ()
    status: int = 422


def routes(_app: AppContext) -> Iterable[web.AbstractRouteDef]:
    """Return the routes of this module."""
    return (web.get("/questions/{id}", question), web.post("/questions/{id}", answer_question))


async def question(request: web.Request) -> web.Response:
    """Show the question."""
    return await _show(request, _Sent())


async def answer_question(request: web.Request) -> web.Response:
    """Take the answer; the playbook goes on with it."""
    principal = context.principal(request)
    policy.demand(principal, Action.ANSWER)
    found = await _own(request)
    choice, note = await field(request, "choice"), await field(request, "note")
    verdict = _CHOICES.get(choice)
    problems = too_long(note, "note")
    if verdict is None:
        problems = (Problem("choice", "Approve or refuse."), *problems)
    if verdict is None or problems:
        return await _show(request, _Sent(choice, note, problems))
    try:
        async with context.of(request).database.writing() as db:
            await answer(db, found.id, verdict, principal.name, note)
    except Conflict as err:
        return await _show(request, _Sent(choice, note, (Problem("", str(err)),), status=409))
    raise back(f"/questions/{found.id}", "answer")


async def _own(request: web.Request) -> Question:
    """Return the question of the address, if this reader may know of it.

    Raises:
        NotShared: it does not exist, for this reader.
    """
    query = select(Question).where(
        col(Question.id) == request.match_info["id"], policy.questions(context.principal(request))
    )
    async with context.of(request).database.reading() as db:
        found = (await db.exec(query)).first()
    if found is None:
        raise NotShared("a question")
    return found


async def _show(request: web.Request, sent: _Sent) -> web.Response:
    events, found = await follow(request), await _own(request)
    async with context.of(request).database.reading() as db:
        view = await _view(db, context.principal(request), found, sent)
    status = sent.status if sent.problems else 200
    return await show(request, view, status=status, events=events if found.answered_at is None else None)


async def _view(db: AsyncSession, principal: Principal, found: Question, sent: _Sent) -> v.QuestionView:
    incident = await db.get_one(Incident, found.incident_id)
    run = await db.get_one(Run, found.run_id)
    playbook = await db.get_one(Playbook, run.playbook_id)
    (row,) = await incident_rows(db, principal, [incident])
    _, matches = await matches_of(db, principal, await family(db, principal, incident), {})
    answered = None
    if found.answer is not None and found.answered_at is not None:
        by = found.answered_by or ""
        answered = v.QuestionAnswer(choice=found.answer, by=by, at=found.answered_at, note=found.note or "")
    return v.QuestionView(
        id=found.id,
        title=found.title,
        text=found.text,
        playbook=playbook.name,
        owner=found.owner,
        asked_at=found.asked_at,
        due_at=found.due_at,
        incident=row,
        incident_summary=summary(incident, row, matches),
        if_approved=_APPROVED,
        if_refused=_REFUSED,
        answer=answered,
        may_answer=_may_answer(principal, found),
        choice=sent.choice,
        note=sent.note,
        problems=sent.problems,
    )


def _may_answer(principal: Principal, found: Question) -> bool:
    return policy.may(principal, Action.ANSWER) and (
        principal.role is Role.COORDINATOR or principal.role == found.owner
    )
