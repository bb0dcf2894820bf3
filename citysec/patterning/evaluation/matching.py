"""Full patterns on observations: does what was seen match, and which observed-data made it match.

Source:
    STIX 2.1 §9, level 3 of §12.7; `docs/patterns.md` says what was decided where the text leaves it open.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from citysec.patterning.evaluation.binding import bind
from citysec.patterning.evaluation.budget import Budget
from citysec.patterning.evaluation.observed import Observation
from citysec.patterning.evaluation.plan import Need, Plan, plan
from citysec.patterning.evaluation.supply import Supply
from citysec.patterning.grammar import parse
from citysec.patterning.syntax import Version


def matcher(pattern: str, version: Version | None = None) -> Matcher:
    """Return what evaluates `pattern`.

    Raises:
        InvalidInput: it is not a pattern, or one of its constants is none.
        NotEvaluable: it is beyond what is evaluated here.
    """
    return Matcher(plan(parse(pattern, version)))


@dataclass(frozen=True, slots=True)
class Matcher:
    """A pattern ready to be evaluated."""

    plan: Plan

    @property
    def single(self) -> bool:
        """Whether one observation fulfils the pattern or none does."""
        return isinstance(self.plan.root, Need) and self.plan.root.times == 1

    def match(self, observations: Sequence[Observation], budget: Budget | None = None) -> list[Observation] | None:
        """Return those of `observations` that fulfil the pattern together, in their order; None where none do.

        `budget` is what that may take; if None, so much in proportion to the observations, and some more.

        Raises:
            InvalidInput: an observation has a property that is not what its name or the comparison says.
            NotEvaluable: that takes more steps than are allowed.
        """
        steps = budget or Budget(len(observations))
        if isinstance(self.plan.root, Need) and self.plan.root.times == 1:
            return self._first(self.plan.root, observations, steps)
        holding = [
            [place for place, one in enumerate(observations) if leaf.holds(one, steps)] for leaf in self.plan.leaves
        ]
        supplies: dict[int, Supply] = {}

        def supply(need: Need) -> Supply:
            if (known := supplies.get(id(need))) is None:
                known = supplies[id(need)] = Supply(observations, _places(need, holding, observations))
            return known

        found = bind(self.plan.root, observations, supply, steps)
        return None if found is None else [observations[place] for place in found]

    def _first(self, need: Need, observations: Sequence[Observation], budget: Budget) -> list[Observation] | None:
        """Return the first observation that fulfils `need` alone."""
        leaves = [(self.plan.leaves[leaf], window) for leaf, window in need.leaves]
        for one in observations:
            for leaf, window in leaves:
                if window.holds(one) and leaf.holds(one, budget):
                    return [one]
        return None


def _places(need: Need, holding: Sequence[Sequence[int]], observations: Sequence[Observation]) -> set[int]:
    """Return the numbers of the observations that satisfy one of the expressions of `need` in its window."""
    return {place for leaf, window in need.leaves for place in holding[leaf] if window.holds(observations[place])}
