"""Finds parts of a pattern that nothing can ever fulfil, such as two values of one property of one object.

Each operand stands for what is known of an object that satisfies it: its possible types, and of properties that have
but one value the values that are left. AND brings both sides' knowledge together, OR keeps what both sides know.

Source:
    STIX 2.1 §9.5: all operands of AND must be satisfiable with the same object; §9.5.1 START and STOP.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from citysec.errors import InvalidInput, NotEvaluable
from citysec.patterning.evaluation import comparing
from citysec.patterning.evaluation.budget import Budget
from citysec.patterning.evaluation.observed import observable_type
from citysec.patterning.syntax import (
    Between,
    Comparison,
    Instruction,
    Join,
    Literal,
    Mark,
    NoTime,
    Op,
    Repeats,
    Within,
)

_SIXTH: Final = {"ipv4-addr:value": False, "ipv6-addr:value": True}
"""Path -> whether its addresses are those of version 6."""


@dataclass(frozen=True, slots=True)
class Contradiction:
    """A part of a pattern, from character `at` on, that nothing fulfils; `about` is its path or qualifier."""

    at: int
    about: str
    message: str

    def __str__(self) -> str:
        return f"character {self.at}: {self.message}"


@dataclass(frozen=True, slots=True)
class Findings:
    """What cannot be; `satisfiable` says whether the pattern as a whole can match all the same."""

    contradictions: Sequence[Contradiction]
    satisfiable: bool


@dataclass(slots=True)
class _Domain:
    """What is known of a property with one value: `values` it must be one of, if known, and `tests` it must pass."""

    values: list[Literal] | None
    tests: list[Comparison]


@dataclass(slots=True)
class _Facts:
    """What is known of an object that satisfies an operand; `possible` is False where no object does."""

    at: int
    types: set[str]
    domains: dict[str, _Domain] = field(default_factory=dict[str, _Domain])
    possible: bool = True


def contradictions(program: Sequence[Instruction]) -> Findings:
    """Return what no observation can fulfil in the pattern `program`; of a very large one, what was found in time."""
    if _harmless(program):
        return Findings((), satisfiable=True)
    finder = _Finder()
    with suppress(NotEvaluable):
        for instruction in program:
            finder.take(instruction)
    return Findings(finder.found, all(one.possible for one in finder.operands))


@dataclass(slots=True)
class _Finder:
    operands: list[_Facts] = field(default_factory=list[_Facts])
    found: list[Contradiction] = field(default_factory=list[Contradiction])
    _budget: Budget = field(default_factory=Budget)

    def take(self, instruction: Instruction) -> None:
        match instruction:
            case Comparison():
                self.operands.append(self._compared(instruction))
            case Join():
                right = self.operands.pop()
                self.operands[-1] = self._joined(instruction, self.operands[-1], right)
            case Between(start, stop, at):
                if not (isinstance(start, datetime) and isinstance(stop, datetime) and start < stop):
                    self._report(self.operands[-1], at, "START STOP", "START is not before STOP")
            case Mark() | Within() | Repeats():
                pass

    def _joined(self, join: Join, left: _Facts, right: _Facts) -> _Facts:
        match join:
            case Join.AND:
                return self._both(left, right)
            case Join.OR:
                return self._either(left, right)
            case Join.OBSERVATION_OR:
                left.possible |= right.possible
            case Join.OBSERVATION_AND | Join.FOLLOWED_BY:
                left.possible &= right.possible
        return left

    def _report(self, facts: _Facts, at: int, about: str, message: str) -> None:
        facts.possible = False
        self.found.append(Contradiction(at, about, message))

    def _compared(self, comparison: Comparison) -> _Facts:
        kind, _, _ = comparison.path.partition(":")
        facts = _Facts(comparison.at, {kind})
        never = _never(comparison, kind)
        if never is not None:
            self._report(facts, comparison.at, comparison.path, never)
        elif "[*]" not in comparison.path and comparison.op is not Op.EXISTS:
            facts.domains[comparison.path] = _Domain(_values(comparison), [comparison])
        return facts

    def _either(self, left: _Facts, right: _Facts) -> _Facts:
        if not (left.possible and right.possible):
            return left if left.possible else right
        left.types |= right.types
        few, many = sorted((left.domains, right.domains), key=len)
        left.domains = {path: self._merged(few[path], many[path]) for path in few if path in many}
        return left

    def _merged(self, one: _Domain, other: _Domain) -> _Domain:
        if one.values is None or other.values is None:
            return _Domain(None, [])
        few, many = sorted((one.values, other.values), key=len)
        many += few
        return _Domain(many, [])

    def _both(self, left: _Facts, right: _Facts) -> _Facts:
        if not (left.possible and right.possible):
            left.possible = False
            return left
        if not left.types & right.types:
            kinds = " and ".join(sorted((min(left.types), min(right.types))))
            self._report(left, right.at, min(right.types), f"no object is of the types {kinds}")
            return left
        left.types &= right.types
        few, many = sorted((left.domains, right.domains), key=len)
        for path, domain in few.items():
            many[path] = joint = self._joint(many[path], domain) if path in many else domain
            if joint.values == []:
                self._report(left, right.at, path, f"no value of {path} fulfils both sides of AND")
        left.domains = many
        return left

    def _joint(self, one: _Domain, other: _Domain) -> _Domain:
        values = self._left_of(one.values, other)
        if values is None:
            values = self._left_of(other.values, one)
        return _Domain(values, one.tests + other.tests)

    def _left_of(self, values: list[Literal] | None, other: _Domain) -> list[Literal] | None:
        """Return those of `values` that `other` allows."""
        if values is None:
            return None
        self._budget.spend(len(values) * (len(other.tests) + 1))
        known = None if other.values is None else set(map(_key, other.values))
        left = values if known is None else [value for value in values if _key(value) in known]
        with suppress(InvalidInput):  # a constant that is none is another matter
            tests = [comparing.fits(test)[0] for test in other.tests]
            return [value for value in left if all(_passes(test, value) for test in tests)]
        return left


def _harmless(program: Sequence[Instruction]) -> bool:
    """Return whether it can be seen at a glance that nothing contradicts anything."""
    comparisons = [one for one in program if isinstance(one, Comparison)]
    if any(isinstance(one, Between) or one is Join.AND for one in program):
        paths = [one.path for one in comparisons if "[*]" not in one.path]
        alone = len(set(paths)) == len(paths) and len({one.path.partition(":")[0] for one in comparisons}) == 1
        if not alone or any(isinstance(one, Between) for one in program):
            return False
    return all(_never(one, one.path.partition(":")[0]) is None for one in comparisons)


def _never(comparison: Comparison, kind: str) -> str | None:
    """Return why nothing can pass `comparison`, None where something can."""
    if not observable_type(kind):
        return f"{kind} is no type of observable"
    if comparison.op is Op.IN and not comparison.values and not comparison.negated:
        return "nothing is IN an empty list"
    sixth = _SIXTH.get(comparison.path)
    if sixth is None or comparison.negated or comparison.op not in {Op.ISSUBSET, Op.ISSUPERSET}:
        return None
    block = str(comparison.values[0])
    return None if (":" in block) is sixth else f"{block!r} is no {kind}"


def _values(comparison: Comparison) -> list[Literal] | None:
    """Return the values that a property must have one of to pass, None where that cannot be listed."""
    positive = comparison.op in {Op.EQ, Op.IN} and not comparison.negated
    timeless = not any(isinstance(value, (datetime, NoTime)) for value in comparison.values)
    return list(comparison.values) if positive and timeless else None


def _key(value: Literal) -> tuple[str, Literal]:
    """Return what is equal for values that one property can equal both of."""
    match value:
        case bool():
            return "bool", value
        case int() | float():
            return "number", value
        case bytes():
            return "text", value.decode("latin-1")
        case _:
            return "text", value


def _passes(test: comparing.Fits, value: Literal) -> bool:
    if isinstance(value, (datetime, NoTime)):
        return True
    try:
        return test(value)
    except InvalidInput:
        return False
