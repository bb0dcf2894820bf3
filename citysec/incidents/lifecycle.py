"""The states of an incident; an illegal change is visible by its absence from the table."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final


class State(StrEnum):
    """Where an incident stands."""

    OPEN = "open"
    CONTAINED = "contained"
    CLOSED = "closed"


class Step(StrEnum):
    """What may be done to it."""

    CONTAIN = "contain"
    CLOSE = "close"
    REOPEN = "reopen"


TRANSITIONS: Final[Mapping[State, Mapping[Step, State]]] = {
    State.OPEN: {Step.CONTAIN: State.CONTAINED, Step.CLOSE: State.CLOSED},
    State.CONTAINED: {Step.REOPEN: State.OPEN, Step.CLOSE: State.CLOSED},
    State.CLOSED: {Step.REOPEN: State.OPEN},
}


def after(state: State, step: Step) -> State | None:
    """Return the state that `step` leads to, None where it is not legal."""
    return TRANSITIONS[state].get(step)
