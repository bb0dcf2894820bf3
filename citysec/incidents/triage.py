"""Triage: matches of one root cause at one constituent become one incident."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import func
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from citysec import outbox
from citysec.incidents.lifecycle import State, Step, after
from citysec.incidents.record import SERVICE, enter, move, next_ref, open_key
from citysec.incidents.severity import Severity
from citysec.incidents.touches import BARE, Touch, touches_of
from citysec.tables.columns import new_id, now
from citysec.tables.incidents import Incident, IncidentMatch
from citysec.tables.matches import Match

_COLLECTIVE: Final = "feed:"


@dataclass(frozen=True, slots=True)
class Policy:
    """What the city-wide strategy says about incidents.

    Args:
        grade: (criticality 1-5, confidence 0-100, kind) -> severity.
        ref_prefix: begins every incident's number, for instance `LDN`.
        possible_opens: whether uncertain matches open incidents; otherwise they wait for review.
        city_threshold: how many constituents one threat must touch to be the city's affair.
        window: within which time they must be touched.
        bare_max: so many open incidents without a named threat may one feed cause at one constituent before the
            further ones are gathered into one (promise P4: nobody is flooded).
        update_after: how long further matches of a known incident are gathered before those told are told again.
    """

    grade: Callable[[int, int, str], Severity]
    ref_prefix: str
    possible_opens: bool
    city_threshold: int
    window: timedelta
    bare_max: int = 10
    update_after: timedelta = timedelta(hours=1)


async def triage(db: AsyncSession, payload: Mapping[str, Any], policy: Policy) -> None:
    """Open or extend the incidents that the matches of `payload` belong to, and close those that rest on nothing.

    Args:
        db: the stage's transaction.
        payload: `{"matches": [match id …]}`, new, changed or closed ones.
        policy: the strategy's rules.
    """
    ids: list[str] = payload["matches"]
    matches = (await db.exec(select(Match).where(col(Match.id).in_(ids)).order_by(col(Match.id)))).all()
    live = [m for m in matches if m.closed_at is None and (m.certain or policy.possible_opens)]
    groups: dict[tuple[str, str], list[Touch]] = defaultdict(list)
    for touch in await touches_of(db, live):
        groups[touch.constituent.id, touch.threat].append(touch)
    threats = {threat for _, threat in groups}
    for touches in groups.values():
        await _open_or_extend(db, touches, policy)
    await _close_unfounded(db, [m.id for m in matches if m.closed_at is not None])
    for threat in sorted(threats):
        if not threat.startswith(_COLLECTIVE):
            outbox.add(db, "escalate", {"threat": threat})


async def _open_or_extend(db: AsyncSession, touches: list[Touch], policy: Policy) -> None:
    first = touches[0]
    threat = await _root_cause(db, first, policy)
    key = open_key(threat, first.constituent.id)
    incident = (await db.exec(select(Incident).where(col(Incident.open_key) == key))).first()
    if incident is None:
        await _open(db, touches, threat, policy)
    else:
        await _extend(db, incident, touches, policy)


async def _root_cause(db: AsyncSession, touch: Touch, policy: Policy) -> str:
    """Return the threat, or for the many nameless ones of a noisy feed what gathers them."""
    if not touch.threat.startswith(BARE):
        return touch.threat
    bare = select(Incident.open_key).where(
        col(Incident.constituent_id) == touch.constituent.id,
        col(Incident.open_key).is_not(None),
        col(Incident.kind) == touch.kind,
        col(Incident.threat).startswith(BARE),
    )
    keys = set((await db.exec(bare)).all())
    if len(keys) < policy.bare_max or open_key(touch.threat, touch.constituent.id) in keys:
        return touch.threat
    return f"{_COLLECTIVE}{touch.match.feed}/{touch.kind}"


async def _open(db: AsyncSession, touches: list[Touch], threat: str, policy: Policy) -> None:
    first, at = touches[0], now()
    incident = Incident(
        id=new_id(),
        ref=await next_ref(db, policy.ref_prefix, at),
        constituent_id=first.constituent.id,
        threat=threat,
        open_key=open_key(threat, first.constituent.id),
        kind=first.kind,
        title=_title(first),
        severity=_worst(touches, policy).value,
        state=State.OPEN.value,
        confidence=max(t.match.confidence for t in touches),
        tlp=max(t.match.tlp for t in touches),
        aware_at=min(t.match.matched_at for t in touches),
        updated_at=at,
    )
    db.add(incident)
    await db.flush()
    await _link(db, incident, touches)
    facts = {"severity": incident.severity, "matches": len(touches), "threat": threat}
    await enter(db, incident, "opened", f"Opened with {_matches(len(touches))}, {incident.severity}.", data=facts)
    outbox.add(db, "respond", {"incident": incident.id})


async def _extend(db: AsyncSession, incident: Incident, touches: list[Touch], policy: Policy) -> None:
    fresh = await _link(db, incident, touches)
    if not fresh:
        return
    worst = max(Severity(incident.severity), _worst(fresh, policy), key=Severity.rank)
    risen = worst.value != incident.severity
    incident.severity = worst.value
    incident.confidence = max(incident.confidence, *(t.match.confidence for t in fresh))
    incident.tlp = max(incident.tlp, *(t.match.tlp for t in fresh))
    text = f"{_matches(len(fresh))} more" + (f"; severity is now {worst.value}." if risen else ".")
    await enter(db, incident, "match", text, data={"matches": len(fresh), "severity": worst.value})
    await _tell_again(db, incident, timedelta(0) if risen else policy.update_after)


async def _tell_again(db: AsyncSession, incident: Incident, wait: timedelta) -> None:
    """Have those who were told be told what is new: at once, or once for all that comes within `wait`."""
    if not wait:
        outbox.add(db, "advise", {"incident": incident.id})
        return
    due = _slot_end(now(), wait)
    work_id = f"advise:{incident.id}:{due:%Y%m%dT%H%M%S}"
    if await db.get(outbox.Outbox, work_id) is None:
        outbox.add(db, "advise", {"incident": incident.id}, due_at=due, work_id=work_id)


def _slot_end(at: datetime, width: timedelta) -> datetime:
    """Return the end of the slot of `width` that `at` lies in."""
    seconds = width.total_seconds()
    return at + timedelta(seconds=seconds - at.timestamp() % seconds)


async def _link(db: AsyncSession, incident: Incident, touches: Iterable[Touch]) -> list[Touch]:
    """Add the matches to the incident and return those that were not there."""
    linked = select(IncidentMatch.match_id).where(col(IncidentMatch.incident_id) == incident.id)
    known = set((await db.exec(linked)).all())
    fresh = [t for t in touches if t.match.id not in known]
    db.add_all(IncidentMatch(incident_id=incident.id, match_id=t.match.id) for t in fresh)
    await db.flush()
    return fresh


async def _close_unfounded(db: AsyncSession, closed: list[str]) -> None:
    """Close the incidents all of whose matches are closed, and correct what was said."""
    open_matches = (
        select(func.count(col(Match.id)))
        .join(IncidentMatch, col(IncidentMatch.match_id) == col(Match.id))
        .where(col(IncidentMatch.incident_id) == col(Incident.id), col(Match.closed_at).is_(None))
        .scalar_subquery()
    )
    unfounded = (
        select(Incident)
        .join(IncidentMatch, col(IncidentMatch.incident_id) == col(Incident.id))
        .where(col(IncidentMatch.match_id).in_(closed), col(Incident.open_key).is_not(None), open_matches == 0)
        .distinct()
    )
    for incident in (await db.exec(unfounded)).all():
        if after(State(incident.state), Step.CLOSE) is not None:
            await move(
                db, incident.id, Step.CLOSE, SERVICE, "No match is left: the indicators were withdrawn or ended."
            )
            outbox.add(db, "advise", {"incident": incident.id})


def _worst(touches: Iterable[Touch], policy: Policy) -> Severity:
    return max((policy.grade(t.criticality, t.match.confidence, t.kind) for t in touches), key=Severity.rank)


def _title(touch: Touch) -> str:
    subject = touch.threat_name or touch.match.indicator_value
    return f"{touch.kind.replace('-', ' ').capitalize()}: {subject}"


def _matches(count: int) -> str:
    return "1 match" if count == 1 else f"{count} matches"
