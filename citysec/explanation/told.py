"""The steps of an explanation from the match on: incident, decision, advisory, deliveries, answer; from the tables."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession
from sqlmodel.sql.expression import SelectOfScalar

from citysec.access import policy
from citysec.access.policy import Principal
from citysec.advisories.gate import Outcome as Verdict
from citysec.advisories.words import count, moment
from citysec.correlate.explain import Finding
from citysec.explanation.chain import Fact, Noun, Outcome, Pointer, Question, Step
from citysec.tables.advisories import Acknowledgement, Advisory, Decision, Delivery
from citysec.tables.incidents import Incident, IncidentMatch
from citysec.tables.playbooks import Question as Asked
from citysec.tables.playbooks import Run
from citysec.tables.register import Constituent

_ANSWERS: Final = {
    "received": "they have received it",
    "in-hand": "they are acting on it",
    "not-ours": "it is not theirs",
}
_RUNS: Final = {
    "waiting": "Its playbook has not started.",
    "running": "Its playbook is running and has not come to it.",
    "completed": "Its playbook has ended without it.",
    "failed": "Its playbook has failed.",
    "cancelled": "Its playbook was cancelled.",
}


@dataclass(frozen=True, slots=True)
class Case:
    """Of whom an explanation is, who reads it, and whether possible matches alone open incidents."""

    constituent: Constituent
    reader: Principal
    possible_opens: bool


async def steps(db: AsyncSession, case: Case, finding: Finding) -> list[Step]:
    """Return what became of the matches of `finding`; nothing where there are none."""
    matches = [point.match for point in finding.points if point.match is not None]
    if not matches:
        return []
    incident = await _incident(db, case, [match.id for match in matches])
    if incident is None:
        if (advisory := await _advisory(db, case, [match.id for match in matches])) is not None:
            return [_reached(), await _told(db, advisory), await _answered(db, advisory)]
        if finding.standing_matches:
            certain = any(match.certain for match in matches if match.closed_at is None)
            return [_none(possible=not certain and not case.possible_opens)]
        return []
    found = [_opened(incident)]
    advisory = await _advisory_on(db, case, incident)
    decision = await _decision(db, case, incident, advisory)
    if decision is not None:
        found.append(_allowed(decision, case))
    if advisory is None:
        return [*found, await _untold(db, case, incident)]
    return [*found, await _told(db, advisory), await _answered(db, advisory)]


async def _incident(db: AsyncSession, case: Case, match_ids: Sequence[str]) -> Incident | None:
    """Return the newest incident with one of the matches, an open one first."""
    linked = select(IncidentMatch.incident_id).where(col(IncidentMatch.match_id).in_(match_ids))
    query = select(Incident).where(
        col(Incident.id).in_(linked),
        col(Incident.constituent_id) == case.constituent.id,
        policy.incidents(case.reader),
    )
    newest = query.order_by(col(Incident.closed_at).is_not(None), col(Incident.aware_at).desc()).limit(1)
    return (await db.exec(newest)).first()


def _none(*, possible: bool) -> Step:
    waits = "Possible matches alone open no incident: they wait until somebody looks at them."
    sentence = waits if possible else "No incident has been opened for it."
    return Step(Question.INCIDENT, Outcome.NO, sentence, {"incident": None})


def _opened(incident: Incident) -> Step:
    sentence = f"{incident.ref}, of severity {incident.severity}, was opened on {moment(incident.aware_at)}"
    if incident.closed_at is not None:
        sentence += f" and closed on {moment(incident.closed_at)}"
    facts: dict[str, Fact] = {"ref": incident.ref, "state": incident.state, "severity": incident.severity}
    pointer = Pointer(Noun.INCIDENT, incident.id, incident.ref)
    return Step(Question.INCIDENT, Outcome.YES, f"{sentence}.", facts, (pointer,))


async def _advisory_on(db: AsyncSession, case: Case, incident: Incident) -> Advisory | None:
    query = _advisories(case).where(col(Advisory.incident_id) == incident.id)
    return (await db.exec(query.order_by(col(Advisory.revision).desc()).limit(1))).first()


async def _advisory(db: AsyncSession, case: Case, match_ids: Sequence[str]) -> Advisory | None:
    """Return what an incident with one of the matches led to that the reader may read, if not the incident itself.

    One that gathers many is as secret as the worst of them, while the advisory leaves that out.
    """
    linked = select(IncidentMatch.incident_id).where(col(IncidentMatch.match_id).in_(match_ids))
    query = _advisories(case).where(col(Advisory.incident_id).in_(linked))
    newest = query.order_by(col(Advisory.published_at).desc(), col(Advisory.revision).desc()).limit(1)
    return (await db.exec(newest)).first()


def _advisories(case: Case) -> SelectOfScalar[Advisory]:
    return select(Advisory).where(col(Advisory.constituent_id) == case.constituent.id, policy.advisories(case.reader))


async def _decision(db: AsyncSession, case: Case, incident: Incident, advisory: Advisory | None) -> Decision | None:
    """Return what the gate decided last; a constituent's reader learns of no decision without an advisory."""
    if advisory is None and not case.reader.of_city:
        return None
    which = col(Decision.advisory_id) == advisory.id if advisory else col(Decision.incident_id) == incident.id
    query = select(Decision).where(which, col(Decision.recipient) == f"constituent:{case.constituent.id}")
    return (await db.exec(query.order_by(col(Decision.at).desc()).limit(1))).first()


def _allowed(decision: Decision, case: Case) -> Step:
    facts: dict[str, Fact] = {"verdict": decision.verdict}
    if not case.reader.of_city:  # the reason names labels of what was left out
        return _reached()
    outcome = Outcome.NO if decision.verdict == Verdict.REFUSED else Outcome.YES
    return Step(Question.ALLOWED, outcome, decision.reason, facts | {"removed": decision.removed})


def _reached() -> Step:
    return Step(Question.ALLOWED, Outcome.YES, "It may reach you.", {})


async def _untold(db: AsyncSession, case: Case, incident: Incident) -> Step:
    """Return why there is no advisory: what its playbook waits for, as far as the reader may know."""
    asked = select(Asked).where(
        col(Asked.incident_id) == incident.id, col(Asked.answer).is_(None), policy.questions(case.reader)
    )
    question = (await db.exec(asked.order_by(col(Asked.due_at)).limit(1))).first()
    if question is not None:
        waits = f"No advisory was published yet: “{question.title}” waits for an answer."
        pointer = Pointer(Noun.QUESTION, question.id, question.title)
        return Step(Question.TOLD, Outcome.NO, waits, {"advisory": None}, (pointer,))
    runs = select(Run).where(col(Run.incident_id) == incident.id, policy.runs(case.reader))
    run = (await db.exec(runs.order_by(col(Run.started_at).desc()).limit(1))).first()
    why = _RUNS.get(run.state, "") if run else ""
    return Step(Question.TOLD, Outcome.NO, f"No advisory was published. {why}".rstrip(), {"advisory": None})


async def _told(db: AsyncSession, advisory: Advisory) -> Step:
    deliveries = (await db.exec(select(Delivery).where(col(Delivery.advisory_id) == advisory.id))).all()
    states = Counter(delivery.state for delivery in deliveries)
    sentence = f"An advisory was published on {moment(advisory.published_at)}"
    sentence += f" (correction {advisory.revision - 1}). " if advisory.revision > 1 else ". "
    sent, dead = states["sent"], states["dead"]
    facts: dict[str, Fact] = {"advisory": advisory.id, "sent": sent, "queued": states["queued"], "dead": dead}
    outcome = Outcome.YES
    if not deliveries:
        sentence, outcome = sentence + "It waits on its page: there is no contact to send it to.", Outcome.POSSIBLY
    elif not sent:
        failed = "No message could be delivered." if dead else "Its messages wait to be sent."
        sentence, outcome = sentence + failed, Outcome.NO if dead else Outcome.POSSIBLY
    else:
        sentence += f"{count(sent, 'message')} sent{f', {dead} failed' if dead else ''}."
    pointer = Pointer(Noun.ADVISORY, advisory.id, advisory.subject)
    return Step(Question.TOLD, outcome, sentence, facts, (pointer,))


async def _answered(db: AsyncSession, advisory: Advisory) -> Step:
    given = select(Acknowledgement).where(col(Acknowledgement.advisory_id) == advisory.id)
    answer = (await db.exec(given.order_by(col(Acknowledgement.id)).limit(1))).first()
    if answer is not None:
        sentence = f"On {moment(answer.at)}: {_ANSWERS.get(answer.answer, answer.answer)}."
        return Step(Question.ANSWERED, Outcome.YES, sentence, {"answer": answer.answer, "at": answer.at})
    due = f" An answer is asked for by {moment(advisory.answer_by)}." if advisory.answer_by else ""
    return Step(Question.ANSWERED, Outcome.POSSIBLY, f"Not yet.{due}", {"answer": None, "due": advisory.answer_by})
