"""Compose an advisory: an incident, its matches at one constituent, and what the gate removed, become content. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

from citysec.advisories.advice import Advice
from citysec.advisories.content import Call, Content, Duty, Touched
from citysec.advisories.gate import Field, label_of
from citysec.advisories.words import count, defanged, listed, moment, often, one_line, probability
from citysec.lookalikes import alike
from citysec.lookalikes.alike import Alike
from citysec.software import particulars
from citysec.software.particulars import Particulars
from citysec.tlp import TLP

LISTED: Final = 50
"""An advisory names so many assets at most, and counts them all."""

_SEEN: Final = "your network"
"""Stands for the place where the recipient's own machines met something."""
_MET: Final = "Machines of yours met what was reported as an attacker’s: an address, a name, a page or a file."
_KIND: Final = "kind"
_AWARE_AT: Final = "aware_at"
_LEFT_OUT: Final = (
    "Some of what the city knows is marked above what may reach you and is left out. Ask us if you need it."
)
_WITHDRAWN: Final = "What we told you no longer holds: the report it rested on was withdrawn or has ended."


@dataclass(frozen=True, slots=True)
class Seen:
    """How often the recipient's own machines met something, and from when to when."""

    first: datetime
    last: datetime
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """One open match, as it looks from one constituent.

    Args:
        id: the match's.
        constituent_id: from whose side it is seen.
        asset: the asset as registered; None where it is another's and only the service is this constituent's, and where
            it was `seen`.
        service: public service on the asset, where there is one.
        feed: name of the feed.
        tlp: marking of what the match rests on, as the database keeps it; what is no label counts as TLP:RED.
        about: what is known of a vulnerability, where it is one.
        alike: how a name looks like the asset, where it is a lookalike.
        due_at: by when it is to be mended.
        seen: where the constituent's own machines reported it.
    """

    id: str
    constituent_id: str
    asset: str | None
    service: str | None
    indicator: str
    relation: str
    certain: bool
    feed: str
    confidence: int
    tlp: int | None
    matched_at: datetime
    about: Particulars | None = None
    alike: Alike | None = None
    due_at: datetime | None = None
    seen: Seen | None = None

    @property
    def name(self) -> str:
        """How a decision calls it."""
        return f"match:{self.id}"

    @property
    def label(self) -> TLP:
        """The label to handle it by."""
        return label_of(self.tlp)


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What is known of an incident at one constituent.

    Args:
        tlp: of the incident; marks what cannot be told from the matches alone, as the kind.
        evidence: may hold rows of others: they are never looked at.
    """

    reference: str
    kind: str
    severity: str
    tlp: int | None
    aware_at: datetime
    constituent_id: str
    sector: str
    evidence: Sequence[Evidence]

    @property
    def own(self) -> list[Evidence]:
        """The evidence at this constituent."""
        return [each for each in self.evidence if each.constituent_id == self.constituent_id]


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """What the city says in all advisories.

    Args:
        city: its name.
        call: whom to call.
        advice: what to do, by kind of incident.
        feeds: name -> title of feeds; a feed without title goes by its name.
    """

    city: str
    advice: Advice
    call: Call = field(default_factory=Call)
    feeds: Mapping[str, str] = field(default_factory=dict[str, str])


def fields(facts: Facts) -> list[Field]:
    """Return what an advisory on `facts` is made of, for the gate to decide on."""
    incident = label_of(facts.tlp)
    rows = [Field(each.name, each.label, essential=True) for each in facts.own]
    return [Field(_KIND, incident), Field(_AWARE_AT, incident), *rows]


def compose(facts: Facts, removed: AbstractSet[str], desk: Desk) -> Content:
    """Return the advisory on `facts` without what the gate `removed`.

    Whatever depends on a removed field is told from the remaining ones, or in general words. That something was left
    out is said, except of TLP:RED: whoever may not have that may not know that it exists.

    Args:
        facts: at least one own match must remain.
        removed: names of fields.
        desk: what the city says in all advisories.
    """
    rows = [each for each in facts.own if each.name not in removed]
    gone = [each for each in facts.own if each.name in removed]
    kind = "" if _KIND in removed else facts.kind
    since = min(each.matched_at for each in rows) if _AWARE_AT in removed else facts.aware_at
    advice, touched = desk.advice.on(kind), _touched(rows)
    due = min((each.due_at for each in rows if each.due_at), default=None)
    happened = _MET if all(each.seen for each in rows) else advice.what
    return Content(
        reference=facts.reference,
        title=advice.title,
        kind=kind,
        severity=facts.severity,
        tlp=max(each.label for each in fields(facts) if each.name not in removed).label,
        what=f"{happened} {_concerned(touched)}{f' Mend it by {moment(due)}.' if due else ''}",
        due=due,
        touched=tuple(touched[:LISTED]),
        touched_total=len(touched),
        since=since,
        confidence=max(each.confidence for each in rows),
        how_sure=_how_sure(rows, desk),
        sources=_sources(rows, desk),
        todo=advice.todo,
        duties=_duties(facts.sector, since, desk.advice),
        call=desk.call,
        left_out=_LEFT_OUT if any(each.label < TLP.RED for each in gone) else "",
    )


def withdrawn(told: Content) -> Content:
    """Return the correction for those who were `told` what no longer holds."""
    return replace(
        told,
        what=_WITHDRAWN,
        todo=("You need not do anything more on our account; what you found yourselves still counts.",),
        duties=(),
        change=_WITHDRAWN,
        withdrawn=True,
    )


def change(before: Content, after: Content) -> str:
    """Return in a sentence what is new in `after`; empty when it is not worth another message."""
    if _gist(before) == _gist(after):
        return ""
    old, new = ({_named(each) for each in content.touched} for content in (before, after))
    parts = [
        f"now also about {listed(tuple(sorted(new - old)))}" if new - old else "",
        f"no longer about {listed(tuple(sorted(old - new)))}" if old - new else "",
        f"severity is {after.severity}, was {before.severity}" if after.severity != before.severity else "",
        f"it is to be mended by {moment(after.due)}" if after.due and after.due != before.due else "",
    ]
    said = "; ".join(part for part in parts if part) or "details have changed"
    return f"New in this message: {said}."


def _gist(content: Content) -> tuple[object, ...]:
    """Return what makes two messages different to their reader; one more report of the same thing does not."""
    touched = frozenset(_named(each) for each in content.touched)
    sure = probability(content.confidence)
    graded = content.kind, content.severity, content.tlp, content.withdrawn, content.due
    return *graded, touched, content.touched_total, sure


def _touched(rows: Sequence[Evidence]) -> list[Touched]:
    """Return one entry per asset, the surest first."""
    groups: dict[tuple[str, str], list[Evidence]] = defaultdict(list)
    for row in sorted(rows, key=_rank):
        groups[_SEEN if row.seen else row.asset or "", row.service or ""].append(row)
    return [_entry(group) for group in groups.values()]


def _rank(row: Evidence) -> tuple[object, ...]:
    return not row.certain, -row.confidence, row.matched_at, row.id


def _entry(group: Sequence[Evidence]) -> Touched:
    first, known = group[0], group[0].asset is not None or group[0].seen is not None
    return Touched(
        value=_SEEN if first.seen else one_line(first.asset or ""),
        service=one_line(first.service or ""),
        # An indicator often equals the asset it touches: of another's asset it says too much.
        indicator=one_line(first.indicator) if known else "",
        relation=first.relation if known else "",
        why=one_line(_why(first, len(group) - 1)) if known else "",
        certain=first.certain,
        others=len(group) - 1,
        since=min(row.matched_at for row in group),
    )


def _why(row: Evidence, others: int) -> str:
    """Return what there is to say of a row besides the indicator; `others` touch the same."""
    if row.seen is not None:
        more = f", and {count(others, 'other indicator')}" if others else ""
        when = f"first on {moment(row.seen.first)}, last on {moment(row.seen.last)}"
        possibly = "" if row.certain else "possibly "
        return f"your own machines {possibly}met {defanged(row.indicator)} {often(row.seen.count)}, {when}{more}"
    if row.about is not None:
        return particulars.told(row.about, certain=row.certain)
    return alike.told(row.alike, defanged, whose="yours, ") if row.alike is not None else ""


def _named(touched: Touched) -> str:
    return touched.value or touched.service


def _concerned(touched: Sequence[Touched]) -> str:
    assets = sum(1 for each in touched if each.value and each.value != _SEEN)
    services = len({each.service for each in touched if not each.value})
    parts = (
        count(assets, "registered asset") + " of yours" if assets else "",
        count(services, "service") + " that you answer for" if services else "",
        "what your own machines reported" if any(each.value == _SEEN for each in touched) else "",
    )
    return f"It concerns {listed(tuple(part for part in parts if part))}."


def _sources(rows: Sequence[Evidence], desk: Desk) -> tuple[str, ...]:
    return tuple(sorted({one_line(desk.feeds.get(row.feed, row.feed)) for row in rows}))


def _how_sure(rows: Sequence[Evidence], desk: Desk) -> str:
    confidence = max(row.confidence for row in rows)
    said = f"It is {probability(confidence)} ({confidence} of 100) that the report is right"
    ground = f"{said}. It comes from {listed(_sources(rows, desk))}."
    if any(row.certain for row in rows):
        return ground
    return f"{ground} That it is about you is only possible: part of what it says cannot be checked from outside."


def _duties(sector: str, since: datetime, advice: Advice) -> tuple[Duty, ...]:
    return tuple(
        Duty(what=each.what, to=each.to, hours=each.hours, by=since + timedelta(hours=each.hours), basis=each.basis)
        for each in advice.duties
        if not each.sectors or sector in each.sectors
    )
