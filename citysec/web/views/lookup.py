"""Whose a value is, whether it has been seen, and why somebody was told of it or not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from citysec.errors import Problem
from citysec.web.views.frame import Named
from citysec.web.views.submit import TouchedRow


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkView:
    """Something to go to; `href` is empty where this reader may not."""

    href: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenRow:
    """An indicator that speaks of a value.

    Args:
        name: as it is called, else its STIX id.
        relation: as `words.SEEN` says it.
        state: as `words.STANDINGS` says it.
        feeds: who says so, or said so.
        matches: open ones; `ended` are the others.
    """

    name: str
    relation: str
    state: str
    since: datetime
    feeds: Sequence[LinkView]
    matches: int
    ended: int
    incidents: Sequence[LinkView]
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ObservedRow:
    """A constituent whose machines have observed a value, whether an indicator speaks of it or not."""

    constituent: str
    count: int
    last: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class LookupRow:
    """What there is to say of one value.

    Args:
        asked: as it was pasted.
        kind: as `words.OBSERVABLES` says it; empty for a STIX id and for what is no value.
        value: in canonical form, not defanged.
        problem: why nothing can be said; empty where something can.
        touches: registered assets, the closest first; `touched` counts all.
        warned: warning lists that it is on.
        seen: what speaks of it; `known` counts all.
        observed: who has observed it lately, the newest first; `observers` counts all.
        why: address of the explanation.
    """

    asked: str
    kind: str
    value: str
    problem: str
    touches: Sequence[TouchedRow]
    touched: int
    warned: Sequence[str]
    seen: Sequence[SeenRow]
    known: int
    observed: Sequence[ObservedRow] = ()
    observers: int = 0
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LookupView:
    """`GET /lookup`, with `value` for one; POSTs there: `text`, one value a line or between blanks."""

    template: ClassVar[str] = "lookup.html"
    text: str = ""
    most: int
    rows: Sequence[LookupRow] | None = None
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainStep:
    """One question of the chain with its answer.

    Args:
        question: as `words.QUESTIONS` says it.
        outcome: as `words.OUTCOMES` says it.
        deciding: it is the reason why the constituent was told, or was not.
    """

    question: str
    outcome: str
    sentence: str
    links: Sequence[LinkView] = ()
    deciding: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainView:
    """The way of one indicator to the constituent.

    Args:
        indicator_id: empty where there is none.
        told: an advisory was published, and its messages did not fail.
        sent: one of them has been sent.
    """

    indicator_id: str
    name: str
    pattern: str
    told: bool
    sent: bool
    steps: Sequence[ChainStep]


@dataclass(frozen=True, slots=True, kw_only=True)
class ExplainView:
    """`GET /explain?indicator=…&constituent=…`; without one of them the form alone.

    Args:
        asked: as it was written.
        value: in canonical form; empty for a STIX id.
        constituent: None while none is chosen.
        choices: whom the reader may ask about.
    """

    template: ClassVar[str] = "explain.html"
    asked: str
    value: str
    constituent: Named | None
    choices: Sequence[Named]
    chains: Sequence[ChainView] = ()
