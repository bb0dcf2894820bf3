"""How grave the strategy makes what touches a constituent, and by when it is to be mended."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from citysec.incidents.remedy import Rules, due_at, shift
from citysec.incidents.severity import Severity, shifted
from citysec.incidents.standing import Weight
from citysec.incidents.touches import Touch


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


def weight(touch: Touch, policy: Policy) -> Weight:
    """Return what a match weighs at a constituent."""
    about = touch.match.particulars
    if about is None:
        return Weight(touch.kind, touch.criticality, policy.new_lookalike if touch.match.is_news else 0)
    rules, exposed = policy.remedy, touch.exposed
    due = due_at(about, touch.match.matched_at, rules, exposed=exposed)
    return Weight(touch.kind, touch.criticality, shift(about, rules, exposed=exposed), due)


def worst_of(touches: Iterable[Touch], policy: Policy) -> Severity:
    """Return the highest grade of some matches."""
    grounds = {(t.criticality, t.match.confidence, t.kind, weight(t, policy).shift) for t in touches}  # few, of many
    grades = (shifted(policy.grade(criticality, sure, kind), by) for criticality, sure, kind, by in grounds)
    return max(grades, key=Severity.rank)


def grade(touch: Touch, policy: Policy) -> Severity:
    """Return the grade of one match at a constituent."""
    return shifted(policy.grade(touch.criticality, touch.match.confidence, touch.kind), weight(touch, policy).shift)


def due_of(touches: Iterable[Touch], policy: Policy) -> datetime | None:
    """Return by when the first of some matches is to be mended; None where nothing of the kind is said."""
    dated = (touch for touch in touches if touch.match.particulars)
    return min((at for touch in dated if (at := weight(touch, policy).due_at)), default=None)
