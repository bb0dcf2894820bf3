"""Escalation: one threat at several constituents, or on a shared service, becomes the city's affair, once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import func, or_
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from citysec import outbox
from citysec.access.policy import SERVICE
from citysec.db import alone
from citysec.incidents.grading import Policy
from citysec.incidents.lifecycle import State
from citysec.incidents.record import LOCK, load, next_ref, open_key
from citysec.incidents.severity import Severity
from citysec.incidents.titles import called
from citysec.incidents.touches import names_of
from citysec.tables.columns import new_id, now
from citysec.tables.incidents import Incident, IncidentMatch
from citysec.tables.matches import Match
from citysec.tables.register import Accountable, AssetOwner, Service
from citysec.timeline import enter
from citysec.tlp import TLP


async def escalate(db: AsyncSession, payload: Mapping[str, Any], policy: Policy) -> None:
    """Open the city incident of a threat where the strategy wants one, and put the incidents of the threat below it.

    Args:
        db: the stage's transaction.
        payload: `{"threat": …}`.
        policy: the strategy's rules.
    """
    await alone(db, LOCK)
    city = await _city_incident(db, payload["threat"])
    children = await _children(db, payload["threat"], policy, city)
    if city is not None:
        await _adopt(db, city, children)
        return
    reason = await _reason(db, children, policy)
    if reason is not None and not await _settled(db, payload["threat"], policy):
        await _open(db, children, reason, SERVICE, policy)


async def raise_to_city(db: AsyncSession, incident_id: str, reason: str, actor: str, policy: Policy) -> Incident:
    """Make the threat of an incident the city's affair by a person's or a playbook's word; once for each threat."""
    await alone(db, LOCK)
    incident = await load(db, incident_id)
    if incident.constituent_id is None:
        await enter(db, incident, "escalated", reason, actor=actor)
        return incident
    city = await _city_incident(db, incident.threat)
    if city is None:
        return await _open(db, [incident], reason, actor, policy)
    await _adopt(db, city, [incident])
    return city


async def _children(db: AsyncSession, threat: str, policy: Policy, city: Incident | None) -> Sequence[Incident]:
    """Return the open incidents of `threat` that began within the window or are below `city`, oldest first."""
    recent = col(Incident.aware_at) >= now() - policy.window
    query = select(Incident).where(
        col(Incident.threat) == threat,
        col(Incident.constituent_id).is_not(None),
        col(Incident.open_key).is_not(None),
        recent if city is None else or_(recent, col(Incident.parent_id) == city.id),
    )
    return (await db.exec(query.order_by(col(Incident.aware_at), col(Incident.id)))).all()


async def _settled(db: AsyncSession, threat: str, policy: Policy) -> bool:
    """Return whether the city incident of `threat` was closed within the window: somebody has decided."""
    query = select(Incident.id).where(
        col(Incident.threat) == threat,
        col(Incident.constituent_id).is_(None),
        col(Incident.closed_at) >= now() - policy.window,
    )
    return (await db.exec(query.limit(1))).first() is not None


async def _city_incident(db: AsyncSession, threat: str) -> Incident | None:
    return (await db.exec(select(Incident).where(col(Incident.open_key) == open_key(threat, None)))).first()


async def _reason(db: AsyncSession, children: Sequence[Incident], policy: Policy) -> str | None:
    """Return why the threat is the city's affair, None when it is not."""
    count = len({c.constituent_id for c in children})
    if count >= policy.city_threshold:
        return f"The same threat touches {count} constituents."
    shared = await _shared_service(db, [c.id for c in children])
    return f"The threat touches “{shared}”, which several constituents share." if shared else None


async def _shared_service(db: AsyncSession, incident_ids: Sequence[str]) -> str | None:
    """Return the name of a service touched by these incidents that more than one constituent answers for."""
    query = (
        select(Service.name)
        .join(AssetOwner, col(AssetOwner.service_id) == col(Service.id))
        .join(Match, col(Match.asset_id) == col(AssetOwner.asset_id))
        .join(IncidentMatch, col(IncidentMatch.match_id) == col(Match.id))
        .join(Accountable, col(Accountable.service_id) == col(Service.id))
        .where(col(IncidentMatch.incident_id).in_(incident_ids), col(Match.closed_at).is_(None))
        .group_by(col(Service.id), col(Service.name))
        .having(func.count(func.distinct(col(Accountable.constituent_id))) > 1)
        .order_by(col(Service.name))
    )
    return (await db.exec(query.limit(1))).first()


async def _open(db: AsyncSession, children: Sequence[Incident], reason: str, actor: str, policy: Policy) -> Incident:
    first, at = children[0], now()
    city = Incident(
        id=new_id(),
        ref=await next_ref(db, policy.ref_prefix, at),
        threat=first.threat,
        open_key=open_key(first.threat, None),
        kind=first.kind,
        title=await _title(db, children),
        severity=_worst(children).value,
        state=State.OPEN.value,
        confidence=max(c.confidence for c in children),
        tlp=max(c.tlp for c in children),
        aware_at=min(c.aware_at for c in children),
        updated_at=at,
    )
    db.add(city)
    await db.flush()
    await enter(db, city, "opened", reason, actor=actor, data={"children": len(children), "threat": city.threat})
    await _adopt(db, city, children)
    outbox.add(db, "respond", {"incident": city.id})
    return city


async def _title(db: AsyncSession, children: Sequence[Incident]) -> str:
    """Return what to call the city incident: by the threat's name, where one of `children` goes by it already.

    Others of their titles tell what is whose: everybody below reads this one.
    """
    first = children[0]
    name, _ = (await names_of(db, {first.threat})).get(first.threat, (first.threat, 0))
    named = called(first.kind, name)
    return named if named in {c.title for c in children} else called(first.kind)


async def _adopt(db: AsyncSession, city: Incident, children: Sequence[Incident]) -> None:
    """Put `children` below the city incident: it is as severe as the worst of them, and as secret as the strictest."""
    fresh = [c for c in children if c.parent_id != city.id]
    for child in fresh:
        child.parent_id = city.id
        await enter(db, child, "escalated", f"Part of the city incident {city.ref}.", data={"parent": city.id})
    worst = max((Severity(i.severity) for i in (city, *children)), key=Severity.rank)
    strictest = max(i.tlp for i in (city, *children))
    if (worst.value, strictest) != (city.severity, city.tlp):
        city.severity, city.tlp = worst.value, strictest
        said = f"Severity is now {worst.value}, {TLP(strictest).label}."
        await enter(db, city, "severity", said, data={"severity": worst.value, "tlp": strictest})
    if fresh:
        refs = ", ".join(c.ref for c in fresh)
        await enter(db, city, "match", f"Below it now: {refs}.", data={"children": [c.id for c in fresh]})
    await db.flush()


def _worst(incidents: Sequence[Incident]) -> Severity:
    return max((Severity(i.severity) for i in incidents), key=Severity.rank)
