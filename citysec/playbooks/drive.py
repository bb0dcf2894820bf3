"""Conducting a run durably: the pure machine of `run`, its events recorded, its orders carried out.

A coroutine that the engine replays after a restart. Whatever it decides by comes from the journal: it looks at no
clock and no row itself, and everything it does is done inside a step, which may be called twice. A step of a playbook
costs one step of the engine.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, TypeAlias

import msgspec

from citysec.db import Database
from citysec.engine import Journal, JsonValue
from citysec.playbooks import ledger, questions
from citysec.playbooks.actions import Hands, perform
from citysec.playbooks.answers import Answered, outcome
from citysec.playbooks.approve import pinned
from citysec.playbooks.cacao import Playbook
from citysec.playbooks.run import advance
from citysec.playbooks.signals import (
    Abandon,
    Ask,
    Cancelled,
    DeadlinePassed,
    Delay,
    DelayOver,
    Entered,
    Event,
    Finish,
    Left,
    Perform,
    Signal,
    Started,
    StepEnded,
    Watch,
)
from citysec.playbooks.state import Run

CANCEL: Final = "cancel"
"""The message that ends a run."""

_Timed: TypeAlias = "Ask | Delay | Watch"


@dataclass(frozen=True, slots=True)
class Conductor:
    """Conducts runs: `drive` is what the engine wants.

    Args:
        db: the application's database.
        hands: who does what a playbook may ask of the service.
        owners: agent of a playbook -> role that answers its questions.
    """

    db: Database
    hands: Hands
    owners: Mapping[str, str]

    async def drive(self, journal: Journal, run_id: str) -> None:
        """Conduct the run of `run_id` from its start, or on from where the journal ends."""

        async def begin() -> JsonValue:
            async with self.db.writing() as session:
                return msgspec.to_builtins(await ledger.begin(session, run_id))

        begun = msgspec.convert(await journal.step("begin", begin), ledger.Begun | None)
        if begun is not None:
            await _Conduct(self, journal, run_id, pinned(begun.text)).play(begun.inputs)


@dataclass(frozen=True, slots=True)
class _Clock:
    """Something that will have happened at `due_at` unless something else happens before."""

    due_at: datetime
    set_by: _Timed

    def event(self) -> DelayOver | DeadlinePassed:
        if isinstance(self.set_by, Delay):
            return DelayOver(self.set_by.step, self.set_by.occurrence)
        return DeadlinePassed(self.set_by.step, self.set_by.occurrence)


@dataclass(frozen=True, slots=True)
class _Done:
    """What one step did: when it was written down, and the outcome of the order carried out in it, if any.

    `cancelled`: the incident was closed, so that the order could not be carried out.
    """

    at: datetime
    outcome: StepEnded | None
    cancelled: bool = False


class _Conduct:
    """One run being conducted: what is to be done, which clocks run, and answers to what has not been asked yet.

    Such answers are there when the run is conducted anew from its start (`respond.resume`).
    """

    def __init__(self, conductor: Conductor, journal: Journal, run_id: str, playbook: Playbook) -> None:
        self._conductor, self._journal, self._run_id, self._playbook = conductor, journal, run_id, playbook
        self._run = Run()
        self._entered = 0
        self._orders: deque[Perform] = deque()
        self._clocks: dict[tuple[str, int], _Clock] = {}
        self._early: dict[tuple[str, int], Answered] = {}

    async def play(self, inputs: Mapping[str, str | None]) -> None:
        """Go from event to event until the run is over."""
        event: Event | None = Started(inputs)
        while event is not None:
            event = await self._advance(event) or await self._next()

    async def _advance(self, event: Event) -> Event | None:
        """Take `event`, and in one step write down what it led to and carry out the next order; return its outcome."""
        self._run, signals = advance(self._run, event, self._playbook)
        page = ledger.Page(self._run_id, self._playbook, self._entered, self._conductor.owners)
        for signal in signals:
            self._queue(signal)
        order = self._orders.popleft() if self._orders else None

        async def write_and_perform() -> JsonValue:
            async with self._conductor.db.writing() as session:
                at = await ledger.write(session, page, signals)
            found = await self._perform(order)
            over = isinstance(found, Cancelled)
            return msgspec.to_builtins(_Done(at, None if over else found, over))

        done = msgspec.convert(await self._journal.step("advance", write_and_perform), _Done)
        for signal in signals:
            self._time(signal, done.at)
        return Cancelled() if done.cancelled else done.outcome

    def _queue(self, signal: Signal) -> None:
        match signal:
            case Entered():
                self._entered += 1
            case Perform():
                self._orders.append(signal)
            case Abandon():
                step = (signal.step, signal.occurrence)
                self._orders = deque(o for o in self._orders if (o.step, o.occurrence) != step)
            case Finish():
                self._orders.clear()
            case _:
                pass

    def _time(self, signal: Signal, at: datetime) -> None:
        match signal:
            case Ask() | Watch():
                self._set(signal, at + timedelta(milliseconds=signal.timeout_ms))
            case Delay():
                self._set(signal, at + timedelta(milliseconds=signal.wait_ms))
            case Left() | Abandon():
                self._clocks.pop((signal.step, signal.occurrence), None)
            case Finish():
                self._clocks.clear()
            case _:
                pass

    def _set(self, signal: _Timed, due_at: datetime) -> None:
        self._clocks[signal.step, signal.occurrence] = _Clock(due_at, signal)

    async def _perform(self, order: Perform | None) -> StepEnded | Cancelled | None:
        if order is None:
            return None
        return await perform(self._conductor.db, self._conductor.hands, self._run_id, order)

    async def _next(self) -> Event | None:
        """Wait for what happens next; None when nothing can happen any more."""
        while self._clocks:
            early = next((step for step in self._clocks if step in self._early), None)
            if early is not None:
                return outcome(self._early.pop(early), self._playbook)
            first = min(self._clocks.values(), key=lambda clock: clock.due_at)
            left = first.due_at - await self._journal.now()
            message = await self._journal.receive(max(left.total_seconds(), 0.0))
            event = await self._rung(first) if message is None else self._heard(message)
            if event is not None:
                return event
        return None

    def _heard(self, message: JsonValue) -> Event | None:
        """Return the event that a message makes; None for one that this version does not know."""
        if message == CANCEL:
            return Cancelled()
        try:
            answered = msgspec.convert(message, Answered)
        except msgspec.ValidationError:
            return None
        step = (answered.step, answered.occurrence)
        if step not in self._clocks:
            self._early[step] = answered
            return None
        return outcome(answered, self._playbook)

    async def _rung(self, clock: _Clock) -> Event:
        """Return the event of a clock whose time has come; an answer given just in time still counts."""
        if not isinstance(clock.set_by, Ask):
            return clock.event()
        ask = clock.set_by

        async def close() -> JsonValue:
            async with self._conductor.db.writing() as session:
                found = await questions.close(session, self._run_id, ask.step, ask.occurrence)
                return msgspec.to_builtins(found)

        answered = msgspec.convert(await self._journal.step("close", close), Answered | None)
        return clock.event() if answered is None else outcome(answered, self._playbook)
