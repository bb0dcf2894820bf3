"""One incident: why it exists, what was done, what may be done now."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from aiohttp import web
from sqlalchemy import func
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from citysec.access import policy
from citysec.access.policy import Action, Principal
from citysec.errors import Conflict, NotShared, Problem
from citysec.feeds.definition import Definition
from citysec.incidents import record
from citysec.incidents.lifecycle import TRANSITIONS, State, Step
from citysec.tables.advisories import Advisory
from citysec.tables.incidents import Incident, TimelineEntry
from citysec.tables.playbooks import Playbook, Question, Run, RunStep
from citysec.tlp import TLP
from citysec.web import context
from citysec.web import views as v
from citysec.web.console.capped import of_incidents
from citysec.web.console.frame import back, field, show, too_long
from citysec.web.console.live import follow
from citysec.web.console.reasons import matches_of, severity_why, summary
from citysec.web.console.rows import advisory_rows, incident_rows, question_rows
from citysec.web.context import AppContext

TIMELINE = 200


@dataclass(frozen=True, slots=True)
class _Refused:
    """What a form held that could not be done, to be shown again."""

    problems: tuple[Problem, ...]
    note: str
    status: int = 422


def routes(_app: AppContext) -> Iterable[web.AbstractRouteDef]:
    """Return the routes of this module."""
    return (
        web.get("/incidents/{id}", incident),
        web.post("/incidents/{id}/notes", note),
        web.post("/incidents/{id}/{step:contain|close|reopen}", move),
    )


async def incident(request: web.Request) -> web.Response:
    """Show the incident."""
    return await _show(request)


async def note(request: web.Request) -> web.Response:
    """Write a note into the timeline."""
    principal, text = context.principal(request), await field(request, "note")
    policy.demand(principal, Action.NOTE)
    problems = too_long(text, "note") if text else (Problem("note", "Write something first."),)
    found = await _own(request)
    if problems:
        return await _show(request, _Refused(problems, text))
    async with context.of(request).database.writing() as db:
        await record.note(db, found.id, text, principal.name)
    raise back(f"/incidents/{found.id}", "note")


async def move(request: web.Request) -> web.Response:
    """Contain, close or reopen the incident."""
    principal, step = context.principal(request), Step(request.match_info["step"])
    policy.demand(principal, Action.MOVE)
    found, reason = await _own(request), await field(request, "note")
    if problems := too_long(reason, step.value):
        return await _show(request, _Refused(problems, reason))
    try:
        async with context.of(request).database.writing() as db:
            await record.move(db, found.id, step, principal.name, reason)
    except Conflict as err:
        said = str(err)
        problem = Problem(step.value, f"{said[:1].upper()}{said[1:]}.")
        return await _show(request, _Refused((problem,), reason, status=409))
    raise back(f"/incidents/{found.id}", step.value)


async def _own(request: web.Request) -> Incident:
    """Return the incident of the address, if this reader may know of it.

    Raises:
        NotShared: it does not exist, for this reader.
    """
    async with context.of(request).database.reading() as db:
        return await find(db, context.principal(request), request.match_info["id"])


async def find(db: AsyncSession, principal: Principal, incident_id: str) -> Incident:
    """Return an incident that `principal` may read.

    Raises:
        NotShared: there is none.
    """
    query = select(Incident).where(col(Incident.id) == incident_id, policy.incidents(principal))
    found = (await db.exec(query)).first()
    if found is None:
        raise NotShared(f"incident {incident_id}")
    return found


async def _show(request: web.Request, refused: _Refused | None = None) -> web.Response:
    principal, events = context.principal(request), await follow(request)
    async with context.of(request).database.reading() as db:
        found = await find(db, principal, request.match_info["id"])
        view = await _view(db, principal, found, context.of(request).feeds)
    if refused is None:
        return await show(request, view, events=events)
    view = replace(view, problems=refused.problems, note=refused.note)
    return await show(request, view, status=refused.status, events=events)


async def _view(
    db: AsyncSession,
    principal: Principal,
    found: Incident,
    feeds: Mapping[str, Definition],
) -> v.IncidentView:
    (row,) = await incident_rows(db, principal, [found])
    below = select(Incident).where(col(Incident.parent_id) == found.id, policy.incidents(principal))
    children = (await db.exec(below.order_by(col(Incident.aware_at)))).all()
    family = [found.id, *(c.id for c in children)]
    matches, total = await matches_of(db, principal, family, feeds)
    timeline = await _timeline(db, principal, found)
    return v.IncidentView(
        id=found.id,
        ref=found.ref,
        title=found.title,
        summary=summary(found, row, total, sighted=any(m.sighted for m in matches)),
        severity=found.severity,
        severity_why=severity_why(found, matches),
        state=found.state,
        tlp=TLP(found.tlp),
        opened_at=found.aware_at,
        constituents=row.constituents,
        matches=matches,
        matches_total=total,
        capped=await of_incidents(db, principal, family),
        timeline=timeline[:TIMELINE],
        timeline_cut=len(timeline) > TIMELINE,
        answers=row.answers,
        city_wide=found.constituent_id is None,
        parent=await _parent(db, principal, found),
        children=await incident_rows(db, principal, children),
        runs=await _runs(db, principal, family),
        questions=await question_rows(db, principal, family),
        advisories=await _advisories(db, principal, family),
        deadline=row.deadline,
        deadline_for=row.deadline_for,
        mend_by=found.due_at,
        actions=_actions(principal, found),
        may_announce=policy.may(principal, Action.ANNOUNCE),
    )


def _actions(principal: Principal, found: Incident) -> tuple[str, ...]:
    steps = [s.value for s in TRANSITIONS[State(found.state)]] if policy.may(principal, Action.MOVE) else []
    return (*steps, *(["note"] if policy.may(principal, Action.NOTE) else []))


async def _timeline(db: AsyncSession, principal: Principal, found: Incident) -> tuple[v.TimelineEntry, ...]:
    """Return the newest entries, one more than are shown where there are more."""
    query = select(TimelineEntry).where(col(TimelineEntry.incident_id) == found.id, policy.timeline_entries(principal))
    entries = (await db.exec(query.order_by(col(TimelineEntry.id).desc()).limit(TIMELINE + 1))).all()
    return tuple(_entry(e) for e in entries)


def _entry(entry: TimelineEntry) -> v.TimelineEntry:
    public = f"/advisories/{entry.data['advisory']}" if entry.data.get("public") else ""
    detail = entry.data.get("note") or ""
    return v.TimelineEntry(at=entry.at, actor=_who(entry.actor), text=entry.text, detail=detail, public=public)


def _who(actor: str) -> str:
    """Return the actor as people say it: which run or contact it was is in the audit, not here."""
    return actor.partition(":")[0] if actor.startswith(("playbook:", "contact:")) else actor


async def _parent(db: AsyncSession, principal: Principal, found: Incident) -> v.IncidentRow | None:
    """Return the city incident above; constituents learn its number, title, severity and state only."""
    query = select(Incident).where(col(Incident.id) == found.parent_id, policy.parents(principal))
    parent = (await db.exec(query)).first()
    if parent is None:
        return None
    if principal.of_city:
        return (await incident_rows(db, principal, [parent]))[0]
    return v.IncidentRow(
        id=parent.id,
        ref=parent.ref,
        title=parent.title,
        severity=parent.severity,
        state=parent.state,
        tlp=TLP(parent.tlp),
        opened_at=parent.aware_at,
        constituents=(),
        answers=v.Answers(given=0, asked=0),
        city_wide=True,
    )


async def _runs(db: AsyncSession, principal: Principal, incident_ids: Sequence[str]) -> tuple[v.RunView, ...]:
    query = (
        select(Run, Playbook)
        .join(Playbook, col(Playbook.id) == col(Run.playbook_id))
        .where(col(Run.incident_id).in_(incident_ids[:1]), policy.runs(principal))
        .order_by(func.coalesce(col(Run.started_at), col(Run.ended_at)))
    )
    return tuple([await _run(db, run, playbook) for run, playbook in (await db.exec(query)).all()])


async def _run(db: AsyncSession, run: Run, playbook: Playbook) -> v.RunView:
    steps = (
        select(RunStep)
        .where(col(RunStep.run_id) == run.id, col(RunStep.kind).not_in(["start", "end"]))
        .order_by(col(RunStep.position))
    )
    asked = select(Question).where(col(Question.run_id) == run.id)
    questions = {(q.step_id, q.occurrence): q for q in (await db.exec(asked)).all()}
    return v.RunView(
        playbook=playbook.name,
        version=playbook.version,
        state=run.state,
        started_at=run.started_at,
        error=run.error or "",
        steps=tuple(_step(s, questions.get((s.step_id, s.occurrence))) for s in (await db.exec(steps)).all()),
    )


def _step(step: RunStep, question: Question | None) -> v.StepView:
    waiting = question is not None and question.answered_at is None
    return v.StepView(
        name=step.name,
        state=step.state,
        started_at=step.started_at,
        ended_at=step.ended_at,
        detail=step.detail or "",
        question_id=question.id if question else None,
        due_at=question.due_at if question and waiting else None,
    )


async def _advisories(db: AsyncSession, principal: Principal, incident_ids: Sequence[str]) -> tuple[v.AdvisoryRow, ...]:
    query = (
        select(Advisory)
        .where(col(Advisory.incident_id).in_(incident_ids), policy.advisories(principal))
        .order_by(col(Advisory.published_at).desc())
        .limit(200)
    )
    return await advisory_rows(db, (await db.exec(query)).all())
