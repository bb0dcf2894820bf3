"""What an explanation is: questions in the order of the flow, each with its answer. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class Question(StrEnum):
    """What is asked, in this order."""

    KNOWN = "known"
    COUNTS = "counts"
    COMPARED = "compared"
    TOUCHES = "touches"
    WARNED = "warned"
    CERTAIN = "certain"
    SIGHTED = "sighted"
    KEPT = "kept"
    VERIFIED = "verified"
    INCIDENT = "incident"
    ALLOWED = "allowed"
    TOLD = "told"
    ANSWERED = "answered"


class Outcome(StrEnum):
    """The answer; `possibly` does not end the chain."""

    YES = "yes"
    NO = "no"
    POSSIBLY = "possibly"


class Noun(StrEnum):
    """What a step may point at."""

    FEED = "feed"
    ASSET = "asset"
    INCIDENT = "incident"
    QUESTION = "question"
    ADVISORY = "advisory"


@dataclass(frozen=True, slots=True)
class Pointer:
    """Something that a step is about, which the reader may look at: its id, and what people call it."""

    noun: Noun
    id: str
    name: str


Fact = str | int | bool | datetime | None | Sequence[str]
"""What a machine may want of a step."""


@dataclass(frozen=True, slots=True)
class Step:
    """One question with its answer, in a sentence and as facts."""

    question: Question
    outcome: Outcome
    sentence: str
    facts: Mapping[str, Fact] = field(default_factory=dict[str, Fact])
    pointers: Sequence[Pointer] = ()


@dataclass(frozen=True, slots=True)
class Explanation:
    """The way of one indicator to one constituent, as far as it came.

    Args:
        indicator_id: STIX id; None where no indicator says what was asked for.
        name: as the indicator or a feed calls it; empty where nobody does.
        pattern: empty where there is none.
        steps: in order; what follows the first `no` is there because of what was before.
    """

    indicator_id: str | None
    name: str
    pattern: str
    steps: Sequence[Step]

    @property
    def reason(self) -> Step | None:
        """Why the constituent is not told now: the first `no`."""
        return next((step for step in self.steps if step.outcome is Outcome.NO), None)

    @property
    def told(self) -> bool:
        """Whether the constituent was told."""
        return any(step.question is Question.TOLD and step.outcome is not Outcome.NO for step in self.steps)
