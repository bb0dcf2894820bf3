"""Finds observations that fulfil a plan.

Times are decided from left to right: where a FOLLOWEDBY passes from one part to the next, and where a WITHIN begins.
For a passage the earliest instant is best, for it leaves most to what follows; only where expressions compete for the
same observations can a later one help. So a failure has two kinds: `IMPOSSIBLE` lies in the times alone, and no later
passage can mend it; `BLOCKED` lies in the competition, and the search goes on. Without competition it is linear in the
observations; with it, the budget ends what would take too long.

An observation that spans a time satisfies each condition on times if some instant of it does.

Source:
    STIX 2.1 §9.5.1 and §9.5.2. WITHIN includes its end, as in the OASIS matcher (docs/patterns.md).
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum, auto
from typing import Final

from citysec.errors import NotEvaluable
from citysec.patterning.evaluation.agenda import Agenda, Count, Done, Goal, Link, Passage
from citysec.patterning.evaluation.assignment import Assignment, Bound
from citysec.patterning.evaluation.budget import Budget
from citysec.patterning.evaluation.observed import Observation
from citysec.patterning.evaluation.plan import FOREVER, All, Chain, Either, Need, Node, Span, Times, nodes
from citysec.patterning.evaluation.supply import Supply

MAX_CHOICES: Final = 150
"""Most passages, windows and alternatives between observations that one way through a pattern may have."""
_STEPS: Final = 10
"""What one step of the search costs, beside one look at an observation."""
_NOTHING: Final = Either([], 0)


class _Outcome(Enum):
    FOUND = auto()
    IMPOSSIBLE = auto()
    BLOCKED = auto()


def bind(
    root: Node, observations: Sequence[Observation], supply: Callable[[Need], Supply], budget: Budget
) -> list[int] | None:
    """Return the numbers of the observations that fulfil `root`, in their order; None where none do.

    Raises:
        NotEvaluable: the search takes too many steps or choices.
    """
    distinct = _distinct(root, supply)
    calm = distinct and all(supply(need).instants for need in _needs(root)) and not _alternatives(root)
    search = _Search(observations, supply, budget, not distinct or _repeats(root), calm)
    if search.hopeless(root) or search.solve((Goal(root, -FOREVER, FOREVER), None), 0) is not _Outcome.FOUND:
        return None
    return sorted({place for bound in search.bounds for place in bound.taken})


def _needs(root: Node) -> Iterator[Need]:
    return (node for node in nodes(root) if isinstance(node, Need))


def _distinct(root: Node, supply: Callable[[Need], Supply]) -> bool:
    """Return whether no observation can serve two different needs."""
    places = [place for need in _needs(root) for place in supply(need).places]
    return len(places) == len(set(places))


def _repeats(root: Node) -> bool:
    return any(isinstance(node, Times) for node in nodes(root))


def _alternatives(root: Node) -> bool:
    return any(isinstance(node, Either) for node in nodes(root))


@dataclass(slots=True)
class _Search:
    """One search; `bounds` are the needs taken up so far.

    `compete` says that needs may want the same observation. `calm` says that only the copies of a repeated part do, at
    instants and without alternatives: then the earliest that each copy finds is best, and no copy is tried anew.
    """

    _observations: Sequence[Observation]
    _supply: Callable[[Need], Supply]
    _budget: Budget
    _compete: bool
    _calm: bool
    bounds: list[Bound] = field(default_factory=list[Bound])
    _spans: dict[int, Sequence[int]] = field(default_factory=dict[int, Sequence[int]])
    _copied: Count = field(default_factory=Count)
    _assignment: Assignment = field(init=False)

    def __post_init__(self) -> None:
        self._assignment = Assignment(self._observations, self._budget)

    def hopeless(self, root: Node) -> bool:
        """Return whether there are too few observations even if they were at the right times."""
        if not self._compete:
            return False
        trial = Assignment(self._observations, Budget(len(self._observations)))
        return not all(map(trial.fill, self._demands(root, 1)))

    def _demands(self, node: Node, times: int) -> Iterator[Bound]:
        """Yield what must be there whatever the times; of alternatives, none must."""
        match node:
            case Need():
                yield Bound(self._supply(node), node.times * times, -FOREVER, FOREVER)
            case All(parts) | Chain(parts):
                for part in parts:
                    yield from self._demands(part, times)
            case Span(part=part):
                yield from self._demands(part, times)
            case Times():
                yield from self._demands(node.part, times * node.times)
            case Either():
                pass

    def solve(self, agenda: Agenda, choices: int) -> _Outcome:
        """Fulfil all of `agenda`, or leave what is bound as it may be: the caller takes it back."""
        if choices > MAX_CHOICES:
            raise NotEvaluable.at("", f"more than {MAX_CHOICES} choices between observations")
        while agenda is not None:
            step, agenda = agenda
            self._budget.spend(_STEPS)
            match step:
                case Goal(Need() as need):
                    outcome = self._take(need, step.low, step.high)
                    if outcome is not _Outcome.FOUND:
                        return outcome
                case Goal(Either() | Span()):
                    return self._choose(step, agenda, choices)
                case Passage():
                    return self._pass(step, agenda, choices)
                case Goal() | Link() | Done():
                    agenda = self._unfolded(step, agenda)
        return self._settle()

    def _unfolded(self, step: Goal | Link | Done, agenda: Agenda) -> Agenda:
        """Put the parts of `step` before `agenda`."""
        match step:
            case Done(count):
                count.times += 1
                return agenda
            case Goal(All(parts)):
                for part in reversed(parts):
                    agenda = Goal(part, step.low, step.high), agenda
                return agenda
            case Goal(Chain() as chain):
                return Link(step, chain, 0), agenda
            case Goal(Times() as repeated):
                return self._copies(step, repeated, agenda)
            case Link(goal, chain, part):
                if part + 1 < len(chain.parts):
                    agenda = Passage(step, len(self.bounds)), agenda
                return Goal(chain.parts[part], goal.low, goal.high), agenda
            case _:
                raise TypeError(step)

    def _take(self, need: Need, low: int, high: int) -> _Outcome:
        supply = self._supply(need)
        if supply.count(low, high, self._budget) < need.times:
            return _Outcome.IMPOSSIBLE
        self.bounds.append(Bound(supply, need.times, low, high))
        if self._compete and not self._assignment.fill(self.bounds[-1]):
            return _Outcome.BLOCKED
        return _Outcome.FOUND

    def _settle(self) -> _Outcome:
        """Give every need its observations, where they were not given at once."""
        filled = all(map(self._assignment.fill, self.bounds))
        return _Outcome.FOUND if filled else _Outcome.BLOCKED

    def _copies(self, goal: Goal, repeated: Times, agenda: Agenda) -> Agenda:
        if repeated.times > sum(one.number for one in self._observations):
            return Goal(_NOTHING, goal.low, goal.high), agenda
        if repeated.times > MAX_CHOICES:
            raise NotEvaluable.at("", f"more than {MAX_CHOICES} repetitions of what is more than one expression")
        twins: list[int] = []
        for _ in range(repeated.times):
            agenda = Goal(repeated.part, goal.low, goal.high, twins), (Done(self._copied), agenda)
        return agenda

    def _choose(self, goal: Goal, agenda: Agenda, choices: int) -> _Outcome:
        """Try each alternative, or each beginning of a window.

        What could not follow on the earliest window cannot follow on a later one.
        """
        mark, blocked = len(self.bounds), False
        final = isinstance(goal.node, Span) and goal.node.plain
        for begin, chosen in self._options(goal):
            done = Count()
            outcome = self._try(goal.twins, begin, (chosen, (Done(done), agenda)), choices)
            if outcome is _Outcome.FOUND:
                return outcome
            self._back(mark)
            if final and done.times and (self._calm or outcome is _Outcome.IMPOSSIBLE):
                return _Outcome.IMPOSSIBLE
            blocked = blocked or outcome is _Outcome.BLOCKED
        return _Outcome.BLOCKED if blocked else _Outcome.IMPOSSIBLE

    def _options(self, goal: Goal) -> Iterator[tuple[int, Goal]]:
        first = goal.twins[-1] if goal.twins else None
        match goal.node:
            case Either(parts):
                for number in range(first or 0, len(parts)):
                    yield number, Goal(parts[number], goal.low, goal.high)
            case Span(length, part):
                for start in self._windows(goal.node, goal.low if first is None else max(goal.low, first)):
                    yield start, Goal(part, start, min(goal.high, start + length))
            case _:
                return

    def _windows(self, span: Span, low: int) -> Iterator[int]:
        """Yield the instants from `low` on at which a window may begin that holds enough of everything."""
        starts, demands = self._starts(span), list(self._demands(span, 1))
        at = bisect_left(starts, low)
        while at < len(starts):
            start = starts[at]
            if any(one.supply.count(start, FOREVER, self._budget) < one.times for one in demands):
                return
            self._budget.spend(len(demands))
            ready = max((self._ready(one, start) for one in demands), default=start)
            if ready <= start + span.length:
                yield start
                at += 1
            else:
                at = bisect_left(starts, ready - span.length, at + 1)

    def _ready(self, demand: Bound, start: int) -> int:
        return demand.supply.earliest(demand.times, start, start, self._budget)

    def _starts(self, span: Span) -> Sequence[int]:
        """Return the instants at which a window may have to begin: where an observation ends."""
        known = self._spans.get(id(span))
        if known is None:
            known = sorted({end for need in _needs(span) for end in self._supply(need).ends})
            self._spans[id(span)] = known
        return known

    def _pass(self, passage: Passage, agenda: Agenda, choices: int) -> _Outcome:
        """Try the instants at which a chain may pass on, the earliest first."""
        link, earlier = passage.link, self.bounds[passage.begun :]
        goal, mark, blocked = link.goal, len(self.bounds), False
        twins = goal.twins if link.part == 0 else None
        highs = [bound.high for bound in earlier]
        at = self._earliest(earlier, max(goal.low, twins[-1]) if twins else goal.low)
        while at is not None:
            outcome, copied = _Outcome.BLOCKED, self._copied.times
            if self._end(earlier, [min(high, at) for high in highs]):
                following = Link(replace(goal, low=max(goal.low, at)), link.chain, link.part + 1)
                outcome = self._try(twins, at, (following, agenda), choices)
                if outcome is _Outcome.FOUND:
                    return outcome
                self._back(mark)
            if outcome is _Outcome.IMPOSSIBLE:
                break
            if self._calm and self._copied.times > copied:  # this copy was done: what follows is no fault of its own
                return _Outcome.IMPOSSIBLE
            blocked = True
            later = [begin for bound in earlier if (begin := bound.supply.next_beginning(at)) is not None]
            at = min(later, default=None)
        return _Outcome.BLOCKED if blocked else _Outcome.IMPOSSIBLE

    def _earliest(self, bounds: Sequence[Bound], floor: int) -> int:
        return max(bound.supply.earliest(bound.times, bound.low, floor, self._budget) for bound in bounds)

    def _end(self, bounds: Sequence[Bound], highs: Sequence[int]) -> bool:
        """Let `bounds` end at `highs`, and return whether each finds what it needs."""
        for bound, high in zip(bounds, highs, strict=True):
            bound.high = high
            if self._compete:
                self._assignment.narrow(bound)
        return not self._compete or all(map(self._assignment.fill, bounds))

    def _try(self, twins: list[int] | None, begin: int, agenda: Agenda, choices: int) -> _Outcome:
        if twins is None:
            return self.solve(agenda, choices + 1)
        twins.append(begin)
        outcome = self.solve(agenda, choices + 1)
        twins.pop()
        return outcome

    def _back(self, mark: int) -> None:
        """Take back every need after the first `mark`."""
        for bound in self.bounds[mark:]:
            self._assignment.release(bound)
        del self.bounds[mark:]
