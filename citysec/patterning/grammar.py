"""Reads a STIX pattern of any length and depth in one pass, without recursion.

Operators wait on a stack until one that binds less tightly comes (AND before OR before FOLLOWEDBY, left to right).

Source:
    STIX 2.1 §9.2, §9.5 and §9.6; STIX 2.0 Part 5 where it differs: there is no EXISTS, and START and STOP take plain
    strings. `docs/patterns.md` lists in what we differ from the reference grammar.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum, auto
from typing import Final, NoReturn

from citysec.errors import InvalidInput, Problem
from citysec.patterning import literals, wording
from citysec.patterning.syntax import (
    Between,
    Comparison,
    Instruction,
    Join,
    Literal,
    Mark,
    NoTime,
    Op,
    Qualifier,
    Repeats,
    Version,
    Within,
)
from citysec.patterning.tokens import Form, Token, path_text, tokens

MAX_VALUES: Final = 10_000
"""Most values in one pattern."""
MAX_EXPRESSIONS: Final = 100
"""Most expressions (LIKE, MATCHES) in one pattern: each may take milliseconds to compile, or to try on all names."""
_LONGEST: Final = 1 << 62
"""Seconds of the longest time that is told apart from longer ones; no float is as large as integers may be."""


class _Open(Enum):
    """A bracket that waits for its end."""

    GROUP = auto()
    OBSERVATION = auto()


_OPENING: Final = {"(": _Open.GROUP, "[": _Open.OBSERVATION}
_CLOSING: Final = {")": _Open.GROUP, "]": _Open.OBSERVATION}
_CLOSED_BY: Final[Mapping[Join | _Open, str]] = {_Open.GROUP: ")", _Open.OBSERVATION: "]"}
_OPERATORS: Final = {op.value: op for op in Op if not op.value.isalpha()} | {"==": Op.EQ, "<>": Op.NE}
_STRING_OPERATORS: Final = frozenset({Op.LIKE, Op.MATCHES, Op.ISSUBSET, Op.ISSUPERSET})
_ORDER_OPERATORS: Final = frozenset({Op.LT, Op.LE, Op.GT, Op.GE})
_WORD_OPERATORS: Final = {op.value: op for op in (*_STRING_OPERATORS, Op.IN)}
_JOINS: Final = {"AND": Join.AND, "OR": Join.OR}
_OBSERVATION_JOINS: Final = {
    "AND": Join.OBSERVATION_AND,
    "OR": Join.OBSERVATION_OR,
    "FOLLOWEDBY": Join.FOLLOWED_BY,
}
_TIGHTNESS: Final = {
    Join.FOLLOWED_BY: 1,
    Join.OBSERVATION_OR: 2,
    Join.OR: 2,
    Join.OBSERVATION_AND: 3,
    Join.AND: 3,
}


@dataclass(frozen=True, slots=True)
class Reading:
    """A pattern as a program in postfix order (see `syntax`), and what has a meaning but is forbidden all the same."""

    program: Sequence[Instruction]
    faults: Sequence[Problem]


def parse(pattern: str, version: Version | None = None) -> Sequence[Instruction]:
    """Return `pattern` as a program; as `read`, whatever its faults."""
    return read(pattern, version).program


def read(pattern: str, version: Version | None = None) -> Reading:
    """Return `pattern` as `version` of the standard reads it, None: as either of them does.

    Raises:
        InvalidInput: it is not a pattern; the place is `character N`, counted from 0.
    """
    parser = _Parser(pattern, version)
    return Reading(parser.program, parser.faults)


class _Parser:
    def __init__(self, pattern: str, version: Version | None) -> None:
        self.program: list[Instruction] = []
        self.faults: list[Problem] = []
        self._version = version
        self._tokens: Iterator[Token] = tokens(pattern)
        self._token = next(self._tokens)
        self._waiting: list[Join | _Open] = []
        self._inside = False
        self._values = self._expressions = 0
        self._operand()
        while self._token.form is not Form.END:
            self._join()
            self._operand()
        self._release(0)
        if self._waiting:
            self._fail(f"{_CLOSED_BY[self._waiting[-1]]!r} is missing")

    def _operand(self) -> None:
        """Read opening brackets, one comparison, and the brackets and qualifiers that end with it."""
        while (bracket := self._token.text) == "(" or (bracket == "[" and not self._inside):
            self._inside = self._inside or bracket == "["
            self._waiting.append(_OPENING[bracket])
            self._advance()
        if not self._inside:
            self._fail("expected '['", wording.BRACKETS)
        self.program.append(self._comparison())
        while self._token.text in _CLOSING:
            self._close()

    def _close(self) -> None:
        self._release(0)
        expected = _CLOSING[self._token.text]
        if not self._waiting:
            raise InvalidInput.at(f"character {self._token.at}", f"{self._token.text!r} closes nothing")
        if (opened := self._waiting.pop()) is not expected:
            self._fail(f"{_CLOSED_BY[opened]!r} is missing")
        self._advance()
        if expected is _Open.OBSERVATION:
            self.program.append(Mark.OBSERVATION)
            self._inside = False
            self._forbid_twice(self._qualifiers())
        else:
            self._qualifiers()

    def _join(self) -> None:
        joins = _JOINS if self._inside else _OBSERVATION_JOINS
        join = joins.get(self._token.text)
        if join is None:
            self._fail(f"expected {', '.join(joins)} or the end of a bracket", wording.after_value(self._token))
        self._release(_TIGHTNESS[join])
        self._waiting.append(join)
        self._advance()

    def _release(self, tightness: int) -> None:
        """Move the operators that bind at least that tightly from the stack to the program."""
        while self._waiting and isinstance(join := self._waiting[-1], Join) and _TIGHTNESS[join] >= tightness:
            self.program.append(join)
            self._waiting.pop()

    def _qualifiers(self) -> list[Qualifier]:
        found: list[Qualifier] = []
        while not self._inside and (qualifier := self._qualifier()) is not None:
            found.append(qualifier)
        self.program += found
        return found

    def _forbid_twice(self, qualifiers: Sequence[Qualifier]) -> None:
        """Note qualifiers of one kind that stand twice, as §9.5.1 forbids and 2.0 does not."""
        seen: set[type[Qualifier]] = set()
        for qualifier in qualifiers:
            if type(qualifier) in seen and self._version is not Version.STIX20:
                self.faults.append(Problem(f"character {qualifier.at}", "the same qualifier stands twice"))
            seen.add(type(qualifier))

    def _qualifier(self) -> Qualifier | None:
        at = self._token.at
        match self._token.text:
            case "WITHIN":
                self._advance()
                seconds = float(min(self._positive(Form.INT, Form.FLOAT), _LONGEST))
                self._word("SECONDS")
                return Within(seconds, at)
            case "REPEATS":
                self._advance()
                times = int(self._positive(Form.INT))
                self._word("TIMES")
                return Repeats(times, at)
            case "START":
                self._advance()
                start = self._time()
                self._word("STOP")
                return Between(start, self._time(), at)
            case _:
                return None

    def _positive(self, *forms: Form) -> float:
        token = self._expect(*forms)
        number = literals.value(token)
        if not isinstance(number, (int, float)) or number <= 0:
            raise InvalidInput.at(f"character {token.at}", f"expected a number above 0, found {token.text[:40]!r}")
        return number

    def _time(self) -> datetime | NoTime:
        plain = self._version is not Version.STIX21
        return literals.time(self._expect(Form.TIME, *([Form.STRING] if plain else [])))

    def _comparison(self) -> Comparison:
        at = self._token.at
        if self._token.form is Form.TEST:
            return self._test(self._token)
        negated = self._optional("NOT")
        if self._version is not Version.STIX20 and self._optional("EXISTS"):
            self._count()
            return Comparison(self._path(), Op.EXISTS, negated, (), at)
        if negated:
            self._fail("expected EXISTS")
        path = self._path()
        negated = self._optional("NOT")
        op = self._operator()
        return Comparison(path, op, negated, self._literals(op), at)

    def _test(self, token: Token) -> Comparison:
        self._count()
        self._advance()
        return Comparison(_legal(token.path, token.at), Op.EQ, False, (literals.unquoted(token.text),), token.at)  # noqa: FBT003

    def _path(self) -> str:
        token = self._expect(Form.PATH)
        return _legal(token.text, token.at)

    def _operator(self) -> Op:
        op = (_OPERATORS if self._token.form is Form.OPERATOR else _WORD_OPERATORS).get(self._token.text)
        if op is None:
            self._fail("expected a comparison operator")
        self._advance()
        return op

    def _literals(self, op: Op) -> tuple[Literal, ...]:
        if op is not Op.IN:
            return (self._literal(op),)
        self._mark("(")
        at = self._token.at
        values: list[Literal] = []
        while self._token.text != ")" or values:
            values.append(self._literal(op))
            if self._token.text != ",":
                break
            self._advance()
        self._mark(")")
        if len({literals.comparable(one) for one in values}) > 1:
            raise InvalidInput.at(f"character {at}", "the values of IN are of several types")
        return tuple(values)

    def _literal(self, op: Op) -> Literal:
        self._count()
        self._expressions += op is Op.MATCHES or op is Op.LIKE
        if self._expressions > MAX_EXPRESSIONS:
            self._fail(f"more than {MAX_EXPRESSIONS} expressions")
        token = self._token
        if op in _STRING_OPERATORS and token.form is not Form.STRING:
            self._fail(wording.expected(Form.STRING))
        if op in _ORDER_OPERATORS and token.form is Form.WORD:
            self._fail("expected a value that has an order")
        self._advance()
        return literals.value(token)

    def _count(self) -> None:
        self._values += 1
        if self._values > MAX_VALUES:
            self._fail(f"more than {MAX_VALUES} values")

    def _advance(self) -> None:
        if self._token.form is Form.END:
            self._fail("the pattern ends too early")
        self._token = next(self._tokens)

    def _expect(self, *forms: Form) -> Token:
        token = self._token
        if token.form not in forms:
            self._fail(wording.expected(*forms))
        self._advance()
        return token

    def _optional(self, word: str) -> bool:
        here = self._token.text == word and self._token.form is Form.WORD
        if here:
            self._advance()
        return here

    def _word(self, word: str) -> None:
        if not self._optional(word):
            self._fail(f"expected {word}")

    def _mark(self, mark: str) -> None:
        if self._token.text != mark:
            self._fail(f"expected {mark!r}")
        self._advance()

    def _fail(self, message: str, hint: str = "") -> NoReturn:
        raise InvalidInput.at(f"character {self._token.at}", f"{message}, {wording.instead(self._token)}{hint}")


def _legal(path: str, at: int) -> str:
    written = path_text(path)
    if written is None:
        raise InvalidInput.at(f"character {at}", f"{path[:40]!r} has a keyword for a name")
    return written
