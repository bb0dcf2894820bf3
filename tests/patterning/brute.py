"""The meaning of patterns spelled out, however long it takes: all bindings of a program are tried."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import combinations, product
from typing import Any

from citysec.patterning.evaluation.observed import microseconds
from citysec.patterning.syntax import Between, Comparison, Instruction, Join, Mark, Qualifier, Repeats, Within

Instance = tuple[int, int]
Binding = frozenset[Instance]
ZERO = datetime(2024, 1, 1, tzinfo=UTC)


def at(second: int) -> str:
    return (ZERO + timedelta(seconds=second)).strftime("%Y-%m-%dT%H:%M:%SZ")


def seconds(instant: object) -> float:
    assert isinstance(instant, datetime)
    return (microseconds(instant) - microseconds(ZERO)) / 1e6


class Brute:
    """Observations are (values of `x:v`, first, last, number); comparisons are `x:v = <int>`."""

    def __init__(self, observations: Sequence[tuple[set[int], int, int, int]]) -> None:
        self.observations = observations

    def matches(self, program: Sequence[Instruction]) -> bool:
        stack: list[Any] = []
        for instruction in program:
            match instruction:
                case Comparison(values=values):
                    stack.append({values[0]})
                case Join.OR:
                    stack.append(stack.pop() | stack.pop())
                case Mark.OBSERVATION:
                    stack.append(self._plain(stack.pop()))
                case Join.OBSERVATION_OR:
                    stack.append(stack.pop() | stack.pop())
                case Join():
                    right, left = stack.pop(), stack.pop()
                    stack.append({a | b for a, b in product(left, right) if self._fit(instruction, a, b)})
                case Within() | Repeats() | Between():
                    stack.append(self._qualified(instruction, stack.pop()))
        return bool(stack.pop())

    def _qualified(self, qualifier: Qualifier, bindings: set[Binding]) -> set[Binding]:
        match qualifier:
            case Repeats(times):
                return self._repeated(bindings, times)
            case Within(length):
                return {one for one in bindings if self._first(one) - self._last(one) <= length}
            case Between(start, stop):
                return {one for one in bindings if self._inside(one, seconds(start), seconds(stop))}

    def _plain(self, wanted: set[int]) -> set[Binding]:
        return {
            frozenset({(number, copy)})
            for number, (values, _, _, copies) in enumerate(self.observations)
            for copy in range(copies)
            if values & wanted
        }

    def _first(self, binding: Binding) -> int:
        return max(self.observations[number][1] for number, _ in binding)

    def _last(self, binding: Binding) -> int:
        return min(self.observations[number][2] for number, _ in binding)

    def _fit(self, join: Join, left: Binding, right: Binding) -> bool:
        in_order = join is Join.OBSERVATION_AND or self._first(left) <= self._last(right)
        return in_order and not left & right

    def _repeated(self, bindings: set[Binding], times: int) -> set[Binding]:
        return {
            frozenset[Instance]().union(*chosen)
            for chosen in combinations(sorted(bindings, key=sorted), times)
            if sum(map(len, chosen)) == len(frozenset[Instance]().union(*chosen))
        }

    def _inside(self, binding: Binding, start: float, stop: float) -> bool:
        spans = [self.observations[number][1:3] for number, _ in binding]
        return start < stop and all(last >= start and first < stop for first, last in spans)
