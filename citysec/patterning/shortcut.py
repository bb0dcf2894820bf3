"""Reads what nearly all patterns of feeds are, without parsing: comparisons in hardly any brackets but observations'.

It is nothing but speed: three to ten times that of the grammar, whose result is the same. What needs a closer look
(long patterns, parts that may contradict each other, START and STOP, other operators) is left to the grammar.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Final

from citysec.patterning.evaluation.observed import observable_type
from citysec.patterning.grammar import MAX_EXPRESSIONS, MAX_VALUES
from citysec.patterning.literals import unquoted
from citysec.patterning.syntax import Literal, Op
from citysec.patterning.tokens import CHARACTERS, MAX_LENGTH, STRING, WHITE, path_text

_B: Final = rf"{WHITE}*+"
_NAME: Final = r"[A-Za-z_][A-Za-z0-9_]*+"
_PATH: Final = rf"[a-z][a-z0-9-]*+:{_NAME}(?:\.(?:{_NAME}|'[A-Za-z0-9_-]++')|\[\*\])*+"
_INT: Final = r"-?(?:0|[1-9][0-9]{0,14}+)(?![0-9.])"
_LITERAL: Final = rf"{STRING}|{_INT}|(?:true|false)(?![A-Za-z0-9_])"
_LIST: Final = rf"\({_B}{STRING}(?:{_B},{_B}{STRING})*+{_B}\)"
_TEST: Final = rf"{_PATH}{_B}(?:!?={_B}(?:{_LITERAL})|(?:LIKE|MATCHES){_B}{STRING}|IN{_B}{_LIST})"
_TESTS: Final = rf"{_TEST}(?:{_B}(?:AND|OR){WHITE}++{_TEST})*+"
_GROUP: Final = rf"\[{_B}(?:\({_B}{_TESTS}{_B}\)|{_TESTS}){_B}\]"
_WITHIN: Final = rf"WITHIN{WHITE}++[1-9][0-9]{{0,14}}+{_B}SECONDS(?![A-Za-z0-9_])"
_REPEATS: Final = rf"REPEATS{WHITE}++[1-9][0-9]{{0,14}}+{_B}TIMES(?![A-Za-z0-9_])"
_QUALIFIERS: Final = rf"(?:{_B}(?:{_WITHIN}|{_REPEATS}))*+"
_OBSERVATIONS: Final = rf"{_GROUP}{_QUALIFIERS}(?:{_B}(?:AND|OR|FOLLOWEDBY){_B}{_GROUP}{_QUALIFIERS})*+"
ONE: Final = re.compile(rf"\[({_PATH}){_B}={_B}'({CHARACTERS})'{_B}\]")
"""One value by `=`: path and text, both as written; whether there is such a path is left to the caller."""
_FLAT: Final = re.compile(rf"{_B}(?:{_OBSERVATIONS}|\({_B}{_OBSERVATIONS}{_B}\){_QUALIFIERS}){_B}")
_WORD: Final = rf"AND|OR|FOLLOWEDBY|\]|\)|WITHIN{WHITE}++[0-9]++|REPEATS{WHITE}++[0-9]++"
_PIECE: Final = re.compile(rf"({_PATH}){_B}(!?=|LIKE|MATCHES|IN)|({_LITERAL})|({_WORD})")
_OPERATORS: Final = {"=": Op.EQ, "!=": Op.NE, "LIKE": Op.LIKE, "MATCHES": Op.MATCHES, "IN": Op.IN}


_ALTERNATIVES: Final = frozenset({"", "OR", "]", ")"})

Test = tuple[str, Op, Literal, bool]
"""Path, operator and value of a comparison, and whether that alone fulfils the pattern."""


def flat(pattern: str) -> Sequence[Test] | None:
    """Return what `pattern` tests, in its order; None where it has another shape."""
    if len(pattern) > MAX_LENGTH or _FLAT.fullmatch(pattern) is None:
        return None
    pieces: list[tuple[str, str, str, str]] = _PIECE.findall(pattern)
    tests = _any(pieces) if _ALTERNATIVES.issuperset([piece[3] for piece in pieces]) else _weighed(pieces)
    return None if tests is None or _too_many(tests) else tests


def _too_many(tests: Sequence[Test]) -> bool:
    if len(tests) <= MAX_EXPRESSIONS:
        return False
    return len(tests) > MAX_VALUES or sum(op is Op.MATCHES or op is Op.LIKE for _, op, _, _ in tests) > MAX_EXPRESSIONS


def _any(pieces: Iterable[tuple[str, str, str, str]]) -> list[Test] | None:
    """Return what `pieces` test if nothing but OR joins them, and so each alone fulfils the pattern."""
    path, op, tests = "", Op.EQ, list[Test]()
    for about, operator, literal, _ in pieces:
        if literal:
            tests.append((path, op, _value(literal), True))
        elif about:
            if _kind(about) is None:
                return None
            path, op = about, _OPERATORS[operator]
    return tests


def _value(literal: str) -> str | int:
    match literal[0]:
        case "'":
            return unquoted(literal)
        case "t" | "f":
            return literal == "true"
        case _:
            return int(literal)


def _weighed(pieces: Iterable[tuple[str, str, str, str]]) -> list[Test] | None:
    """Return what `pieces` test; None where they may contradict each other."""
    reading, number, path, op = _Reading(), 0, "", Op.EQ
    for about, operator, literal, word in pieces:
        if literal:
            reading.values.append((number, path, op, _value(literal)))
        elif about:
            number, path, op = reading.compare(about), about, _OPERATORS[operator]
        else:
            reading.word(word)
    return None if reading.doubtful else reading.tests()


class _Reading:
    """What the pieces so far say. AND binds tightest: it weakens its two neighbours, comparisons or groups.

    `doubtful` says that the pattern may contradict itself.
    """

    __slots__ = (
        *("doubtful", "values", "_groups", "_weak", "_weak_groups", "_all_weak"),
        *("_inside", "_closed", "_group", "_join", "_kind", "_together"),
    )

    def __init__(self) -> None:
        self.doubtful = False
        self.values: list[tuple[int, str, Op, str | int]] = []
        self._groups: list[int] = []
        self._weak: set[int] = set()
        self._weak_groups: set[int] = set()
        self._together: set[str] = set()
        self._kind: str | None = None
        self._all_weak, self._inside, self._closed = False, True, False
        self._group, self._join = 0, ""

    def compare(self, path: str) -> int:
        """Take a comparison and return its number."""
        number, kind = len(self._groups), _kind(path)
        if self._join == "AND":
            self._weak.update((number - 1, number))
        else:
            self._kind, self._together = kind, set()
        if kind is None or kind != self._kind or path in self._together:
            self.doubtful = True
        if "[*]" not in path:
            self._together.add(path)
        self._groups.append(self._group)
        return number

    def word(self, word: str) -> None:
        """Take what joins two comparisons, ends a group, qualifies it or joins it with the next."""
        if self._inside:
            self._inside, self._join = word != "]", word
        elif word[0] == "R":
            self._repeat(word.rsplit(maxsplit=1)[-1])
        elif word == ")":
            self._closed = True
        elif word[0] != "W":
            self._group += 1
            self._inside, self._join = True, ""
            self._all_weak = self._all_weak or word == "FOLLOWEDBY"
            if word == "AND":
                self._weak_groups.update((self._group - 1, self._group))

    def _repeat(self, times: str) -> None:
        if times != "1":
            self._all_weak = self._all_weak or self._closed
            self._weak_groups.add(self._group)

    def tests(self) -> list[Test]:
        """Return all values, each with its weight."""
        groups, weak, weak_groups, ordered = self._groups, self._weak, self._weak_groups, self._all_weak
        return [
            (path, op, value, not (ordered or number in weak or groups[number] in weak_groups))
            for number, path, op, value in self.values
        ]


@lru_cache(maxsize=4096)
def _kind(path: str) -> str | None:
    """Return the type of the objects that `path` starts from; None where it is no path, or no type of observables."""
    kind, _, _ = path.partition(":")
    return kind if path_text(path) is not None and observable_type(kind) else None
