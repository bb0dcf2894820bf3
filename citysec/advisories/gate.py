"""The TLP gate: what a recipient may have of something that we composed, and the reason. Pure.

Source:
    FIRST TLP 2.0 for who may have what; our rules (docs/decisions.md): what nobody marked counts as TLP:RED, and what
    we compose ourselves may be cut field by field.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from citysec.tlp import TLP


class Audience(StrEnum):
    """What kind of recipient."""

    CITY = "city"
    CONSTITUENT = "constituent"
    PUBLIC = "public"


class Outcome(StrEnum):
    """What a recipient gets: all, part, nothing."""

    ALLOWED = "allowed"
    REDUCED = "reduced"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Recipient:
    """Who wants to have it.

    Args:
        id: `contact:<id>`, `constituent:<id>`, `account:<name>` or `public`.
        audience: what kind of recipient.
        clearance: highest label it may see; of no effect for the public, which sees TLP:CLEAR.
        constituent_id: whose it is, for the audience `CONSTITUENT`.
        named: the publisher named this recipient for what is TLP:RED.
    """

    id: str
    audience: Audience
    clearance: TLP = TLP.CLEAR
    constituent_id: str | None = None
    named: bool = False


@dataclass(frozen=True, slots=True)
class Field:
    """One part of composed content that can be removed by itself.

    Args:
        name: how the decision calls it.
        tlp: its marking; None where it is unknown.
        essential: at least one such field must remain, or nothing is worth sending.
    """

    name: str
    tlp: TLP | None
    essential: bool = False

    @property
    def label(self) -> TLP:
        """The label to handle it by: what nobody marked is TLP:RED."""
        return TLP.RED if self.tlp is None else self.tlp


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was decided.

    Args:
        outcome: all, part or nothing.
        removed: names of the fields that must not go out; all of them when refused.
        reason: a sentence for people of the city's team.
        tlp: label of the content before anything was removed.
        ceiling: highest label that was let through.
    """

    outcome: Outcome
    removed: frozenset[str]
    reason: str
    tlp: TLP
    ceiling: TLP


_LEVELS: Final = frozenset(map(int, TLP))
_ELSEWHERE: Final = "It is about another constituent."


def label_of(value: int | None) -> TLP:
    """Return the label that the database keeps as `value`; what is no label counts as TLP:RED."""
    return TLP(value) if value is not None and value in _LEVELS else TLP.RED


def clearance_of(value: int) -> TLP:
    """Return the clearance that the database keeps as `value`; what is no label gives access to TLP:CLEAR only."""
    return TLP(value) if value in _LEVELS else TLP.CLEAR


def ceiling(recipient: Recipient) -> TLP:
    """Return the highest label that may reach `recipient`: TLP:RED is for the city's team and for who is named."""
    match recipient.audience:
        case Audience.PUBLIC:
            return TLP.CLEAR
        case Audience.CITY:
            return recipient.clearance
        case Audience.CONSTITUENT:
            return recipient.clearance if recipient.named else min(recipient.clearance, TLP.AMBER_STRICT)


def decide(fields: Sequence[Field], recipient: Recipient, *, about: str | None) -> Verdict:
    """Return what of `fields` may reach `recipient`.

    Args:
        fields: all that the content is made of.
        recipient: who wants to have it.
        about: the constituent whose assets it names; None where it names nobody's.
    """
    limit = ceiling(recipient)
    before = max((field.label for field in fields), default=TLP.CLEAR)
    everything = frozenset(field.name for field in fields)
    if about is not None and recipient.audience is not Audience.CITY and recipient.constituent_id != about:
        return Verdict(Outcome.REFUSED, everything, _ELSEWHERE, before, limit)
    above = frozenset(field.name for field in fields if field.label > limit)
    if not any(field.essential and field.name not in above for field in fields):
        return Verdict(Outcome.REFUSED, everything, _nothing_left(before, limit), before, limit)
    outcome = Outcome.REDUCED if above else Outcome.ALLOWED
    return Verdict(outcome, above, _why(len(above), len(fields), limit), before, limit)


def _nothing_left(before: TLP, limit: TLP) -> str:
    return f"All that it is about is above {limit.label}, the most that may reach this recipient; it is {before.label}."


def _why(removed: int, total: int, limit: TLP) -> str:
    if not removed:
        return f"All of it is {limit.label} or below, which may reach this recipient."
    return (
        f"{removed} of {total} parts are above {limit.label}, the most that may reach this recipient, and are left out."
    )
