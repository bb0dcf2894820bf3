"""Triage: matches of one root cause at one constituent become one incident."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import func
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from citysec import outbox
from citysec.access.policy import SERVICE
from citysec.bulk import among
from citysec.db import alone
from citysec.incidents.gathering import COLLECTIVE, Gathering
from citysec.incidents.lifecycle import State, Step, after
from citysec.incidents.record import LOCK, called, move, next_ref, open_key, own_key
from citysec.incidents.remedy import Rules, due_at, opens, shift
from citysec.incidents.severity import LOOKALIKE, VULNERABILITY, Severity, shifted
from citysec.incidents.standing import Ground, Standing, Weight, grounds, link
from citysec.incidents.touches import BARE, Found, Place, Touch, read_matches, touches_of
from citysec.tables.columns import new_id, now
from citysec.tables.incidents import Incident, IncidentMatch
from citysec.tables.matches import Match
from citysec.timeline import enter
from citysec.tlp import TLP

_LONGEST_TITLE: Final = 160
"""Characters; expressions and names of threats may have thousands."""


@dataclass(frozen=True, slots=True)
class Policy:
    """What the city-wide strategy says about incidents.

    Args:
        grade: (criticality 1-5, confidence 0-100, kind) -> severity.
        ref_prefix: begins every incident's number, for instance `LDN`.
        possible_opens: whether uncertain matches open incidents; otherwise they wait for review.
        city_threshold: how many constituents one threat must touch to be the city's affair.
        window: within which time they must be touched.
        remedy: what it says of vulnerabilities.
        bare_max: so many open incidents without a named threat may one feed cause at one constituent before the
            further ones are gathered into one (promise P4: nobody is flooded).
        update_after: how long further matches of a known incident are gathered before those told are told again.
        new_lookalike: grades up or down for a lookalike of which nobody says more than that it is new.
    """

    grade: Callable[[int, int, str], Severity]
    ref_prefix: str
    possible_opens: bool
    city_threshold: int
    window: timedelta
    remedy: Rules
    bare_max: int = 10
    update_after: timedelta = timedelta(hours=1)
    new_lookalike: int = 0


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
            again[touch.place] = _weight(touch, policy)
            await _name(db, standing.held[touch.place].incident, touch)
        elif touch.place not in standing.settled:
            fresh.append(touch)
    await standing.reweigh(db, again)
    await _sort_in(db, fresh, policy)
    await _regrade(db, standing.incidents, policy)


def _counts(match: Found, policy: Policy) -> bool:
    return match.certain or policy.possible_opens


def _opens(touch: Touch, policy: Policy, *, held: bool) -> bool:
    """Return whether a match is worth an incident at a constituent: not every vulnerability is."""
    about = touch.match.particulars
    return about is None or opens(about, policy.remedy, exposed=touch.exposed, held=held)


def _weight(touch: Touch, policy: Policy) -> Weight:
    about = touch.match.particulars
    if about is None:
        return Weight(touch.kind, touch.criticality, policy.new_lookalike if touch.match.is_news else 0)
    rules, exposed = policy.remedy, touch.exposed
    due = due_at(about, touch.match.matched_at, rules, exposed=exposed)
    return Weight(touch.kind, touch.criticality, shift(about, rules, exposed=exposed), due)


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


async def _regrade(db: AsyncSession, incidents: Sequence[Incident], policy: Policy) -> None:
    """Grade incidents by what they still rest on; close those where that is nothing, and correct what was said."""
    resting = await grounds(db, [i.id for i in incidents])
    for incident in incidents:
        if found := resting.get(incident.id):
            await _grade_by(db, incident, found, policy)
        else:
            await _close(db, incident)


async def _grade_by(db: AsyncSession, incident: Incident, found: Sequence[Ground], policy: Policy) -> None:
    before = (incident.severity, incident.confidence, incident.tlp, incident.due_at)
    worst = max((shifted(policy.grade(g.criticality, g.confidence, g.kind), g.shift) for g in found), key=Severity.rank)
    incident.severity = worst.value
    incident.confidence = max(g.confidence for g in found)
    incident.tlp = max(g.tlp for g in found)
    incident.due_at = min((g.due_at for g in found if g.due_at), default=None)
    if (incident.severity, incident.confidence, incident.tlp, incident.due_at) == before:
        return
    if incident.tlp < before[2]:
        incident.title = await _title_left(db, incident)
    said = f"Severity is now {incident.severity}, confidence {incident.confidence}, {TLP(incident.tlp).label}."
    await enter(db, incident, "severity", said, data={"severity": incident.severity, "tlp": incident.tlp})
    outbox.add(db, "advise", {"incident": incident.id})
    if incident.parent_id is not None:
        outbox.add(db, "escalate", {"threat": incident.threat})


async def _title_left(db: AsyncSession, incident: Incident) -> str:
    """Return what to call an incident by the first match that it still rests on: its old name may be too secret now."""
    first = (
        select(func.min(Match.id))
        .join(IncidentMatch, col(IncidentMatch.match_id) == col(Match.id))
        .where(col(IncidentMatch.incident_id) == incident.id, col(IncidentMatch.criticality) > 0)
        .where(col(Match.closed_at).is_(None))
    )
    touches = await touches_of(db, await read_matches(db, col(Match.id) == first.scalar_subquery()))
    return next((title(t) for t in touches if t.constituent.id == incident.constituent_id), called(incident.kind))


async def _close(db: AsyncSession, incident: Incident) -> None:
    if after(State(incident.state), Step.CLOSE) is not None:
        await move(db, incident.id, Step.CLOSE, SERVICE, "No match is left: what it rested on has ended.")
        outbox.add(db, "advise", {"incident": incident.id})


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
        db, ((incidents[key].id, touch, _weight(touch, policy)) for key, group in groups.items() for touch in group)
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
    first, at = max(touches, key=lambda touch: (touch.kind != LOOKALIKE, _grade(touch, policy).rank())), now()
    incident = Incident(
        id=new_id(),
        ref=await next_ref(db, policy.ref_prefix, at),
        constituent_id=first.constituent.id,
        threat=threat,
        open_key=open_key(threat, first.constituent.id, first.kind),
        kind=first.kind,
        title=title(first),
        severity=_worst(touches, policy).value,
        state=State.OPEN.value,
        confidence=max(t.match.confidence for t in touches),
        tlp=max(t.match.tlp for t in touches),
        aware_at=min(t.match.matched_at for t in touches),
        due_at=_due(touches, policy),
        updated_at=at,
    )
    db.add(incident)
    facts = {"severity": incident.severity, "matches": len(touches), "threat": threat}
    await enter(db, incident, "opened", f"Opened with {_matches(len(touches))}, {incident.severity}.", data=facts)
    outbox.add(db, "respond", {"incident": incident.id})
    return incident


async def _extend(db: AsyncSession, incident: Incident, fresh: Sequence[Touch], policy: Policy) -> bool:
    """Add further matches; return whether what they say may wait until those told before are told again."""
    worst = max(Severity(incident.severity), _worst(fresh, policy), key=Severity.rank)
    risen = worst.value != incident.severity
    incident.severity = worst.value
    incident.confidence = max(incident.confidence, *(t.match.confidence for t in fresh))
    incident.tlp = max(incident.tlp, *(t.match.tlp for t in fresh))
    incident.due_at = min((at for at in (incident.due_at, _due(fresh, policy)) if at), default=None)
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


def _worst(touches: Iterable[Touch], policy: Policy) -> Severity:
    grounds = {(t.criticality, t.match.confidence, t.kind, _weight(t, policy).shift) for t in touches}  # few, of many
    grades = (shifted(policy.grade(weight, sure, kind), by) for weight, sure, kind, by in grounds)
    return max(grades, key=Severity.rank)


def _grade(touch: Touch, policy: Policy) -> Severity:
    return shifted(policy.grade(touch.criticality, touch.match.confidence, touch.kind), _weight(touch, policy).shift)


def _due(touches: Iterable[Touch], policy: Policy) -> datetime | None:
    dated = (touch for touch in touches if touch.match.particulars)
    return min((at for touch in dated if (at := _weight(touch, policy).due_at)), default=None)


def title(touch: Touch) -> str:
    """Return what to call an incident: by the threat, else by the observable where its constituent may know that."""
    name = called(touch.kind, touch.threat_name or (touch.match.indicator_value if touch.owned else ""))
    return name if len(name) <= _LONGEST_TITLE else f"{name[: _LONGEST_TITLE - 1]}…"


def _matches(count: int) -> str:
    return "1 match" if count == 1 else f"{count} matches"
