"""Which observation serves which need: each observation serves as often as it was made.

A maximum flow between needs and observations, kept while needs come, go and are narrowed: a need that finds no free
observation takes one from a need that finds another.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from citysec.patterning.evaluation.budget import Budget
from citysec.patterning.evaluation.observed import Observation
from citysec.patterning.evaluation.supply import Supply


@dataclass(slots=True, eq=False)
class Bound:
    """A need: `times` observations of `supply` that may have been at an instant ≥ `low` and at one ≤ `high`.

    `taken` says which ones it has, and how often.
    """

    supply: Supply
    times: int
    low: int
    high: int
    taken: dict[int, int] = field(default_factory=dict[int, int])

    def places(self, budget: Budget) -> Iterator[int]:
        """Yield the numbers of the observations that may serve."""
        return (self.supply.places[at] for at in self.supply.eligible(self.low, self.high, budget))


class Assignment:
    """The observations that needs have taken."""

    def __init__(self, observations: Sequence[Observation], budget: Budget) -> None:
        self._observations, self._budget = observations, budget
        self._holders: dict[int, list[Bound]] = {}

    def fill(self, bound: Bound) -> bool:
        """Give `bound` what it lacks and return whether there was enough, whoever else must take something else."""
        lacking = bound.times - sum(bound.taken.values())
        for place in bound.places(self._budget):
            if lacking and (free := self._free(place)):
                self._give(bound, place, min(free, lacking))
                lacking -= min(free, lacking)
            if not lacking:
                return True
        while lacking and (moved := self._make_room(bound, lacking)):
            lacking -= moved
        return not lacking

    def release(self, bound: Bound) -> None:
        """Take everything from `bound`."""
        for place, amount in list(bound.taken.items()):
            self._give(bound, place, -amount)

    def narrow(self, bound: Bound) -> None:
        """Take from `bound` what is now outside its times."""
        for place, amount in list(bound.taken.items()):
            one = self._observations[place]
            if one.first > bound.high or one.last < bound.low:
                self._give(bound, place, -amount)

    def _free(self, place: int) -> int:
        holders = self._holders.get(place, ())
        return self._observations[place].number - sum(holder.taken[place] for holder in holders)

    def _give(self, bound: Bound, place: int, amount: int) -> None:
        had = bound.taken.get(place, 0)
        if had + amount:
            bound.taken[place] = had + amount
            if not had:
                self._holders.setdefault(place, []).append(bound)
        else:
            del bound.taken[place]
            self._holders[place].remove(bound)

    def _make_room(self, bound: Bound, lacking: int) -> int:
        """Let others change places until `bound` gets up to `lacking` observations; return how many, 0 where none can.

        Breadth first: `reached` says, for each observation, which need would take it.
        """
        reached: dict[int, Bound] = {}
        came: dict[int, int | None] = {id(bound): None}
        waiting = deque([bound])
        while waiting:
            taker = waiting.popleft()
            for place in taker.places(self._budget):
                if place in reached:
                    continue
                reached[place] = taker
                if self._free(place):
                    return self._shift(place, reached, came, lacking)
                for holder in self._holders[place]:
                    if id(holder) not in came:
                        came[id(holder)] = place
                        waiting.append(holder)
        return 0

    def _shift(self, place: int, reached: dict[int, Bound], came: dict[int, int | None], lacking: int) -> int:
        """Move as much as possible along the way that ends at the free observation `place`."""
        way = [(reached[place], place)]
        while (given_up := came[id(way[-1][0])]) is not None:
            way.append((reached[given_up], given_up))
        amount = min(lacking, self._free(place))
        for (taker, _), (_, left) in pairwise(way):
            amount = min(amount, taker.taken[left])
        for (taker, gained), (_, left) in pairwise(way):
            self._give(taker, left, -amount)
            self._give(taker, gained, amount)
        self._give(way[-1][0], way[-1][1], amount)
        return amount
