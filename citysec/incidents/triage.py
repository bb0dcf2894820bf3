"""Triage: matches of one root cause at one constituent become one incident."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence, Set
from datetime import datetime, timedelta
from typing import Any

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from citysec import outbox
from citysec.bulk import among
from citysec.db import alone
from citysec.incidents.gathering import COLLECTIVE, Gathering
from citysec.incidents.grading import Policy, due_of, grade, weight, worst_of
from citysec.incidents.lifecycle import State
from citysec.incidents.record import LOCK, next_ref, open_key, own_key
from citysec.incidents.regrade import regrade
from citysec.incidents.remedy import opens
from citysec.incidents.severity import LOOKALIKE, VULNERABILITY, Severity
from citysec.incidents.standing import Standing, Weight, link
from citysec.incidents.titles import called, title
from citysec.incidents.touches import BARE, Found, Place, Touch, read_matches, touches_of
from citysec.tables.columns import new_id, now
from citysec.tables.incidents import Incident
from citysec.tables.matches import Match
from citysec.timeline import enter


async def triage(db: AsyncSession, payload: Mapping[str, Any], policy: Policy) -> None:
    """Open or extend the incidents that the matches of `payload` belong to, and close those that rest on nothing.

    Args:
        db: the stage's transaction.
        payload: `{"matches": [match id …]}`, new, changed or closed ones.
        policy: the strategy's rules.
    """
    await alone(db, LOCK)
    ids: list[str] = payload["matches"]
    matches = await read_matches(db, among(col(Match.id), ids))
    standing = await Standing.of(db, matches)
    fresh: list[Touch] = []
    again: dict[Place, Weight] = {}
    for touch in await touches_of(db, [m for m in matches if m.closed_at is None and _counts(m, policy)]):
        held = touch.place in standing.held
        if not _opens(touch, policy, held=held):
            continue
        if held:
            again[touch.place] = weight(touch, policy)
            await _name(db, standing.held[touch.place].incident, touch)
        elif touch.place not in standing.settled:
            fresh.append(touch)
    await standing.reweigh(db, again)
    await _sort_in(db, fresh, policy)
    await regrade(db, standing.incidents, policy)


def _counts(match: Found, policy: Policy) -> bool:
    return match.certain or policy.possible_opens


def _opens(touch: Touch, policy: Policy, *, held: bool) -> bool:
    """Return whether a match is worth an incident at a constituent: not every vulnerability is."""
    about = touch.match.particulars
    return about is None or opens(about, policy.remedy, exposed=touch.exposed, held=held)


async def _name(db: AsyncSession, incident: Incident, touch: Touch) -> None:
    """Call an incident by its threat when somebody says at last what its observable is a sign of."""
    if not incident.threat.startswith(BARE) or touch.threat.startswith(BARE):
        return
    key = open_key(touch.threat, touch.constituent.id, touch.kind)
    city_key = open_key(touch.threat, None)
    taken = await _open_ones(db, [key, city_key])
    if key in taken:
        return
    city = await _open_ones(db, [open_key(incident.threat, None)])
    for above in city.values() if city_key not in taken else ():
        await _rename(db, above, touch, city_key, called(touch.kind, touch.threat_name))
    await _rename(db, incident, touch, key, title(touch))
    outbox.add(db, "escalate", {"threat": touch.threat})


async def _rename(db: AsyncSession, incident: Incident, touch: Touch, key: str, name: str) -> None:
    incident.threat, incident.open_key, incident.title = touch.threat, key, name
    incident.tlp = max(incident.tlp, touch.match.tlp)
    exploited = "It is known to be exploited now."
    said = exploited if touch.kind == VULNERABILITY else "What it is a sign of is known now."
    await enter(db, incident, "named", said, data={"threat": touch.threat})


async def _sort_in(db: AsyncSession, touches: Sequence[Touch], policy: Policy) -> None:
    """Put each touch into the incident of its root cause at its constituent."""
    groups: dict[str, list[Touch]] = defaultdict(list)
    threats: dict[str, str] = {}
    gathered = await Gathering.at(db, touches, policy.bare_max)
    for touch in touches:
        threat = gathered.root_cause(touch)
        key = open_key(threat, touch.constituent.id, touch.kind)
        groups[key].append(touch)
        threats[key] = threat
    incidents = await _open_ones(db, {*groups, *map(own_key, groups)})
    groups = _joined(groups, {*groups, *incidents})
    later: list[Incident] = []
    for key, group in groups.items():
        incident = incidents.get(key)
        if incident is None:
            incidents[key] = await _open(db, group, threats[key], policy)
        elif await _extend(db, incident, group, policy):
            later.append(incident)
    await link(
        db, ((incidents[key].id, touch, weight(touch, policy)) for key, group in groups.items() for touch in group)
    )
    if later:
        await _tell_later(db, later, policy.update_after)
    for threat in await _unescalated(db, incidents.values()):
        outbox.add(db, "escalate", {"threat": threat})


def _joined(groups: Mapping[str, list[Touch]], keys: Set[str]) -> dict[str, list[Touch]]:
    """Return the groups, what only looks alike joined to what is the constituent's own where `keys` have that."""
    joined: dict[str, list[Touch]] = defaultdict(list)
    for key, group in groups.items():
        joined[own if (own := own_key(key)) in keys else key] += group
    return joined


async def _unescalated(db: AsyncSession, incidents: Iterable[Incident]) -> list[str]:
    """Return the threats that may be the city's affair and of which its incident does not know all yet."""
    named = [i for i in incidents if not i.threat.startswith(COLLECTIVE)]
    city = await _open_ones(db, {open_key(i.threat, None) for i in named})
    return sorted({i.threat for i in named if not _is_covered(i, city.get(open_key(i.threat, None)))})


def _is_covered(incident: Incident, city: Incident | None) -> bool:
    return (
        city is not None
        and incident.parent_id == city.id
        and Severity(incident.severity).rank() <= Severity(city.severity).rank()
        and incident.tlp <= city.tlp
    )


async def _open_ones(db: AsyncSession, keys: Iterable[str]) -> dict[str, Incident]:
    query = select(Incident).where(col(Incident.open_key).in_(list(keys)))
    return {i.open_key: i for i in (await db.exec(query)).all() if i.open_key}


async def _open(db: AsyncSession, touches: list[Touch], threat: str, policy: Policy) -> Incident:
    first, at = max(touches, key=lambda touch: (touch.kind != LOOKALIKE, grade(touch, policy).rank())), now()
    incident = Incident(
        id=new_id(),
        ref=await next_ref(db, policy.ref_prefix, at),
        constituent_id=first.constituent.id,
        threat=threat,
        open_key=open_key(threat, first.constituent.id, first.kind),
        kind=first.kind,
        title=title(first),
        severity=worst_of(touches, policy).value,
        state=State.OPEN.value,
        confidence=max(t.match.confidence for t in touches),
        tlp=max(t.match.tlp for t in touches),
        aware_at=min(t.match.matched_at for t in touches),
        due_at=due_of(touches, policy),
        updated_at=at,
    )
    db.add(incident)
    facts = {"severity": incident.severity, "matches": len(touches), "threat": threat}
    await enter(db, incident, "opened", f"Opened with {_matches(len(touches))}, {incident.severity}.", data=facts)
    outbox.add(db, "respond", {"incident": incident.id})
    return incident


async def _extend(db: AsyncSession, incident: Incident, fresh: Sequence[Touch], policy: Policy) -> bool:
    """Add further matches; return whether what they say may wait until those told before are told again."""
    worst = max(Severity(incident.severity), worst_of(fresh, policy), key=Severity.rank)
    risen = worst.value != incident.severity
    incident.severity = worst.value
    incident.confidence = max(incident.confidence, *(t.match.confidence for t in fresh))
    incident.tlp = max(incident.tlp, *(t.match.tlp for t in fresh))
    incident.due_at = min((at for at in (incident.due_at, due_of(fresh, policy)) if at), default=None)
    text = f"{_matches(len(fresh))} more" + (f"; severity is now {worst.value}." if risen else ".")
    await enter(db, incident, "match", text, data={"matches": len(fresh), "severity": worst.value})
    if risen or not policy.update_after:
        outbox.add(db, "advise", {"incident": incident.id})
        return False
    return True


async def _tell_later(db: AsyncSession, incidents: Sequence[Incident], wait: timedelta) -> None:
    """Have those who were told be told once for all that comes until the present slot of `wait` ends."""
    due = _slot_end(now(), wait)
    work = {f"advise:{i.id}:{due:%Y%m%dT%H%M%S}": i for i in incidents}
    planned = set((await db.exec(select(outbox.Outbox.id).where(col(outbox.Outbox.id).in_(work)))).all())
    for work_id in work.keys() - planned:
        outbox.add(db, "advise", {"incident": work[work_id].id}, due_at=due, work_id=work_id)


def _slot_end(at: datetime, width: timedelta) -> datetime:
    """Return the end of the slot of `width` that `at` lies in."""
    seconds = width.total_seconds()
    return at + timedelta(seconds=seconds - at.timestamp() % seconds)


def _matches(count: int) -> str:
    return "1 match" if count == 1 else f"{count} matches"
