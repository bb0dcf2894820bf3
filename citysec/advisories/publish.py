"""Publish: tell the constituents that an incident concerns, once, and again only when there is something new."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from citysec import outbox, tlp
from citysec.access import audit
from citysec.access.policy import SERVICE
from citysec.advisories import compose, gate
from citysec.advisories.content import Content, from_json
from citysec.advisories.deadlines import Deadlines, due_at
from citysec.advisories.deliveries import cancel, queue
from citysec.advisories.facts import known
from citysec.advisories.record import alone, changed, latest
from citysec.advisories.words import count
from citysec.errors import Conflict, NotShared
from citysec.tables.advisories import Advisory, Decision
from citysec.tables.columns import new_id, now
from citysec.tables.incidents import Incident
from citysec.tables.register import Constituent, Contact
from citysec.timeline import CITY_ONLY, write

_SUPERSEDED: Final = "A newer revision of the advisory was published before this was sent."


@dataclass(frozen=True, slots=True)
class Policy:
    """What the city has decided about advisories: what they say, and by when they want an answer."""

    desk: compose.Desk
    deadlines: Deadlines


@dataclass(frozen=True, slots=True)
class _Draft:
    """What there is to say, before the gate: its parts, and the text without those that were removed."""

    fields: Sequence[gate.Field]
    without: Callable[[frozenset[str]], Content]


@dataclass(frozen=True, slots=True)
class _Telling:
    """One act of telling one constituent about one incident."""

    db: AsyncSession
    incident: Incident
    constituent: Constituent
    actor: str
    policy: Policy


async def publish(db: AsyncSession, incident_id: str, *, actor: str, policy: Policy) -> list[str]:
    """Tell the constituent of an incident, or those below a city incident who have not been told yet.

    Publishing again what was told already creates nothing. What is new since becomes a higher revision, which goes to
    everyone who was told. A constituent that may not be told leaves a decision and a line in the timeline.

    Returns:
        The ids of the advisories that stand now, whether new or published before.

    Raises:
        NotShared: there is no such incident.
        Conflict: the incident is closed, and nobody was told of it.
    """
    incident = await _incident(db, incident_id)
    if incident.constituent_id is not None:
        await alone(db, [incident.id])
        standing = await _tell(db, incident, actor, policy)
        return [standing.id] if standing else []
    children = await _open_children(db, incident)
    await alone(db, [child.id for child in children])
    advisories = [await _tell_once(db, child, actor, policy) for child in children]
    return [each.id for each in advisories if each]


async def correct(db: AsyncSession, payload: Mapping[str, Any], policy: Policy) -> None:
    """Tell those who were told of an incident what has changed since; who was not told is not told by this.

    Args:
        db: the stage's transaction.
        payload: `{"incident": id}`.
        policy: the city's.
    """
    incident = await _incident(db, payload["incident"])
    await alone(db, [incident.id])
    if await latest(db, incident) is not None:
        await _tell(db, incident, SERVICE, policy)


async def _incident(db: AsyncSession, incident_id: str) -> Incident:
    incident = await db.get(Incident, incident_id)
    if incident is None:
        raise NotShared(f"incident {incident_id}")
    return incident


async def _open_children(db: AsyncSession, city: Incident) -> Sequence[Incident]:
    children = select(Incident).where(
        col(Incident.parent_id) == city.id, col(Incident.constituent_id).is_not(None), col(Incident.closed_at).is_(None)
    )
    return (await db.exec(children.order_by(col(Incident.id)))).all()


async def _tell_once(db: AsyncSession, incident: Incident, actor: str, policy: Policy) -> Advisory | None:
    return await latest(db, incident) or await _tell(db, incident, actor, policy)


async def _tell(db: AsyncSession, incident: Incident, actor: str, policy: Policy) -> Advisory | None:
    """Decide, compose and issue; return the advisory that stands, None where the constituent may not be told."""
    constituent = await db.get_one(Constituent, incident.constituent_id)
    telling = _Telling(db, incident, constituent, actor, policy)
    standing = await latest(db, incident)
    told = from_json(standing.content) if standing else None
    if told is None and incident.closed_at is not None:
        raise Conflict(f"incident {incident.ref} is closed, and nobody was told of it")
    draft = await _draft(telling, told)
    if draft is None:
        return standing
    verdict = gate.decide(draft.fields, _recipient(constituent), about=constituent.id)
    if verdict.outcome is gate.Outcome.REFUSED:
        await _refuse(telling, draft, verdict)
        return standing
    content = draft.without(verdict.removed)
    if told is not None:
        news = content.change or compose.change(told, content)
        if not news:
            return standing
        content = replace(content, change=news)
    return await _issue(telling, draft, content, standing)


async def _draft(telling: _Telling, told: Content | None) -> _Draft | None:
    """Return what there is to say; None where there is nothing, or nothing more."""
    desk = telling.policy.desk
    facts = await known(telling.db, telling.incident, telling.constituent)
    if facts.own:
        return _Draft(compose.fields(facts), lambda removed: compose.compose(facts, removed, desk))
    if told is None or told.withdrawn:
        return None
    before = gate.Field("told", tlp.parse(told.tlp), essential=True)
    return _Draft([before], lambda _: compose.withdrawn(told))


async def _issue(telling: _Telling, draft: _Draft, content: Content, before: Advisory | None) -> Advisory:
    """Store the advisory with a decision for everyone, and queue its deliveries and its clock."""
    db, deadline = telling.db, telling.policy.deadlines[content.severity]
    published_at = now()
    advisory = Advisory(
        id=new_id(),
        incident_id=telling.incident.id,
        constituent_id=telling.constituent.id,
        revision=before.revision + 1 if before else 1,
        subject=content.title,
        content=content.to_json(),
        severity=content.severity,
        tlp=tlp.parse(content.tlp),
        published_at=published_at,
        answer_by=None if content.withdrawn else published_at + deadline.answer_within,
    )
    db.add(advisory)
    await db.flush()
    if before is not None:
        await cancel(db, [before.id], _SUPERSEDED)
    told = await _address(telling, draft, advisory)
    if advisory.answer_by is not None:
        outbox.add(db, "clock", {"advisory": advisory.id, "reminder": 1}, due_at=due_at(published_at, deadline, 1))
    await _record(telling, advisory, told)
    return advisory


async def _address(telling: _Telling, draft: _Draft, advisory: Advisory) -> int:
    """Decide for the constituent's own page and for each contact; return how many contacts are being told."""
    db, told = telling.db, 0
    _decide(telling, draft, _recipient(telling.constituent), advisory)
    for contact in await _contacts(db, telling.constituent):
        decision = _decide(telling, draft, _recipient(telling.constituent, contact), advisory)
        await db.flush()
        told += await queue(db, advisory, contact, decision.id) is not None
    return told


def _decide(telling: _Telling, draft: _Draft, recipient: gate.Recipient, advisory: Advisory | None) -> Decision:
    verdict = gate.decide(draft.fields, recipient, about=telling.constituent.id)
    decision = Decision(
        id=new_id(),
        advisory_id=advisory.id if advisory else None,
        incident_id=telling.incident.id,
        recipient=recipient.id,
        verdict=verdict.outcome,
        reason=verdict.reason,
        removed=sorted(verdict.removed),
        tlp=verdict.tlp,
        clearance=recipient.clearance,
        at=now(),
    )
    telling.db.add(decision)
    return decision


async def _refuse(telling: _Telling, draft: _Draft, verdict: gate.Verdict) -> None:
    """Store why nobody there is told, for the city's team to see; once for the same reason."""
    db, recipient = telling.db, _recipient(telling.constituent)
    last = select(Decision).where(
        col(Decision.incident_id) == telling.incident.id, col(Decision.recipient) == recipient.id
    )
    decided = (await db.exec(last.order_by(col(Decision.at).desc()).limit(1))).first()
    if decided is not None and (decided.verdict, decided.reason) == (verdict.outcome, verdict.reason):
        return
    _decide(telling, draft, recipient, None)
    for contact in await _contacts(db, telling.constituent):
        _decide(telling, draft, _recipient(telling.constituent, contact), None)
    text = f"{telling.constituent.name} was not told. {verdict.reason}"
    write(db, telling.incident, "advisory", text, actor=telling.actor, data=CITY_ONLY | {"verdict": verdict.outcome})
    facts = {"constituent": telling.constituent.id, "removed": len(verdict.removed), "tlp": int(verdict.tlp)}
    await audit.record(db, telling.actor, "advisory.refuse", f"incident:{telling.incident.id}", facts)


async def _record(telling: _Telling, advisory: Advisory, told: int) -> None:
    """Write timeline and audit, and tell live views."""
    db, name = telling.db, telling.constituent.name
    data = {"advisory": advisory.id, "revision": advisory.revision}
    if told:
        what = "is told what has changed" if advisory.revision > 1 else "is told"
        text, seen_by = f"{name} {what}: {count(told, 'message')}.", {}
    else:
        text, seen_by = f"{name} has no contact to tell: its advisory waits on its page only.", CITY_ONLY
    write(db, telling.incident, "advisory", text, actor=telling.actor, data=data | seen_by)
    changed(db, advisory)
    facts = data | {"constituent": telling.constituent.id, "tlp": advisory.tlp, "messages": told}
    await audit.record(db, telling.actor, "advisory.publish", f"advisory:{advisory.id}", facts)


async def _contacts(db: AsyncSession, constituent: Constituent) -> Sequence[Contact]:
    active = select(Contact).where(col(Contact.constituent_id) == constituent.id, col(Contact.active))
    return (await db.exec(active.order_by(col(Contact.id)))).all()


def _recipient(constituent: Constituent, contact: Contact | None = None) -> gate.Recipient:
    return gate.Recipient(
        id=f"contact:{contact.id}" if contact else f"constituent:{constituent.id}",
        audience=gate.Audience.CONSTITUENT,
        clearance=gate.clearance_of(constituent.clearance),
        constituent_id=constituent.id,
    )
