"""Reads a STIX pattern of any length and depth in one pass, without recursion.

Operators wait on a stack until one that binds less tightly comes (AND before OR before FOLLOWEDBY, left to right).

Source:
    STIX 2.1 §9.2, §9.5 and §9.6; STIX 2.0 Part 5 where it differs (START and STOP as plain strings).
"""

from __future__ import annotations

import re
from base64 import b64decode
from binascii import unhexlify
from collections.abc import Iterator
from datetime import datetime
from enum import Enum, auto
from typing import Final, NoReturn

from citysec.errors import InvalidInput
from citysec.patterning.syntax import (
    Between,
    Comparison,
    Instruction,
    Join,
    Literal,
    Mark,
    Op,
    Qualifier,
    Repeats,
    Within,
)
from citysec.patterning.tokens import Form, Token, tokens

MAX_VALUES: Final = 10_000
"""Most literals in one pattern."""


class _Open(Enum):
    """A bracket that waits for its end."""

    GROUP = auto()
    OBSERVATION = auto()


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
_BLANKS_OR_TEXT: Final = re.compile(r"('(?:[^'\\]|\\.)*')|\s+", re.DOTALL)
_ESCAPE: Final = re.compile(r"\\(.)", re.DOTALL)
_TIME: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]+)?Z")


def parse(pattern: str) -> list[Instruction]:
    """Return `pattern` as a program in postfix order (see `syntax`).

    Raises:
        InvalidInput: it is not a pattern; the place is `character N`, counted from 0.
    """
    return _Parser(pattern).program


class _Parser:
    def __init__(self, pattern: str) -> None:
        self.program: list[Instruction] = []
        self._tokens: Iterator[Token] = tokens(pattern)
        self._token = next(self._tokens)
        self._waiting: list[Join | _Open] = []
        self._inside = False
        self._values = 0
        self._operand()
        while self._token.form is not Form.END:
            self._join()
            self._operand()
        self._release(0)
        if self._waiting:
            self._fail("']' or ')' is missing")

    def _operand(self) -> None:
        """Read opening brackets, one comparison, and the brackets and qualifiers that end with it."""
        while self._token.text in {"(", "["} and not (self._inside and self._token.text == "["):
            self._inside = self._inside or self._token.text == "["
            self._waiting.append(_Open.GROUP if self._token.text == "(" else _Open.OBSERVATION)
            self._advance()
        if not self._inside:
            self._fail("expected '['")
        self.program.append(self._comparison())
        while self._token.text in {")", "]"}:
            self._close()
            self._qualifiers()

    def _close(self) -> None:
        self._release(0)
        expected = _Open.GROUP if self._token.text == ")" else _Open.OBSERVATION
        if not self._waiting or self._waiting.pop() is not expected:
            self._fail(f"{self._token.text!r} closes nothing")
        if expected is _Open.OBSERVATION:
            self.program.append(Mark.OBSERVATION)
            self._inside = False
        self._advance()

    def _join(self) -> None:
        joins = _JOINS if self._inside else _OBSERVATION_JOINS
        join = joins.get(self._token.text)
        if join is None:
            self._fail(f"expected {', '.join(joins)} or the end of a bracket")
        self._release(_TIGHTNESS[join])
        self._waiting.append(join)
        self._advance()

    def _release(self, tightness: int) -> None:
        """Move the operators that bind at least that tightly from the stack to the program."""
        while self._waiting and isinstance(join := self._waiting[-1], Join) and _TIGHTNESS[join] >= tightness:
            self.program.append(join)
            self._waiting.pop()

    def _qualifiers(self) -> None:
        seen: set[type[Qualifier]] = set()
        while not self._inside and (qualifier := self._qualifier()) is not None:
            if type(qualifier) in seen:
                self._fail("the same qualifier stands twice")
            seen.add(type(qualifier))
            self.program.append(qualifier)

    def _qualifier(self) -> Qualifier | None:
        match self._token.text:
            case "WITHIN":
                self._advance()
                seconds = float(self._expect(Form.INT, Form.FLOAT).text)
                self._word("SECONDS")
                return Within(seconds)
            case "REPEATS":
                self._advance()
                times = int(self._expect(Form.INT).text)
                self._word("TIMES")
                return Repeats(times)
            case "START":
                self._advance()
                start = _instant(self._expect(Form.TIME, Form.STRING))
                self._word("STOP")
                return Between(start, _instant(self._expect(Form.TIME, Form.STRING)))
            case _:
                return None

    def _comparison(self) -> Comparison:
        at = self._token.at
        negated = self._optional("NOT")
        if self._optional("EXISTS"):
            return Comparison(self._path(), Op.EXISTS, negated, (), at)
        if negated:
            self._fail("expected EXISTS")
        path = self._path()
        negated = self._optional("NOT")
        op = self._operator()
        return Comparison(path, op, negated, self._literals(op), at)

    def _path(self) -> str:
        return _BLANKS_OR_TEXT.sub(lambda found: found[1] or "", self._expect(Form.PATH).text)

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
        if self._token.text == ")":
            self._advance()
            return ()
        values = [self._literal(op)]
        while self._token.text == ",":
            self._advance()
            values.append(self._literal(op))
        self._mark(")")
        return tuple(values)

    def _literal(self, op: Op) -> Literal:
        self._values += 1
        if self._values > MAX_VALUES:
            self._fail(f"more than {MAX_VALUES} values")
        token = self._token
        if op in _STRING_OPERATORS and token.form is not Form.STRING:
            self._fail("expected a text in quotes")
        if op in _ORDER_OPERATORS and token.form is Form.WORD:
            self._fail("expected a value that has an order")
        self._advance()
        return _value(token)

    def _advance(self) -> None:
        if self._token.form is Form.END:
            self._fail("the pattern ends too early")
        self._token = next(self._tokens)

    def _expect(self, *forms: Form) -> Token:
        token = self._token
        if token.form not in forms:
            self._fail(f"expected {' or '.join(forms)}")
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

    def _fail(self, message: str) -> NoReturn:
        found = repr(self._token.text[:40]) if self._token.text else "the end"
        raise InvalidInput.at(f"character {self._token.at}", f"{message}, found {found}")


def _value(token: Token) -> Literal:
    match token.form:
        case Form.STRING:
            return unquote(token.text)
        case Form.INT:
            return int(token.text)
        case Form.FLOAT:
            return float(token.text)
        case Form.HEX | Form.BASE64:
            return _bytes(token)
        case Form.TIME:
            return _instant(token)
        case Form.WORD if token.text in {"true", "false"}:
            return token.text == "true"
        case _:
            raise InvalidInput.at(f"character {token.at}", f"expected a value, found {token.text[:40]!r}")


def unquote(text: str) -> str:
    """Return what a literal in quotes means: only the quote and the backslash are escaped, by a backslash."""
    return _ESCAPE.sub(r"\1", text[1:-1]) if "\\" in text else text[1:-1]


def _bytes(token: Token) -> bytes:
    text = token.text[2:-1]
    try:
        return unhexlify(text) if token.form is Form.HEX else b64decode(text, validate=True)
    except ValueError as err:
        raise InvalidInput.at(f"character {token.at}", f"{text[:40]!r} is not {token.form}") from err


def _instant(token: Token) -> datetime:
    text = unquote(token.text.removeprefix("t"))
    try:
        if _TIME.fullmatch(text):
            return datetime.fromisoformat(text)
    except ValueError:
        pass
    raise InvalidInput.at(f"character {token.at}", f"{text[:40]!r} is not a time in UTC")
