"""Conditions of CACAO steps: parsed once into postfix order, decided against variables.

The grammar is the comparison expression of STIX patterning with a variable where STIX has an object path: AND binds
tighter than OR, NOT negates one comparison or one parenthesis. Values are data; they never become part of the text.

Source:
    CACAO 2.0 §4.8-4.10 ("a boolean expression as defined in the STIX Patterning Grammar"); STIX 2.1 §9.6. That the
    declared type of the variable decides how values compare, is our rule.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, TypeAlias, cast

from citysec.playbooks.compare import ConditionError, regex, related
from citysec.playbooks.variables import Lookup, VariableFault

MAX_LENGTH: Final = 64 * 1024

_TOKEN: Final = re.compile(
    r"""\s*(?:
      (?P<string>'(?:[^'\\]|\\['\\])*')
    | (?P<variable>__[a-zA-Z_][a-zA-Z0-9_.-]*?__:value\b)
    | (?P<number>[+-]?\d+(?:\.\d+)?(?![\w.:-]))
    | (?P<operator><=|>=|!=|==|<>|=|<|>)
    | (?P<mark>[(),])
    | (?P<word>[^\s'()=<>!,]+)
    )""",
    re.VERBOSE | re.ASCII,
)
_KEYWORDS: Final = frozenset({"AND", "OR", "NOT", "IN", "LIKE", "MATCHES", "ISSUBSET", "ISSUPERSET"})
_ESCAPED: Final = re.compile(r"\\(['\\])")


class Join(StrEnum):
    """What combines comparisons, in postfix order."""

    AND = "AND"
    OR = "OR"
    NOT = "NOT"


@dataclass(frozen=True, slots=True)
class Reference:
    """A variable, by name."""

    name: str


@dataclass(frozen=True, slots=True)
class Literal:
    """A constant; `kind` is `string`, `number`, `bool` or, outside the grammar, `bare`."""

    kind: str
    text: str


Operand: TypeAlias = "Reference | Literal"


@dataclass(frozen=True, slots=True)
class Comparison:
    """`left` compared with each of `right`; only `IN` has more than one."""

    left: Operand
    operator: str
    right: tuple[Operand, ...]
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Condition:
    """A parsed condition. `lenient` says that the text has literals without quotes, which the grammar does not know."""

    postfix: tuple[Comparison | Join, ...]
    lenient: bool

    def variables(self) -> Iterator[str]:
        """Yield the name of each variable the condition reads."""
        for part in self.postfix:
            if isinstance(part, Comparison):
                yield from (o.name for o in (part.left, *part.right) if isinstance(o, Reference))


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    at: int


_END: Final = "end"


def _tokens(text: str) -> list[_Token]:
    found: list[_Token] = []
    at = 0
    end = len(text.rstrip())
    while at < end:
        match = _TOKEN.match(text, at)
        if match is None or match.lastgroup is None:
            raise ConditionError("cannot read the text", at)
        found.append(_classified(match.lastgroup, match[match.lastgroup], match.start(match.lastgroup)))
        at = match.end()
    return [*found, _Token(_END, "", len(text))]


def _classified(group: str, text: str, at: int) -> _Token:
    if group == "word" and text in _KEYWORDS:
        return _Token("keyword", text, at)
    if group == "word" and text.lower() in ("true", "false"):
        return _Token("bool", text.lower(), at)
    return _Token(group, text, at)


class _Parser:
    """Reads tokens from left to right; operators wait on a stack, so depth costs memory and never recursion."""

    def __init__(self, text: str) -> None:
        self._tokens = _tokens(text)
        self._next = 0
        self._output: list[Comparison | Join] = []
        self._waiting: list[Join | None] = []  # None is an opening parenthesis
        self._lenient = False

    def parse(self) -> Condition:
        while True:
            self._primary()
            if not self._joined():
                return Condition(tuple(self._output), self._lenient)

    def _take(self) -> _Token:
        token = self._tokens[self._next]
        self._next += token.kind != _END
        return token

    def _takes(self, kind: str, text: str) -> bool:
        token = self._tokens[self._next]
        if (token.kind, token.text) != (kind, text):
            return False
        self._next += 1
        return True

    def _primary(self) -> None:
        """Read what may stand between AND and OR, up to and with its first comparison."""
        while True:
            if self._takes("keyword", "NOT"):
                self._waiting.append(Join.NOT)
            elif self._takes("mark", "("):
                self._waiting.append(None)
            else:
                self._output.append(self._comparison())
                self._negate()
                return

    def _joined(self) -> bool:
        """Close parentheses, then read AND or OR; False at the end of the text."""
        while self._takes("mark", ")"):
            self._release(None)
            if not self._waiting:
                raise ConditionError("a parenthesis was never opened", self._tokens[self._next - 1].at)
            self._waiting.pop()
            self._negate()
        token = self._take()
        if token.kind == _END:
            self._release(None)
            if self._waiting:
                raise ConditionError("a parenthesis is not closed", token.at)
            return False
        if token.kind != "keyword" or token.text not in ("AND", "OR"):
            raise ConditionError(f"expected AND or OR, found {token.text!r}", token.at)
        join = Join(token.text)
        self._release(join)
        self._waiting.append(join)
        return True

    def _release(self, coming: Join | None) -> None:
        """Move to the output what binds at least as tight as `coming`; None releases all up to a parenthesis."""
        while self._waiting and self._waiting[-1] is not None:
            if coming is Join.AND and self._waiting[-1] is Join.OR:
                return
            self._output.append(cast("Join", self._waiting.pop()))

    def _negate(self) -> None:
        while self._waiting and self._waiting[-1] is Join.NOT:
            self._waiting.pop()
            self._output.append(Join.NOT)

    def _comparison(self) -> Comparison:
        left = self._operand()
        token = self._take()
        if token.kind == "operator":
            same = {"==": "=", "<>": "!="}.get(token.text, token.text)
            return Comparison(left, same, (self._operand(),))
        negated = (token.kind, token.text) == ("keyword", "NOT")
        if negated:
            token = self._take()
        if token.kind != "keyword" or token.text in ("AND", "OR", "NOT"):
            raise ConditionError(f"expected a comparison, found {token.text or 'the end'!r}", token.at)
        right = self._members() if token.text == "IN" else (self._text(token.text),)
        return Comparison(left, token.text, right, negated)

    def _operand(self) -> Operand:
        token = self._take()
        match token.kind:
            case "variable":
                return Reference(token.text.removesuffix(":value"))
            case "string":
                return Literal("string", _ESCAPED.sub(r"\1", token.text[1:-1]))
            case "number" | "bool":
                return Literal(token.kind, token.text)
            case "word":
                self._lenient = True
                return Literal("bare", token.text)
            case _:
                raise ConditionError(f"expected a variable or a literal, found {token.text or 'the end'!r}", token.at)

    def _members(self) -> tuple[Operand, ...]:
        if not self._takes("mark", "("):
            raise ConditionError("IN needs a list in parentheses", self._tokens[self._next].at)
        members = [self._operand()]
        while self._takes("mark", ","):
            members.append(self._operand())
        if not self._takes("mark", ")"):
            raise ConditionError("the list of IN is not closed", self._tokens[self._next].at)
        return tuple(members)

    def _text(self, keyword: str) -> Literal:
        token = self._tokens[self._next]
        operand = self._operand()
        if not isinstance(operand, Literal) or operand.kind != "string":
            raise ConditionError(f"{keyword} needs a text in quotes", token.at)
        if keyword == "MATCHES":
            regex(operand.text)
        return operand


def parse(text: str) -> Condition:
    """Return the condition that `text` writes.

    Raises:
        ConditionError: it writes none; the message names the character.
    """
    if len(text) > MAX_LENGTH:
        raise ConditionError(f"longer than {MAX_LENGTH} characters")
    return _Parser(text).parse()


def holds(condition: Condition, lookup: Lookup) -> bool:
    """Return whether `condition` is true of the variables that `lookup` finds.

    Raises:
        ConditionError: a value cannot be compared as the type of the variable asks.
        VariableFault: `undefined_variable`, a name that nobody declared.
    """
    stack: list[bool] = []
    for part in condition.postfix:
        if isinstance(part, Comparison):
            stack.append(_compared(part, lookup))
        elif part is Join.NOT:
            stack.append(not stack.pop())
        else:
            right, left = stack.pop(), stack.pop()
            stack.append((left and right) if part is Join.AND else (left or right))
    return stack.pop()


def _compared(comparison: Comparison, lookup: Lookup) -> bool:
    left_type, left = _value(comparison.left, lookup)
    rest = [_value(operand, lookup) for operand in comparison.right]
    declared = left_type or next((kind for kind, _ in rest if kind), None) or _literal_type(comparison)
    name = "=" if comparison.operator == "IN" else comparison.operator
    return any(related(name, declared, left, right) for _, right in rest) != comparison.negated


def _value(operand: Operand, lookup: Lookup) -> tuple[str | None, str | None]:
    """Return the declared type, None for a literal, and the value."""
    if isinstance(operand, Literal):
        return None, operand.text
    variable = lookup(operand.name)
    if variable is None:
        raise VariableFault("undefined_variable", f"{operand.name} is not declared here")
    return variable.type, variable.value


def _literal_type(comparison: Comparison) -> str:
    kinds = {o.kind for o in (comparison.left, *comparison.right) if isinstance(o, Literal)}
    return "float" if kinds == {"number"} else "bool" if kinds == {"bool"} else "string"
