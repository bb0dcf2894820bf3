"""A CACAO 2.0 playbook as values.

Source:
    OASIS CACAO Security Playbooks 2.0, CS01 (27 November 2023), §3 to §6.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from citysec.playbooks.variables import Variable


class Level(StrEnum):
    """How much a problem weighs: an error stops the playbook, a warning is worth a look."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with a playbook; `step` is the id of the step it lies in, None outside of steps."""

    kind: str
    step: str | None
    message: str
    severity: Level = Level.ERROR


class Kind(StrEnum):
    """The types of steps.

    Source:
        CACAO 2.0 §4.2, a closed enumeration.
    """

    START = "start"
    END = "end"
    ACTION = "action"
    PLAYBOOK_ACTION = "playbook-action"
    PARALLEL = "parallel"
    IF = "if-condition"
    WHILE = "while-condition"
    SWITCH = "switch-condition"


@dataclass(frozen=True, slots=True)
class Command:
    """What an action does. `text` and `content` are decoded from base64 where they came so."""

    type: str
    text: str
    headers: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    content: str | None = None


@dataclass(frozen=True, slots=True)
class Agent:
    """Who executes commands, or what they are executed on."""

    id: str
    type: str
    name: str


@dataclass(frozen=True, slots=True)
class Step:
    """A step of any kind; what its kind does not have is empty.

    `then` follows success (`on_success`, else `on_completion`), `otherwise` failure. `branches` are the steps that an
    if, while, switch or parallel step opens: `true`, `false`, the case keys, or numbers from 0. `decides` is the
    condition or the variable of a switch.
    """

    id: str
    kind: Kind
    name: str
    description: str = ""
    delay_ms: int = 0
    timeout_ms: int | None = None
    owner: str | None = None
    variables: Mapping[str, Variable] = field(default_factory=dict[str, Variable])
    then: str | None = None
    otherwise: str | None = None
    commands: tuple[Command, ...] = ()
    agent: str | None = None
    targets: tuple[str, ...] = ()
    in_args: tuple[str, ...] = ()
    out_args: tuple[str, ...] = ()
    decides: str = ""
    branches: tuple[tuple[str, str], ...] = ()
    playbook_id: str | None = None
    playbook_version: str | None = None

    @property
    def following(self) -> tuple[str, ...]:
        """The steps that may come next in the same branch."""
        return tuple(step for step in (self.then, self.otherwise) if step is not None)


@dataclass(frozen=True, slots=True)
class Playbook:
    """One version of a playbook; `version` is its `modified` as written."""

    id: str
    version: str
    name: str
    description: str
    start: str
    exception: str | None
    steps: Mapping[str, Step]
    variables: Mapping[str, Variable]
    agents: Mapping[str, Agent]
    targets: Mapping[str, Agent]
    markings: tuple[str, ...]
    revoked: bool
    valid_from: datetime | None
    valid_until: datetime | None
