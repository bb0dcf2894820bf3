"""CACAO variables: what a value of a declared type looks like, and how references become values.

Source:
    CACAO 2.0 §10.18. That values are checked against their type whenever they are set, and that substitution is one
    pass whose results are never expanded again, is our rule: the standard is silent.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from ipaddress import AddressValueError, IPv4Address, IPv6Address, NetmaskValueError
from typing import Final, TypeAlias

MAX_VALUE: Final = 256 * 1024
MAX_RENDERED: Final = 1024 * 1024
REFERENCE: Final = re.compile(r"(__[a-zA-Z_][a-zA-Z0-9_.-]{0,199}__):value", re.ASCII)


@dataclass(frozen=True, slots=True)
class Variable:
    """A declared variable. `value` None means not known, which is not the same as known to be empty.

    `constant` must not change; `external` gets its first value from whoever starts the playbook.
    """

    type: str
    value: str | None = None
    constant: bool = False
    external: bool = False


Scope: TypeAlias = Mapping[str, Variable]
Lookup: TypeAlias = Callable[[str], Variable | None]


class VariableFault(Exception):
    """A reference or a value cannot be used; `kind` is the failure of the step that wanted it."""

    def __init__(self, kind: str, message: str) -> None:
        self.kind, self.message = kind, message
        super().__init__(message)


def _parses(parse: Callable[[str], object], value: str) -> bool:
    try:
        parse(value)
    except (ValueError, AddressValueError, NetmaskValueError):
        return False
    return True


def number(value: str) -> Decimal:
    """Return the finite number that `value` writes.

    Raises:
        ValueError: it writes none.
    """
    try:
        parsed = Decimal(value)
    except InvalidOperation:
        raise ValueError(f"{value[:60]!r} is not a number") from None
    if not parsed.is_finite() or abs(parsed.adjusted()) > 400:
        raise ValueError(f"{value[:60]!r} is not a finite number")
    return parsed


def _pattern(pattern: str) -> Callable[[str], bool]:
    compiled = re.compile(pattern, re.ASCII)
    return lambda value: compiled.fullmatch(value) is not None


_FITS: Final[Mapping[str, Callable[[str], bool]]] = {
    "integer": _pattern(r"[+-]?\d{1,1000}"),
    "long": _pattern(r"[+-]?\d{1,1000}"),
    "float": lambda value: _parses(number, value),
    "bool": _pattern(r"(?i:true|false)"),
    "ipv4-addr": lambda value: _parses(IPv4Address, value.partition("/")[0]) and _prefix(value, 32),
    "ipv6-addr": lambda value: _parses(IPv6Address, value.partition("/")[0]) and _prefix(value, 128),
    "mac-addr": _pattern(r"[0-9a-fA-F]{2}([:-][0-9a-fA-F]{2}){5}"),
    "uuid": _pattern(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"),
    "hexstring": _pattern(r"([0-9a-fA-F]{2})*"),
    "hash": _pattern(r"[0-9a-fA-F]{8,256}"),
    "md5-hash": _pattern(r"[0-9a-fA-F]{32}"),
    "sha256-hash": _pattern(r"[0-9a-fA-F]{64}"),
    "uri": _pattern(r"[a-zA-Z][a-zA-Z0-9+.-]*:[^\s]*"),
}


def _prefix(value: str, most: int) -> bool:
    _, slash, length = value.partition("/")
    return not slash or (length.isascii() and length.isdigit() and len(length) < 4 and int(length) <= most)


def fits(declared: str, value: str) -> bool:
    """Return whether `value` may be held by a variable of type `declared`.

    The vocabulary of types is open; a type that nobody here knows holds any text. The empty text is legal for every
    type: it says "known to be empty".
    """
    check = _FITS.get(declared)
    return len(value) <= MAX_VALUE and (not value or check is None or check(value))


def assigned(variable: Variable, value: str | None) -> Variable:
    """Return `variable` with `value`.

    Raises:
        VariableFault: `variable_type_mismatch`, or `constant_variable`.
    """
    if variable.constant and value != variable.value:
        raise VariableFault("constant_variable", "the variable is constant")
    if value is not None and not fits(variable.type, value):
        raise VariableFault("variable_type_mismatch", f"{value[:60]!r} is not of type {variable.type}")
    return Variable(variable.type, value, variable.constant, variable.external)


def references(text: str) -> list[str]:
    """Return the names of the variables that `text` refers to, in order, with repetitions."""
    return REFERENCE.findall(text)


def substituted(text: str, lookup: Lookup) -> str:
    """Return `text` with every reference replaced by its value, in one pass from left to right.

    Raises:
        VariableFault: `undefined_variable` where a name is not declared or has no value, `too_large` where the result
            is longer than `MAX_RENDERED` characters.
    """
    rendered = REFERENCE.sub(lambda found: value_of(found[1], lookup), text)
    if len(rendered) > MAX_RENDERED:
        raise VariableFault("too_large", f"more than {MAX_RENDERED} characters after substitution")
    return rendered


def value_of(name: str, lookup: Lookup) -> str:
    """Return the value of the variable `name`.

    Raises:
        VariableFault: `undefined_variable`.
    """
    variable = lookup(name)
    if variable is None:
        raise VariableFault("undefined_variable", f"{name} is not declared here")
    if variable.value is None:
        raise VariableFault("undefined_variable", f"{name} has no value")
    return variable.value
