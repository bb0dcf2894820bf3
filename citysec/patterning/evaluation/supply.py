"""The observations that can fulfil one need, ordered so that "how many between when" is a look-up."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate

from citysec.patterning.evaluation.budget import Budget
from citysec.patterning.evaluation.observed import Observation


class Supply:
    """Some observations. One that spans a time may have been at any instant of it.

    `places` are their numbers, the earliest first, `ends` the instants at which they end; `instants` says that none
    spans a time.
    """

    def __init__(self, observations: Sequence[Observation], places: Iterable[int]) -> None:
        self.places = sorted(places, key=lambda place: (observations[place].first, place))
        chosen = [observations[place] for place in self.places]
        self._firsts = [one.first for one in chosen]
        self._lasts = [one.last for one in chosen]
        self._begun = list(accumulate((one.number for one in chosen), initial=0))
        ended = sorted((one.last, one.number) for one in chosen)
        self.ends = [last for last, _ in ended]
        self._over = list(accumulate((number for _, number in ended), initial=0))
        self.instants = self._firsts == self._lasts

    def count(self, low: int, high: int, budget: Budget) -> int:
        """Return how many observations there are that may have been at an instant ≥ `low` and at one ≤ `high`."""
        if high >= low:  # what ended before `low` began before `high`
            return self._begun[bisect_right(self._firsts, high)] - self._over[bisect_left(self.ends, low)]
        if self.instants:
            return 0
        eligible = self.eligible(low, high, budget)
        return sum(self._begun[at + 1] - self._begun[at] for at in eligible)

    def earliest(self, times: int, low: int, floor: int, budget: Budget) -> int:
        """Return the first instant ≥ `floor` by which `times` observations can have been, none before `low`.

        There are so many of them.
        """
        if self.count(low, floor, budget) >= times:
            return floor
        if floor < low and not self.instants and self.count(low, low, budget) >= times:
            return self._straddling(times, low, budget)
        return self._firsts[bisect_left(self._begun, times + self._over[bisect_left(self.ends, low)]) - 1]

    def _straddling(self, times: int, low: int, budget: Budget) -> int:
        """Return when `times` observations have begun that end at `low` or later and begin before it."""
        found = 0
        for at in self.eligible(low, low, budget):
            found += self._begun[at + 1] - self._begun[at]
            if found >= times:
                return self._firsts[at]
        raise AssertionError("there are not so many")

    def next_beginning(self, after: int) -> int | None:
        """Return the first instant later than `after` at which an observation begins."""
        at = bisect_right(self._firsts, after)
        return self._firsts[at] if at < len(self._firsts) else None

    def eligible(self, low: int, high: int, budget: Budget) -> Iterator[int]:
        """Yield the indices in `places` of the observations that `count` counts."""
        start = bisect_left(self._firsts, low) if self.instants else 0
        for at in range(start, bisect_right(self._firsts, high)):
            budget.spend()
            if self._lasts[at] >= low:
                yield at
