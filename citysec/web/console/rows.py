"""Lines of lists that several pages show: incidents, questions, advisories."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from citysec.access import policy
from citysec.access.policy import Principal
from citysec.tables.advisories import Acknowledgement, Advisory, Decision, Delivery
from citysec.tables.incidents import Incident
from citysec.tables.playbooks import Question
from citysec.tables.register import Constituent, Contact
from citysec.tlp import TLP
from citysec.web.views import AdvisoryRow, Answers, AnswerView, DeliveryView, IncidentRow, Named, QuestionRow


@dataclass(slots=True)
class _Standing:
    """What is owed for one incident: who was asked, who has answered, what falls due next."""

    asked: set[str] = field(default_factory=set[str])
    given: set[str] = field(default_factory=set[str])
    due: list[tuple[datetime, str]] = field(default_factory=list[tuple[datetime, str]])


async def incident_rows(
    db: AsyncSession, principal: Principal, incidents: Sequence[Incident]
) -> tuple[IncidentRow, ...]:
    """Return `incidents`, which `principal` may read, as lines in the same order."""
    family = await _family(db, principal, incidents)
    names = await constituent_names(db, {i.constituent_id for group in family.values() for i in group})
    standing = await _standing(db, principal, family, names)
    return tuple(_incident_row(i, family[i.id], names, standing[i.id]) for i in incidents)


async def family(db: AsyncSession, principal: Principal, incident: Incident) -> list[str]:
    """Return the ids of an incident and of those below it that `principal` may read."""
    return [i.id for i in (await _family(db, principal, [incident]))[incident.id]]


async def question_rows(
    db: AsyncSession, principal: Principal, incident_ids: Sequence[str] | None = None
) -> tuple[QuestionRow, ...]:
    """Return the questions that wait and that `principal` may see, the most urgent first; at most 100."""
    query = (
        select(Question, Incident, col(Constituent.name))
        .join(Incident, col(Incident.id) == col(Question.incident_id))
        .join(Constituent, col(Constituent.id) == col(Incident.constituent_id), isouter=True)
        .where(policy.questions(principal), col(Question.answered_at).is_(None))
        .order_by(col(Question.due_at))
        .limit(100)
    )
    if incident_ids is not None:
        query = query.where(col(Question.incident_id).in_(incident_ids))
    return tuple(
        QuestionRow(
            id=question.id,
            title=question.title,
            incident_id=incident.id,
            incident=f"{incident.ref} {incident.title}",
            severity=incident.severity,
            due_at=question.due_at,
            whose=whose or "",
        )
        for question, incident, whose in await db.exec(query)
    )


async def advisory_rows(db: AsyncSession, advisories: Sequence[Advisory]) -> tuple[AdvisoryRow, ...]:
    """Return `advisories` as lines with the gate's decision, what became of each delivery, and the answer."""
    ids = [a.id for a in advisories]
    names = await constituent_names(db, {a.constituent_id for a in advisories})
    decisions = await _by_advisory(db, ids)
    deliveries = await _deliveries(db, ids)
    answers = await answers_of(db, ids)
    return tuple(
        _advisory_row(a, names, decisions.get(a.id), deliveries.get(a.id, ()), answers.get(a.id)) for a in advisories
    )


async def answers_of(db: AsyncSession, advisory_ids: Sequence[str]) -> dict[str, AnswerView]:
    """Return advisory -> the newest answer to it."""
    query = (
        select(Acknowledgement, col(Contact.name))
        .join(Contact, col(Contact.id) == col(Acknowledgement.contact_id), isouter=True)
        .where(col(Acknowledgement.advisory_id).in_(advisory_ids))
        .order_by(col(Acknowledgement.id))
    )
    return {
        a.advisory_id: AnswerView(choice=a.answer, by=a.name or a.account or contact or "", at=a.at, note=a.note or "")
        for a, contact in (await db.exec(query)).all()
    }


async def constituent_names(db: AsyncSession, ids: Iterable[str | None]) -> dict[str, Named]:
    """Return constituent id -> its name and slug."""
    query = select(Constituent).where(col(Constituent.id).in_({i for i in ids if i}))
    return {c.id: Named(slug=c.slug, name=c.name) for c in (await db.exec(query)).all()}


async def _family(db: AsyncSession, principal: Principal, incidents: Sequence[Incident]) -> dict[str, list[Incident]]:
    """Return incident -> itself and what is below it."""
    family = {i.id: [i] for i in incidents}
    below = select(Incident).where(col(Incident.parent_id).in_(family), policy.incidents(principal))
    for child in (await db.exec(below)).all():
        if child.parent_id is not None:
            family[child.parent_id].append(child)
    return family


async def _standing(
    db: AsyncSession, principal: Principal, family: Mapping[str, list[Incident]], names: Mapping[str, Named]
) -> dict[str, _Standing]:
    above: dict[str, set[str]] = defaultdict(set)
    for root, group in family.items():
        for incident in group:
            above[incident.id].add(root)
    standing = {root: _Standing() for root in family}
    answered = select(Acknowledgement.advisory_id)
    told = select(Advisory, col(Advisory.id).in_(answered)).where(
        col(Advisory.incident_id).in_(above), policy.advisories(principal), col(Advisory.constituent_id).is_not(None)
    )
    for advisory, is_answered in await db.exec(told):
        for root in above[advisory.incident_id]:
            _count(standing[root], advisory, names, answered=is_answered)
    for question in await question_rows(db, principal, list(above)):
        for root in above[question.incident_id]:
            standing[root].due.append((question.due_at, "answer to a question"))
    return standing


def _count(standing: _Standing, advisory: Advisory, names: Mapping[str, Named], *, answered: bool) -> None:
    who = advisory.constituent_id or ""
    standing.asked.add(who)
    if answered:
        standing.given.add(who)
    elif advisory.answer_by is not None and who in names:
        standing.due.append((advisory.answer_by, f"answer from {names[who].name}"))


def _incident_row(
    incident: Incident, family: Sequence[Incident], names: Mapping[str, Named], standing: _Standing
) -> IncidentRow:
    deadline, deadline_for = min(standing.due, default=(None, ""))
    concerned = {i.constituent_id for i in family if i.constituent_id}
    return IncidentRow(
        id=incident.id,
        ref=incident.ref,
        title=incident.title,
        severity=incident.severity,
        state=incident.state,
        tlp=TLP(incident.tlp),
        opened_at=incident.aware_at,
        constituents=tuple(sorted((names[c] for c in concerned), key=lambda named: named.name)),
        answers=Answers(given=len(standing.given), asked=len(standing.asked)),
        city_wide=incident.constituent_id is None,
        deadline=deadline if incident.closed_at is None else None,
        deadline_for=deadline_for if incident.closed_at is None else "",
    )


async def _by_advisory(db: AsyncSession, ids: Sequence[str]) -> dict[str, Decision]:
    query = select(Decision).where(col(Decision.advisory_id).in_(ids)).order_by(col(Decision.at))
    return {d.advisory_id: d for d in (await db.exec(query)).all() if d.advisory_id}


async def _deliveries(db: AsyncSession, ids: Sequence[str]) -> dict[str, tuple[DeliveryView, ...]]:
    query = (
        select(Delivery, Contact)
        .join(Contact, col(Contact.id) == col(Delivery.contact_id))
        .where(col(Delivery.advisory_id).in_(ids))
        .order_by(col(Delivery.queued_at))
    )
    found: dict[str, tuple[DeliveryView, ...]] = defaultdict(tuple)
    for delivery, contact in await db.exec(query):
        found[delivery.advisory_id] += (
            DeliveryView(
                channel=delivery.channel,
                address=contact.address,
                state=delivery.state,
                at=delivery.sent_at or delivery.queued_at,
                attempts=delivery.attempts,
                error=delivery.error or "",
            ),
        )
    return found


def _advisory_row(
    advisory: Advisory,
    names: Mapping[str, Named],
    decision: Decision | None,
    deliveries: tuple[DeliveryView, ...],
    answer: AnswerView | None,
) -> AdvisoryRow:
    return AdvisoryRow(
        id=advisory.id,
        title=advisory.subject,
        recipient=names.get(advisory.constituent_id or "", Named(slug="", name="Public")),
        severity=advisory.severity,
        tlp=TLP(advisory.tlp),
        verdict=decision.verdict if decision else "refused",
        reason=decision.reason if decision else "",
        removed=tuple(decision.removed) if decision else (),
        sent_at=min((d.at for d in deliveries if d.state == "sent"), default=None),
        deliveries=deliveries,
        answer=answer,
        answer_due=advisory.answer_by,
        reminders=advisory.reminders,
        reference=advisory.content.get("reference", ""),
        revision=advisory.revision,
        withdrawn=advisory.content["withdrawn"],
        url=f"/advisories/{advisory.id}" if advisory.constituent_id is None else f"/advisory/{advisory.id}",
    )
