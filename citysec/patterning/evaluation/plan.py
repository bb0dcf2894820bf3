"""What a pattern needs: how many observations of which kinds, and how they must lie in time.

Much of what patterns say is simplified away: an OR of plain expressions is one need that any of them fulfils, a
repeated expression is a need of so many observations (never a list of so many needs), START and STOP only say which
observations count.

Source:
    STIX 2.1 §9.5.1: REPEATS is short for AND between so many of the same; §9.5.2.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from citysec.errors import InvalidInput, NotEvaluable
from citysec.patterning.evaluation.leaves import Leaf, LeafBuilder
from citysec.patterning.evaluation.observed import Observation, microseconds
from citysec.patterning.syntax import (
    Between,
    Comparison,
    Instruction,
    Join,
    Mark,
    NoTime,
    Qualifier,
    Repeats,
    Within,
)

MAX_DEPTH: Final = 60
"""Deepest nesting of what no simplification makes flat."""
MAX_WINDOWED: Final = 200_000
"""Most expressions that START and STOP of groups may apply to, counted once for each."""
FOREVER: Final = 1 << 62
"""Later than every instant, in microseconds."""


@dataclass(frozen=True, slots=True)
class Window:
    """Observations count that may have been at an instant ≥ `start` and at one < `stop`."""

    start: int = -FOREVER
    stop: int = FOREVER

    def holds(self, one: Observation) -> bool:
        """Return whether `one` counts."""
        return one.last >= self.start and one.first < self.stop


@dataclass(slots=True)
class Need:
    """`times` observations, each satisfying one of `leaves` (by number) in its window."""

    leaves: list[tuple[int, Window]]
    times: int = 1
    depth: int = 0


@dataclass(slots=True)
class All:
    """Every part, on different observations."""

    parts: list[Node]
    depth: int


@dataclass(slots=True)
class Either:
    """One of the parts."""

    parts: list[Node]
    depth: int


@dataclass(slots=True)
class Chain:
    """Every part, on different observations, none before what comes before it."""

    parts: list[Node]
    depth: int


@dataclass(slots=True)
class Span:
    """The part, on observations within `length` microseconds; `plain`: nothing in it is repeated or a choice."""

    length: int
    part: Node
    depth: int
    plain: bool


@dataclass(slots=True)
class Times:
    """The part, so many times on different observations."""

    times: int
    part: Node
    depth: int


Node = Need | All | Either | Chain | Span | Times


def nodes(root: Node) -> Iterator[Node]:
    """Yield `root` and everything in it."""
    waiting = [root]
    while waiting:
        node = waiting.pop()
        yield node
        match node:
            case All(parts) | Either(parts) | Chain(parts):
                waiting += parts
            case Span(part=part) | Times(part=part):
                waiting.append(part)
            case Need():
                pass


@dataclass(frozen=True, slots=True)
class Plan:
    """What a pattern needs; `leaves` are the different expressions in it."""

    root: Node
    leaves: Sequence[Leaf]


def plan(program: Sequence[Instruction]) -> Plan:
    """Return what the pattern `program` needs.

    Raises:
        InvalidInput: one of its constants is none.
        NotEvaluable: it asks for an expression that RE2 does not know, or is nested too deeply.
    """
    planner = _Planner()
    for instruction in program:
        planner.take(instruction)
    (root,) = planner.nodes
    return Plan(root, planner.leaves)


@dataclass(slots=True)
class _Planner:
    nodes: list[Node] = field(default_factory=list["Node"])
    leaves: list[Leaf] = field(default_factory=list[Leaf])
    _numbers: dict[Hashable, int] = field(default_factory=dict[Hashable, int])
    _builder: LeafBuilder = field(default_factory=LeafBuilder)
    _windowed: int = 0

    def take(self, instruction: Instruction) -> None:
        match instruction:
            case Comparison():
                self._builder.compare(instruction)
            case Join.AND | Join.OR:
                self._builder.join(instruction)
            case Mark.OBSERVATION:
                self._observation()
            case Join():
                right = self.nodes.pop()
                self.nodes[-1] = _shallow(_joined(instruction, self.nodes[-1], right))
            case Within() | Repeats() | Between():
                self.nodes[-1] = _shallow(self._qualified(instruction, self.nodes[-1]))

    def _observation(self) -> None:
        leaf = self._builder.leaf()
        self._builder = LeafBuilder()
        number = self._numbers.setdefault(leaf.meaning, len(self.leaves))
        if number == len(self.leaves):
            self.leaves.append(leaf)
        self.nodes.append(Need([(number, Window())]))

    def _qualified(self, qualifier: Qualifier, node: Node) -> Node:
        match qualifier:
            case Repeats(times):
                return _repeated(times, node)
            case Within(seconds):
                if isinstance(node, Need) and node.times == 1:
                    return node
                length = int(min(seconds * 1e6, FOREVER))
                plain = not any(isinstance(one, (Either, Times)) for one in nodes(node))
                return Span(length, node, node.depth + 1, plain)
            case Between():
                self._clip(node, _window(qualifier))
                return node

    def _clip(self, node: Node, window: Window) -> None:
        match node:
            case Need():
                self._windowed += len(node.leaves)
                if self._windowed > MAX_WINDOWED:
                    raise NotEvaluable.at("", "START and STOP stand around too much")
                node.leaves = [(leaf, _both(known, window)) for leaf, known in node.leaves]
            case All(parts) | Either(parts) | Chain(parts):
                for part in parts:
                    self._clip(part, window)
            case Span() | Times():
                self._clip(node.part, window)


def _shallow(node: Node) -> Node:
    if node.depth > MAX_DEPTH:
        raise NotEvaluable.at("", f"operators between observations are nested deeper than {MAX_DEPTH}")
    return node


def _joined(join: Join, left: Node, right: Node) -> Node:
    if join is Join.OBSERVATION_OR:
        if isinstance(left, Need) and isinstance(right, Need) and left.times == right.times == 1:
            left.leaves += right.leaves
            return left
        return Either(*_parts(Either, left, right))
    if join is Join.OBSERVATION_AND:
        return All(*_parts(All, left, right))
    return Chain(*_parts(Chain, left, right))


def _parts(kind: type[All | Either | Chain], left: Node, right: Node) -> tuple[list[Node], int]:
    """Return the parts of both sides and their depth; a side of the same kind gives its parts (all three associate)."""
    parts = left.parts if isinstance(left, kind) else [left]
    more = right.parts if isinstance(right, kind) else [right]
    last, first = parts[-1], more[0]
    if kind is All and isinstance(last, Need) and isinstance(first, Need) and last.leaves == first.leaves:
        first.times += last.times
        parts.pop()
    parts += more
    inner = max(side.depth - isinstance(side, kind) for side in (left, right))
    return parts, inner + 1


def _repeated(times: int, node: Node) -> Node:
    match node:
        case Need():
            node.times *= times
            return node
        case All(parts) if all(isinstance(part, Need) for part in parts):
            for part in parts:
                _repeated(times, part)
            return node
        case Times():
            node.times *= times
            return node
        case _:
            return node if times == 1 else Times(times, node, node.depth + 1)


def _window(qualifier: Between) -> Window:
    start, stop = (_instant(time, qualifier.at) for time in (qualifier.start, qualifier.stop))
    return Window(start, stop) if start < stop else Window(FOREVER, -FOREVER)


def _instant(time: datetime | NoTime, at: int) -> int:
    if isinstance(time, NoTime):
        raise InvalidInput.at(f"character {at}", f"{time.text!r} is in no calendar")
    return microseconds(time)


def _both(one: Window, other: Window) -> Window:
    return Window(max(one.start, other.start), min(one.stop, other.stop))
