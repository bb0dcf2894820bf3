"""A run of a playbook as a pure machine: an event comes in, what must be done next comes out.

The standard leaves open when a step has failed and what then happens. Our rules:

1. An action succeeds when every command did; the first failure stops the rest.
2. After a failure `on_failure` is taken. Without it the branch ends, and the step that opened it has failed when its
   other branches have ended too; so outwards, and at the top `workflow_exception` runs, once. A failure that
   `on_failure` took lets the run complete; `on_completion` is never followed after a failure.
3. A limit that is reached ends the run at once, and so does a person who cancels it.
4. An if without a branch for its value, and a switch without a case, have succeeded.
5. Time counts from the start of a step after its delay, and covers the branches it opens.

Source:
    CACAO 2.0 §4.1 (common properties), §4.3-4.10 (step types), §10.18 (variables).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Final

from citysec.playbooks.cacao import Kind, Playbook, Step
from citysec.playbooks.condition import ConditionError, holds, parse
from citysec.playbooks.render import rendered
from citysec.playbooks.signals import (
    ACTION_TIMEOUT,
    Abandon,
    Ask,
    Call,
    Cancelled,
    DeadlinePassed,
    Decided,
    Delay,
    DelayOver,
    Entered,
    Event,
    Failure,
    Finish,
    Handling,
    Left,
    Opened,
    Perform,
    Signal,
    Started,
    Status,
    StepEnded,
    Values,
    Watch,
)
from citysec.playbooks.state import Board, Run, Wait
from citysec.playbooks.variables import VariableFault, value_of

MAX_ROUNDS: Final = 1_000
MAX_OCCURRENCES: Final = 10_000
LIMITS: Final = ("step_limit", "iteration_limit", "recursion_limit")
MACHINE_TIMEOUT_MS: Final = 10 * 60 * 1000
PEOPLE_TIMEOUT_MS: Final = 7 * 24 * 3600 * 1000


def advance(run: Run, event: Event, playbook: Playbook) -> tuple[Run, list[Signal]]:
    """Return the run after `event`, and what must be done and recorded next, in order.

    An event for a step the run does not wait for changes nothing: reports may arrive twice.

    Args:
        run: `Run()` at first.
        event: what happened.
        playbook: one that `check.examine` did not reject, the same one for all of a run.
    """
    walk = _Walk(Board(run, playbook))
    match event:
        case Started():
            walk.start(event.inputs)
        case StepEnded():
            walk.ended(event)
        case DelayOver():
            walk.delay_over(event)
        case DeadlinePassed():
            walk.expired(event)
        case Cancelled():
            walk.stop(Status.CANCELLED, None)
    return walk.result()


class _Walk:
    """One `advance` at work. What follows waits in a queue, so depth costs memory and never recursion."""

    def __init__(self, board: Board) -> None:
        self._board = board
        self._tell = board.signals.append
        self._todo: deque[Callable[[], None]] = deque()

    def result(self) -> tuple[Run, list[Signal]]:
        """Walk on until every branch waits; return the new state."""
        while self._todo:
            self._todo.popleft()()
        return self._board.run(), self._board.signals

    # --- events -----------------------------------------------------------------------------------------------------
    def start(self, inputs: Values) -> None:
        """Begin at the start step."""
        if self._board.status is not Status.NEW:
            return
        self._board.status = Status.RUNNING
        try:
            self._board.begin(inputs)
        except VariableFault as fault:
            self._over(Failure(fault.kind, None, fault.message))
        else:
            self._open(None, self._board.playbook.start)

    def ended(self, event: StepEnded) -> None:
        """Take the outcome of a step that was performed, asked or called."""
        branch = self._board.waiting(event.step, event.occurrence, Wait.OUTCOME)
        if branch is None:
            return
        if event.error in LIMITS:
            self.stop(Status.FAILED, Failure(event.error, event.step, event.message))
        elif event.error is not None:
            self._fail(branch.id, event.error, event.message)
        else:
            self._guarded(branch.id, partial(self._returned, branch.id, event.variables))

    def delay_over(self, event: DelayOver) -> None:
        """Begin a step that was delayed."""
        branch = self._board.waiting(event.step, event.occurrence, Wait.DELAY)
        if branch is not None:
            self._begin(branch.id)

    def expired(self, event: DeadlinePassed) -> None:
        """Fail a step whose time is over, and drop the branches it opened."""
        branch = self._board.waiting(event.step, event.occurrence, Wait.OUTCOME, Wait.BRANCHES)
        if branch is None:
            return
        for gone in self._board.below(branch.id):
            del self._board.branches[gone.id]
            self._tell(Abandon(gone.step, gone.occurrence))
        self._tell(Abandon(branch.step, branch.occurrence))
        self._fail(branch.id, ACTION_TIMEOUT, f"no outcome of {branch.step} in time")

    def stop(self, status: Status, failure: Failure | None) -> None:
        """End the run now, whatever is under way."""
        if self._board.status not in (Status.NEW, Status.RUNNING):
            return
        self._todo.clear()
        for gone in self._board.branches.values():
            self._tell(Abandon(gone.step, gone.occurrence))
        self._board.branches.clear()
        self._finish(status, failure)

    # --- steps ------------------------------------------------------------------------------------------------------
    def _enter(self, branch_id: int, step_id: str) -> None:
        if self._board.entered >= MAX_OCCURRENCES:
            self.stop(Status.FAILED, Failure("step_limit", step_id, f"more than {MAX_OCCURRENCES} steps"))
            return
        step = self._board.playbook.steps[step_id]
        occurrence = self._board.place(branch_id, step, Wait.DELAY if step.delay_ms else Wait.NOTHING)
        self._tell(Entered(branch_id, step_id, occurrence))
        if step.delay_ms:
            self._tell(Delay(step_id, occurrence, step.delay_ms))
        else:
            self._todo.append(partial(self._begin, branch_id))

    def _begin(self, branch_id: int) -> None:
        self._guarded(branch_id, partial(self._act, branch_id, self._board.step(branch_id)))

    def _guarded(self, branch_id: int, act: Callable[[], None]) -> None:
        """Do `act`; what is wrong with a variable or a condition fails the step."""
        try:
            act()
        except VariableFault as fault:
            self._fail(branch_id, fault.kind, fault.message)
        except ConditionError as err:
            self._fail(branch_id, "condition_error", str(err))

    def _act(self, branch_id: int, step: Step) -> None:
        match step.kind:
            case Kind.START:
                self._succeed(branch_id)
            case Kind.END:
                self._leave(branch_id, None, None)
            case Kind.ACTION:
                self._order(branch_id, self._action(branch_id, step))
            case Kind.PLAYBOOK_ACTION:
                self._order(branch_id, self._call(branch_id, step))
            case Kind.PARALLEL:
                self._timed(branch_id, step)
                self._fork(branch_id, [entry for _, entry in step.branches])
            case Kind.IF | Kind.SWITCH | Kind.WHILE:
                self._timed(branch_id, step)
                self._decide(branch_id, step)

    def _order(self, branch_id: int, order: Perform | Ask | Call) -> None:
        self._board.wait(branch_id, Wait.OUTCOME)
        self._tell(order)

    def _action(self, branch_id: int, step: Step) -> Perform | Ask:
        occurrence = self._board.branches[branch_id].occurrence
        agent = self._board.playbook.agents[step.agent or ""]
        commands = tuple(rendered(c, partial(self._board.lookup, branch_id)) for c in step.commands)
        if all(command.type == "manual" for command in commands):
            text = "\n".join(command.text for command in commands)
            due = step.timeout_ms or PEOPLE_TIMEOUT_MS
            return Ask(step.id, occurrence, agent, step.owner, step.name, text, due)
        inputs = self._inputs(branch_id, step)
        return Perform(step.id, occurrence, agent, commands, inputs, step.timeout_ms or MACHINE_TIMEOUT_MS)

    def _call(self, branch_id: int, step: Step) -> Call:
        occurrence = self._board.branches[branch_id].occurrence
        inputs = self._inputs(branch_id, step)
        due = step.timeout_ms or PEOPLE_TIMEOUT_MS
        return Call(step.id, occurrence, step.playbook_id or "", step.playbook_version, inputs, due)

    def _inputs(self, branch_id: int, step: Step) -> Values:
        found = {name: self._board.lookup(branch_id, name) for name in step.in_args}
        return {name: variable.value if variable else None for name, variable in found.items()}

    def _returned(self, branch_id: int, values: Values) -> None:
        for name in self._board.step(branch_id).out_args:
            if name in values:
                self._board.assign(branch_id, name, values[name])
        self._succeed(branch_id)

    def _timed(self, branch_id: int, step: Step) -> None:
        if step.timeout_ms is not None:
            self._tell(Watch(step.id, self._board.branches[branch_id].occurrence, step.timeout_ms))

    def _decide(self, branch_id: int, step: Step) -> None:
        """Open the branch that the condition or the switch chooses; a while-condition comes here once a round."""
        branch = self._board.branches[branch_id]
        value, entry = self._chosen(branch_id, step)
        self._tell(Decided(branch_id, step.id, branch.occurrence, value))
        if entry is None:
            self._succeed(branch_id)
        elif branch.rounds >= MAX_ROUNDS:
            self.stop(Status.FAILED, Failure("iteration_limit", step.id, f"more than {MAX_ROUNDS} rounds"))
        else:
            self._board.branches[branch_id] = replace(branch, rounds=branch.rounds + 1)
            self._fork(branch_id, [entry])

    def _chosen(self, branch_id: int, step: Step) -> tuple[bool | str, str | None]:
        lookup, entries = partial(self._board.lookup, branch_id), dict(step.branches)
        if step.kind is Kind.SWITCH:
            case = value_of(step.decides.removesuffix(":value"), lookup)
            return case, entries.get(case, entries.get("default"))
        truth = holds(parse(step.decides), lookup)
        return truth, entries.get("true" if truth else "false")

    # --- branches ---------------------------------------------------------------------------------------------------
    def _open(self, parent: int | None, entry: str) -> int:
        branch_id = self._board.open(parent, entry)
        self._todo.append(partial(self._enter, branch_id, entry))
        return branch_id

    def _fork(self, branch_id: int, entries: list[str]) -> None:
        branch = self._board.wait(branch_id, Wait.BRANCHES)
        opened = tuple(self._open(branch_id, entry) for entry in entries)
        self._tell(Opened(branch_id, branch.step, branch.occurrence, opened))

    def _succeed(self, branch_id: int) -> None:
        self._leave(branch_id, None, self._board.step(branch_id).then)

    def _fail(self, branch_id: int, kind: str, message: str) -> None:
        failure = Failure(kind, self._board.branches[branch_id].step, message)
        self._leave(branch_id, failure, self._board.step(branch_id).otherwise)

    def _leave(self, branch_id: int, failure: Failure | None, following: str | None) -> None:
        branch = self._board.wait(branch_id, Wait.NOTHING)
        self._tell(Left(branch.step, branch.occurrence, failure))
        if following is None:
            self._close(branch_id, failure)
        else:
            self._todo.append(partial(self._enter, branch_id, following))

    def _close(self, branch_id: int, failure: Failure | None) -> None:
        """End a branch; the step that opened it goes on once its last branch has ended."""
        branch = self._board.branches.pop(branch_id)
        if branch.parent is None:
            self._over(failure)
            return
        parent = self._board.branches[branch.parent]
        self._board.branches[parent.id] = replace(parent, failure=parent.failure or failure)
        if not any(other.parent == parent.id for other in self._board.branches.values()):
            self._todo.append(partial(self._resume, parent.id))

    def _resume(self, branch_id: int) -> None:
        failure, step = self._board.branches[branch_id].failure, self._board.step(branch_id)
        if failure is not None:
            self._leave(branch_id, failure, step.otherwise)
        elif step.kind is Kind.WHILE:
            self._guarded(branch_id, partial(self._decide, branch_id, step))
        else:
            self._succeed(branch_id)

    def _over(self, failure: Failure | None) -> None:
        """End the main line, or the handler of its failure."""
        handler = self._board.playbook.exception
        if self._board.handled:
            self._finish(Status.FAILED, self._board.failure)
        elif failure is None:
            self._finish(Status.COMPLETED, None)
        elif handler is None:
            self._finish(Status.FAILED, failure)
        else:
            self._board.handled, self._board.failure = True, failure
            self._tell(Handling(self._open(None, handler), handler))

    def _finish(self, status: Status, failure: Failure | None) -> None:
        self._board.status, self._board.failure = status, failure
        self._tell(Finish(status, failure))
