"""The state of a run: which branches are under way, on which step each stands, and what the variables hold."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from enum import StrEnum

import msgspec

from citysec.playbooks.cacao import Playbook, Step
from citysec.playbooks.shape import Json
from citysec.playbooks.signals import Failure, Signal, Status, Values
from citysec.playbooks.variables import Variable, VariableFault, assigned


class Wait(StrEnum):
    """What a branch waits for."""

    NOTHING = "nothing"
    DELAY = "delay"
    OUTCOME = "outcome"
    BRANCHES = "branches"


@dataclass(frozen=True, slots=True)
class Branch:
    """A path being walked, and the step it stands on.

    `local` are the variables of that step, `rounds` how often a while-condition has begun its body, `failure` the
    first failure among the branches that the step opened.
    """

    id: int
    parent: int | None
    step: str
    occurrence: int = 0
    waits: Wait = Wait.NOTHING
    local: dict[str, Variable] = field(default_factory=dict[str, Variable])
    rounds: int = 0
    failure: Failure | None = None


@dataclass(frozen=True, slots=True)
class Run:
    """One execution. `failure` is the first that nothing took care of, `handled` says that the handler has begun."""

    status: Status = Status.NEW
    variables: dict[str, Variable] = field(default_factory=dict[str, Variable])
    branches: tuple[Branch, ...] = ()
    occurrences: dict[str, int] = field(default_factory=dict[str, int])
    opened: int = 0
    failure: Failure | None = None
    handled: bool = False

    def to_json(self) -> Json:
        """Return the run as data that JSON can write."""
        return msgspec.to_builtins(self)

    @classmethod
    def from_json(cls, data: Json) -> Run:
        """Return the run that `to_json` gave as `data`."""
        return msgspec.convert(data, cls)


class Board:
    """A run while it changes: a copy, so that the run it came from stays as it was."""

    def __init__(self, run: Run, playbook: Playbook) -> None:
        self.playbook = playbook
        self.status = run.status
        self.failure = run.failure
        self.handled = run.handled
        self.branches = {branch.id: branch for branch in run.branches}
        self.signals: list[Signal] = []
        self._variables = dict(run.variables)
        self._occurrences = dict(run.occurrences)
        self._opened = run.opened
        self.entered = sum(run.occurrences.values())

    def run(self) -> Run:
        """Return the state as it is now."""
        return Run(
            self.status,
            self._variables,
            tuple(self.branches.values()),
            self._occurrences,
            self._opened,
            self.failure,
            self.handled,
        )

    # --- branches ---------------------------------------------------------------------------------------------------
    def open(self, parent: int | None, entry: str) -> int:
        """Add a branch that will come to the step `entry`; return its id."""
        branch_id, self._opened = self._opened, self._opened + 1
        self.branches[branch_id] = Branch(branch_id, parent, entry)
        return branch_id

    def place(self, branch_id: int, step: Step, wait: Wait) -> int:
        """Put a branch on `step`, with fresh local variables; return which occurrence of the step that is, from 1."""
        occurrence = self._occurrences[step.id] = self._occurrences.get(step.id, 0) + 1
        self.entered += 1
        parent = self.branches[branch_id].parent
        self.branches[branch_id] = Branch(branch_id, parent, step.id, occurrence, wait, dict(step.variables))
        return occurrence

    def wait(self, branch_id: int, wait: Wait) -> Branch:
        """Set what a branch waits for; return it."""
        self.branches[branch_id] = changed = replace(self.branches[branch_id], waits=wait)
        return changed

    def waiting(self, step: str, occurrence: int, *waits: Wait) -> Branch | None:
        """Return the branch that waits on this occurrence of `step` for one of `waits`."""
        on_step = (b for b in self.branches.values() if (b.step, b.occurrence) == (step, occurrence))
        return next((b for b in on_step if b.waits in waits), None)

    def below(self, branch_id: int) -> list[Branch]:
        """Return the branches that were opened from `branch_id`, at any depth."""
        return [b for b in self.branches.values() if branch_id in self._above(b)]

    def _above(self, branch: Branch) -> Iterator[int]:
        parent = branch.parent
        while parent is not None:
            yield parent
            parent = self.branches[parent].parent

    def step(self, branch_id: int) -> Step:
        """Return the step that a branch stands on."""
        return self.playbook.steps[self.branches[branch_id].step]

    # --- variables --------------------------------------------------------------------------------------------------
    def begin(self, inputs: Values) -> None:
        """Set the playbook's variables, with `inputs` for external ones.

        Raises:
            VariableFault: an input is not declared, not external, or not of its type.
        """
        self._variables = dict(self.playbook.variables)
        for name, value in inputs.items():
            variable = self._variables.get(name)
            if variable is None:
                raise VariableFault("undefined_variable", f"{name} is not declared by the playbook")
            if not variable.external:
                raise VariableFault("not_external", f"{name} takes no value from outside")
            self._variables[name] = assigned(replace(variable, constant=False), value)

    def lookup(self, branch_id: int, name: str) -> Variable | None:
        """Return the variable a step sees by `name`: its own, one of the steps around it, or the playbook's."""
        return self._holder(branch_id, name).get(name)

    def assign(self, branch_id: int, name: str, value: str | None) -> None:
        """Give the variable that the step sees by `name` a value.

        Raises:
            VariableFault: it is not declared here, is constant, or `value` is not of its type.
        """
        holder = self._holder(branch_id, name)
        if name not in holder:
            raise VariableFault("undefined_variable", f"{name} is not declared here")
        try:
            changed = assigned(holder[name], value)
        except VariableFault as fault:
            raise VariableFault(fault.kind, f"{name}: {fault.message}") from None
        if holder is self._variables:
            holder[name] = changed
            return
        owner = next(b for b in self.branches.values() if b.local is holder)
        self.branches[owner.id] = replace(owner, local={**holder, name: changed})

    def _holder(self, branch_id: int, name: str) -> dict[str, Variable]:
        for holder in (branch_id, *self._above(self.branches[branch_id])):
            if name in self.branches[holder].local:
                return self.branches[holder].local
        return self._variables
