"""One observation expression `[…]`: whether an object satisfies it.

Its comparisons are tested one after the other, each saying which one comes next if it holds and which if not; so an
expression of any depth is tested without recursion, and no comparison that the answer does not need.

Source:
    STIX 2.1 §9.5: all comparisons start from the same object; §9.6: what cannot be found makes a comparison false,
    whatever its operator. An object that has not the property is what `NOT EXISTS` asks for.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Final

from citysec.patterning import literals, regex
from citysec.patterning.evaluation import comparing, paths
from citysec.patterning.evaluation.budget import SEARCHED, Budget
from citysec.patterning.evaluation.observed import Observation
from citysec.patterning.evaluation.paths import Object, Path
from citysec.patterning.syntax import Comparison, Join, Op

_HOLDS: Final = -1
_FAILS: Final = -2


@dataclass(frozen=True, slots=True)
class _Test:
    path: Path
    fits: comparing.Fits
    size: int
    absence: bool

    def holds(self, root: Object, observation: Observation, budget: Budget) -> bool:
        if root["type"] != self.path.type:
            return False
        values = self.path.values(root, observation.objects, budget)
        if self.absence:
            return not values
        if self.size > regex.LARGE:
            budget.spend(sum(len(one) for one in values if isinstance(one, (str, bytes))) * self.size // SEARCHED)
        return any(map(self.fits, values))


@dataclass(frozen=True, slots=True)
class Leaf:
    """An observation expression; those of equal `meaning` hold of the same objects."""

    tests: Sequence[_Test]
    if_true: Sequence[int]
    if_false: Sequence[int]
    meaning: Hashable

    def holds(self, observation: Observation, budget: Budget) -> bool:
        """Return whether some object of `observation` satisfies the expression.

        Raises:
            InvalidInput: the observation has a property that is not what its name says.
            NotEvaluable: that takes too many steps.
        """
        return any(self._satisfied(root, observation, budget) for root in observation.roots)

    def _satisfied(self, root: Object, observation: Observation, budget: Budget) -> bool:
        at, steps = 0, -1
        while at >= 0:
            holds = self.tests[at].holds(root, observation, budget)
            at = self.if_true[at] if holds else self.if_false[at]
            steps += 1
        budget.spend(steps)
        return at == _HOLDS


class LeafBuilder:
    """Takes the comparisons and joins of one observation expression in postfix order."""

    def __init__(self) -> None:
        self._comparisons: list[Comparison] = []
        self._if_true: list[int] = []
        self._if_false: list[int] = []
        self._operands: list[_Operand] = []

    def compare(self, comparison: Comparison) -> None:
        """Take a comparison."""
        at = len(self._comparisons)
        self._comparisons.append(comparison)
        self._if_true.append(_HOLDS)
        self._if_false.append(_FAILS)
        self._operands.append(_Operand(at, [at], [at]))

    def join(self, join: Join) -> None:
        """Join the last two operands: where the left one leaves the answer open, the right one is tested."""
        right, left = self._operands.pop(), self._operands[-1]
        if join is Join.AND:
            for at in left.true_exits:
                self._if_true[at] = right.start
            left.true_exits = right.true_exits
            left.false_exits = _together(left.false_exits, right.false_exits)
        else:
            for at in left.false_exits:
                self._if_false[at] = right.start
            left.false_exits = right.false_exits
            left.true_exits = _together(left.true_exits, right.true_exits)

    def leaf(self) -> Leaf:
        """Return the expression.

        Raises:
            InvalidInput: as `comparing.fits`.
        """
        comparisons, if_true, if_false = _gathered(self._comparisons, self._if_true, self._if_false)
        said = tuple((one.path, one.op, one.negated, repr(one.values)) for one in comparisons)
        tests = [_test(comparison) for comparison in comparisons]
        return Leaf(tests, if_true, if_false, (said, tuple(if_true), tuple(if_false)))


@dataclass(slots=True)
class _Operand:
    """A part of the expression: its first test, and the tests whose outcome ends it as true or as false."""

    start: int
    true_exits: list[int]
    false_exits: list[int]


def _test(comparison: Comparison) -> _Test:
    exists = comparison.op is Op.EXISTS
    path = paths.property_path(comparison.path) if exists else paths.path(comparison.path)
    return _Test(path, *comparing.fits(comparison), exists and comparison.negated)


def _together(left: list[int], right: list[int]) -> list[int]:
    """Add the shorter list to the longer one, so that no nesting makes this quadratic."""
    longer, shorter = (left, right) if len(left) >= len(right) else (right, left)
    longer += shorter
    return longer


def _gathered(
    comparisons: Sequence[Comparison], if_true: Sequence[int], if_false: Sequence[int]
) -> tuple[list[Comparison], list[int], list[int]]:
    """Make one `IN` of what follows one another as `a = 1 OR a = 2 …`: that is one look-up, however many they are."""
    ways_in = Counter((*if_true, *if_false))
    groups: list[list[int]] = []
    group_of: dict[int, int] = {_HOLDS: _HOLDS, _FAILS: _FAILS}
    for at, one in enumerate(comparisons):
        alternative = at > 0 and if_false[at - 1] == at and if_true[at - 1] == if_true[at] and ways_in[at] == 1
        if alternative and _alike(comparisons[at - 1], one):
            groups[-1].append(at)
        else:
            groups.append([at])
        group_of[at] = len(groups) - 1
    together = [_together_in([comparisons[at] for at in group]) for group in groups]
    last = [group[-1] for group in groups]
    return together, [group_of[if_true[at]] for at in last], [group_of[if_false[at]] for at in last]


def _alike(one: Comparison, other: Comparison) -> bool:
    """Return whether both ask for some value of one type of the same property."""
    for each in (one, other):
        if each.op not in {Op.EQ, Op.IN} or each.negated or not each.values:
            return False
    return one.path == other.path and literals.comparable(one.values[0]) is literals.comparable(other.values[0])


def _together_in(group: Sequence[Comparison]) -> Comparison:
    first = group[0]
    if len(group) == 1:
        return first
    values = tuple(value for one in group for value in one.values)
    return Comparison(first.path, Op.IN, first.negated, values, first.at)
