"""Rehearsal: run a playbook against a script instead of the world, and tell the way it took.

What is found out is the order of steps, not whether commands work: kinds of command and agent that nobody here serves
can be rehearsed too.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from citysec.playbooks.cacao import Playbook, Problem
from citysec.playbooks.refuse import untimely
from citysec.playbooks.run import advance
from citysec.playbooks.shape import Json, JsonObject
from citysec.playbooks.signals import (
    Ask,
    Call,
    Decided,
    Delay,
    DelayOver,
    Entered,
    Event,
    Handling,
    Opened,
    Perform,
    Signal,
    Started,
    Status,
    StepEnded,
    Values,
)
from citysec.playbooks.state import Run

MAX_CALL_DEPTH: Final = 8


@dataclass(frozen=True, slots=True)
class Stub:
    """What a step answers in a rehearsal."""

    out: dict[str, str | None] = field(default_factory=dict[str, "str | None"])
    fail: bool = False
    kind: str = "command_failed"


@dataclass(frozen=True, slots=True)
class Script:
    """Values for external variables, and what steps answer; a list holds one answer a call, the last for all later."""

    inputs: dict[str, str | None] = field(default_factory=dict[str, "str | None"])
    stub: dict[str, Stub | list[Stub]] = field(default_factory=dict[str, "Stub | list[Stub]"])


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """How a rehearsal went. `trace` has the ids of steps in order, and objects for decisions, branches and calls."""

    status: Status
    error: str | None
    exception_handler_ran: bool
    trace: list[Json]
    variables: dict[str, str | None]

    def to_json(self) -> JsonObject:
        """Return the rehearsal as data that JSON can write."""
        return {
            "status": self.status.value,
            "error": self.error,
            "exception_handler_ran": self.exception_handler_ran,
            "trace": self.trace,
            "variables": dict(self.variables),
        }


@dataclass(frozen=True, slots=True)
class Stage:
    """What surrounds a rehearsal: the script, the playbooks that may be called, the pretended time."""

    script: Script
    playbooks: Mapping[str, list[Playbook]]
    at: datetime
    calls: dict[str, int] = field(default_factory=dict[str, int])


def rehearse(playbook: Playbook, stage: Stage) -> Rehearsal:
    """Return how a run of `playbook` goes when every step answers as the script says; steps without answer succeed."""
    return _Rehearsal(playbook, stage, 1).play(stage.script.inputs)


class _Rehearsal:
    def __init__(self, playbook: Playbook, stage: Stage, depth: int) -> None:
        self._playbook, self._stage, self._depth = playbook, stage, depth
        self._trace: list[Json] = []
        self._trace_of: dict[int, list[Json]] = {}
        self._line_of: dict[str, list[Json]] = {}

    def play(self, inputs: Values) -> Rehearsal:
        run = Run()
        events: deque[Event] = deque((Started(inputs),))
        while events:
            run, signals = advance(run, events.popleft(), self._playbook)
            for signal in signals:
                self._note(signal)
                answer = self._answer(signal)
                if answer is not None:
                    events.append(answer)
        error = run.failure.kind if run.failure else None
        values = {name: variable.value for name, variable in run.variables.items()}
        return Rehearsal(run.status, error, run.handled, self._trace, values)

    def _note(self, signal: Signal) -> None:
        """Write `signal` into the trace of its branch; only parallel branches have one of their own."""
        match signal:
            case Entered():
                self._line_of[signal.step] = self._line(signal.branch)
                self._line(signal.branch).append(signal.step)
            case Decided():
                self._line(signal.branch).append({"decision": signal.step, "value": signal.value})
            case Opened() if len(signal.branches) == 1:
                self._trace_of[signal.branches[0]] = self._line(signal.branch)
            case Opened():
                lines: list[Json] = [self._trace_of.setdefault(branch, []) for branch in signal.branches]
                self._line(signal.branch).append({"parallel": signal.step, "branches": lines})
            case Handling():
                self._line(signal.branch).append({"exception_handler": signal.step})
            case _:
                pass

    def _line(self, branch: int) -> list[Json]:
        return self._trace_of.setdefault(branch, self._trace)

    def _answer(self, signal: Signal) -> Event | None:
        match signal:
            case Delay():
                return DelayOver(signal.step, signal.occurrence)
            case Call() if signal.step not in self._stage.script.stub:
                return self._called(signal)
            case Perform() | Ask() | Call():
                return self._stubbed(signal.step, signal.occurrence)
            case _:
                return None

    def _stubbed(self, step: str, occurrence: int) -> StepEnded:
        stubs = self._stage.script.stub.get(step, [])
        listed = stubs if isinstance(stubs, list) else [stubs]
        number = self._stage.calls.get(step, 0)
        self._stage.calls[step] = number + 1
        stub = listed[min(number, len(listed) - 1)] if listed else Stub()
        return StepEnded(step, occurrence, stub.out, stub.kind if stub.fail else None)

    def _called(self, call: Call) -> StepEnded:
        if self._depth >= MAX_CALL_DEPTH:
            return StepEnded(call.step, call.occurrence, error="recursion_limit")
        found = chosen(self._stage.playbooks.get(call.playbook_id, []), call.playbook_version)
        if found is None:
            return StepEnded(call.step, call.occurrence, error="unknown_playbook")
        problem = _unfit(found, self._stage.at)
        if problem is not None:
            return StepEnded(call.step, call.occurrence, error=problem.kind)
        inner = _Rehearsal(found, self._stage, self._depth + 1).play(call.inputs)
        self._line_of[call.step].append({"playbook": call.playbook_id, "trace": inner.trace})
        return StepEnded(call.step, call.occurrence, inner.variables, inner.error)


def chosen(versions: list[Playbook], version: str | None) -> Playbook | None:
    """Return the version that was asked for, the latest where none was; None where it is not there."""
    fitting = [playbook for playbook in versions if version in (None, playbook.version)]
    return max(fitting, key=lambda playbook: playbook.version, default=None)


def _unfit(playbook: Playbook, at: datetime) -> Problem | None:
    if playbook.revoked:
        return Problem("revoked", None, "its maker has revoked it")
    return next(untimely(playbook, at), None)
