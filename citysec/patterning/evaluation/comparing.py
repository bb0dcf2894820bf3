"""Comparison operators: whether a value found in an object is what a pattern asks for.

Types that cannot be compared are unequal and in no order; `NOT` turns any answer round.

Source:
    STIX 2.1 §9.2 (which types compare), §9.6.1 (operators), §9.6.2 (strings by code point; NFC for LIKE and MATCHES),
    §9.6.3 and §9.6.4 (octets, also against strings of code points below U+0100).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, TypeVar

from citysec import blocks
from citysec.errors import InvalidInput
from citysec.patterning import literals, regex
from citysec.patterning.evaluation.paths import Value
from citysec.patterning.syntax import Comparison, Literal, NoTime, Op

Fits = Callable[[Value], bool]
_Sign = Callable[[Value], int | None]
_Sortable = TypeVar("_Sortable", str, bytes, float, datetime)
_SIGNS: Final = {Op.LT: (-1,), Op.LE: (-1, 0), Op.GT: (1,), Op.GE: (1, 0)}


def fits(comparison: Comparison) -> tuple[Fits, int]:
    """Return what tells whether a value passes `comparison`, and the size of its expression, 0 where it has none.

    The former raises InvalidInput for a text that is compared with a time and is none.

    Raises:
        InvalidInput: a constant is none: a time in no calendar, a block that is none.
        NotEvaluable: an expression that RE2 does not know.
    """
    try:
        positive = _fits(comparison.op, comparison.values)
    except InvalidInput as err:
        raise type(err).at(f"character {comparison.at}", str(err)) from err
    size = positive.finds.size if isinstance(positive, _FoundBy) else 0
    return (_negated(positive) if comparison.negated else positive), size


def _negated(positive: Fits) -> Fits:
    return lambda value: not positive(value)


def _fits(op: Op, values: Sequence[Literal]) -> Fits:
    match op:
        case Op.EXISTS:
            return lambda _: True
        case Op.EQ | Op.IN:
            return _among(values)
        case Op.NE:
            return _negated(_among(values))
        case Op.LT | Op.LE | Op.GT | Op.GE:
            return _in_order(values[0], _SIGNS[op])
        case Op.LIKE:
            return _FoundBy(regex.liking(regex.composed(str(values[0]))))
        case Op.MATCHES:
            return _FoundBy(regex.matching(regex.composed(str(values[0]))))
        case Op.ISSUBSET | Op.ISSUPERSET:
            return _subset(str(values[0])) if op is Op.ISSUBSET else _superset(str(values[0]))


def _among(values: Sequence[Literal]) -> Fits:
    """Return what tells whether a value equals one of `values`, which are of one type."""
    match values[0] if values else "":
        case str() | bytes():
            written = frozenset(form for value in values for form in _forms(value))
            return lambda value: isinstance(value, (str, bytes)) and value in written
        case bool():
            flags = frozenset(values)
            return lambda value: isinstance(value, bool) and value in flags
        case int() | float():
            numbers = frozenset(values)
            return lambda value: isinstance(value, (int, float)) and not isinstance(value, bool) and value in numbers
        case datetime() | NoTime():
            instants = frozenset(map(_constant, values))
            return lambda value: isinstance(value, str) and _instant(value) in instants


def _forms(value: Literal) -> tuple[str | bytes, ...]:
    """Return a string or octets as both."""
    match value:
        case str():
            octets = _octets(value)
            return (value,) if octets is None else (value, octets)
        case bytes():
            return (value, value.decode("latin-1"))
        case _:
            return ()


def _octets(text: str) -> bytes | None:
    try:
        return text.encode("latin-1")
    except UnicodeEncodeError:
        return None


def _instant(text: str) -> datetime:
    found = literals.instant(text)
    if not isinstance(found, datetime):
        raise InvalidInput.at("", f"{text[:40]!r} is compared with a time and is none")
    return found


def _constant(value: Literal) -> datetime:
    if not isinstance(value, datetime):
        written = value.text if isinstance(value, NoTime) else value
        raise InvalidInput.at("", f"{written!r} is in no calendar")
    return value


def _in_order(constant: Literal, signs: Sequence[int]) -> Fits:
    sign = _sign_to(constant)
    return lambda value: sign(value) in signs


def _sign_to(constant: Literal) -> _Sign:
    """Return what gives -1, 0 or 1 for what is below, equal to or above `constant`, None for what is neither."""
    match constant:
        case str():
            return _text_order(constant, _octets(constant))
        case bytes():
            return _octet_order(constant)
        case int() | float():
            number = constant
            return lambda value: (
                _sign(value, number) if isinstance(value, (int, float)) and not isinstance(value, bool) else None
            )
        case datetime() | NoTime():
            time = _constant(constant)
            return lambda value: _sign(_instant(value), time) if isinstance(value, str) else None


def _text_order(text: str, octets: bytes | None) -> _Sign:
    def sign(value: Value) -> int | None:
        match value:
            case str():
                return _sign(value, text)
            case bytes():
                return None if octets is None else _sign(value, octets)
            case _:
                return None

    return sign


def _octet_order(octets: bytes) -> _Sign:
    def sign(value: Value) -> int | None:
        found = _octets(value) if isinstance(value, str) else value
        return _sign(found, octets) if isinstance(found, bytes) else None

    return sign


def _sign(left: _Sortable, right: _Sortable) -> int:
    return (left > right) - (left < right)


@dataclass(frozen=True, slots=True)
class _FoundBy:
    """Tells whether an expression finds what it asks for in a value."""

    finds: regex.Finder

    def __call__(self, value: Value) -> bool:
        match value:
            case str():
                return self.finds(regex.composed(value))
            case bytes():
                return self.finds(value)
            case _:
                return False


def _subset(block: str) -> Fits:
    family, prefix, number = blocks.block(block)

    def fits(value: Value) -> bool:
        inner = _block(value)
        return inner is not None and inner[0] == family and inner[1] >= prefix and _cut(inner, prefix) == number

    return fits


def _superset(block: str) -> Fits:
    inner = blocks.block(block)

    def fits(value: Value) -> bool:
        outer = _block(value)
        return outer is not None and outer[0] == inner[0] and outer[1] <= inner[1] and _cut(inner, outer[1]) == outer[2]

    return fits


def _block(value: Value) -> tuple[int, int, int] | None:
    try:
        return blocks.block(value) if isinstance(value, str) else None
    except InvalidInput:
        return None


def _cut(block: tuple[int, int, int], prefix: int) -> int:
    """Return the first address of what has length `prefix` and contains `block`."""
    rest = blocks.BITS[block[0]] - prefix
    return block[2] >> rest << rest
