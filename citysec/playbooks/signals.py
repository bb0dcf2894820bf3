"""What a run is told, and what it tells: events in; commands and facts out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeAlias

from citysec.playbooks.cacao import Agent, Command

ACTION_TIMEOUT = "ACTION_TIMEOUT"
"""The failure of a step whose time is over; the word is the standard's (CACAO 2.0 §4.1)."""

Values: TypeAlias = "Mapping[str, str | None]"


class Status(StrEnum):
    """How far a run is."""

    NEW = "new"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a step failed; `kind` is one word that machines compare."""

    kind: str
    step: str | None
    message: str = ""


# --- events ----------------------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Started:
    """The run begins, with values for the external variables of the playbook."""

    inputs: Values = field(default_factory=dict[str, "str | None"])


@dataclass(frozen=True, slots=True)
class StepEnded:
    """A step that was performed, asked or called has an outcome; it succeeded where `error` is None."""

    step: str
    occurrence: int
    variables: Values = field(default_factory=dict[str, "str | None"])
    error: str | None = None
    message: str = ""


@dataclass(frozen=True, slots=True)
class DelayOver:
    """The wait before a step is over."""

    step: str
    occurrence: int


@dataclass(frozen=True, slots=True)
class DeadlinePassed:
    """The time of a step is over."""

    step: str
    occurrence: int


@dataclass(frozen=True, slots=True)
class Cancelled:
    """A person stops the run."""


Event: TypeAlias = Started | StepEnded | DelayOver | DeadlinePassed | Cancelled


# --- commands: what must be done next --------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Perform:
    """Have `agent` carry out `commands` in order; the first failure stops the rest. Answer with `StepEnded`."""

    step: str
    occurrence: int
    agent: Agent
    commands: tuple[Command, ...]
    inputs: Values
    timeout_ms: int


@dataclass(frozen=True, slots=True)
class Ask:
    """Put a question to a person. Answer with `StepEnded`, or `DeadlinePassed` after `timeout_ms`."""

    step: str
    occurrence: int
    agent: Agent
    owner: str | None
    title: str
    text: str
    timeout_ms: int


@dataclass(frozen=True, slots=True)
class Call:
    """Run another playbook to its end. Answer with `StepEnded`."""

    step: str
    occurrence: int
    playbook_id: str
    playbook_version: str | None
    inputs: Values
    timeout_ms: int


@dataclass(frozen=True, slots=True)
class Delay:
    """Answer with `DelayOver` after `wait_ms`."""

    step: str
    occurrence: int
    wait_ms: int


@dataclass(frozen=True, slots=True)
class Watch:
    """Answer with `DeadlinePassed` after `timeout_ms`: the step and all its branches may take that long."""

    step: str
    occurrence: int
    timeout_ms: int


@dataclass(frozen=True, slots=True)
class Abandon:
    """Stop waiting for this step: nobody needs its outcome any more."""

    step: str
    occurrence: int


@dataclass(frozen=True, slots=True)
class Finish:
    """The run is over."""

    status: Status
    failure: Failure | None


# --- facts: what has happened, for records and people ----------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Entered:
    """A branch has come to a step."""

    branch: int
    step: str
    occurrence: int


@dataclass(frozen=True, slots=True)
class Decided:
    """A condition was found true or false, or a switch found its value."""

    branch: int
    step: str
    occurrence: int
    value: bool | str


@dataclass(frozen=True, slots=True)
class Opened:
    """A step has opened branches."""

    branch: int
    step: str
    occurrence: int
    branches: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Left:
    """A step is over; it succeeded where `failure` is None."""

    step: str
    occurrence: int
    failure: Failure | None


@dataclass(frozen=True, slots=True)
class Handling:
    """The playbook's `workflow_exception` begins, in a branch of its own."""

    branch: int
    step: str


Order: TypeAlias = Perform | Ask | Call | Delay | Watch | Abandon | Finish
Fact: TypeAlias = Entered | Decided | Opened | Left | Handling
Signal: TypeAlias = Order | Fact
