"""How two values compare, as the declared type of a variable asks.

Source:
    STIX 2.1 §9.6.1 for the operators. Types of CACAO 2.0 §10.18.2 decide: numbers compare as numbers, addresses as
    addresses, hashes without regard to case, everything else as text by code point. Null equals nothing, the empty
    text only itself.
"""

from __future__ import annotations

import operator
import unicodedata
from collections.abc import Callable, Mapping
from decimal import Decimal
from ipaddress import ip_interface, ip_network
from typing import Final, Protocol, TypeAlias, cast

import re2

from citysec.playbooks.variables import number


class ConditionError(ValueError):
    """The text is no condition, or its values cannot be compared; `at` is the character where it went wrong."""

    def __init__(self, message: str, at: int | None = None) -> None:
        self.at = at
        super().__init__(message if at is None else f"{message} at character {at + 1}")


def related(name: str, declared: str, left: str | None, right: str | None) -> bool:
    """Return whether the operator `name` holds between two values of type `declared`.

    Raises:
        ConditionError: a value is not of that type, or the type has no such comparison.
    """
    if left is None or right is None:
        return name == "!="
    if name in _TEXTUAL:
        return _TEXTUAL[name](left, right)
    if not left or not right:  # "known to be empty" equals itself only, whatever the type
        return name in ("=", "!=") and (left == right) == (name == "=")
    if name not in ("=", "!=") and declared == "bool":
        raise ConditionError("true and false have no order")
    try:
        key = _KEYS.get(declared, str)
        return _ORDER[name](key(left), key(right))
    except ValueError as err:
        raise ConditionError(f"cannot compare as {declared}: {err}") from err


def _bool(text: str) -> bool:
    if text.lower() not in ("true", "false"):
        raise ValueError(f"{text[:60]!r} is neither true nor false")
    return text.lower() == "true"


def _address(text: str) -> tuple[int, int, int]:
    found = ip_interface(text)
    return found.version, int(found.ip), found.network.prefixlen


def _mac(text: str) -> str:
    return text.lower().replace("-", ":")


_Key: TypeAlias = "Decimal | bool | tuple[int, int, int] | str"
_KEYS: Final[Mapping[str, Callable[[str], _Key]]] = {
    **dict.fromkeys(("integer", "long", "float"), number),
    **dict.fromkeys(("ipv4-addr", "ipv6-addr"), _address),
    **dict.fromkeys(("uuid", "hash", "md5-hash", "sha256-hash"), str.lower),
    "bool": _bool,
    "mac-addr": _mac,
}
_ORDER: Final[Mapping[str, Callable[[_Key, _Key], bool]]] = {
    "=": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


class Searchable(Protocol):
    """A compiled regular expression."""

    def search(self, text: str) -> object | None:
        """Return what was found, None where nothing was."""
        ...


class _Re2(Protocol):
    """What we use of google-re2, which comes without types."""

    error: type[Exception]

    def compile(self, pattern: str, options: re2.Options) -> Searchable: ...
    def escape(self, pattern: str) -> str: ...


_re2: Final = cast("_Re2", re2)


def regex(pattern: str) -> Searchable:
    """Return `pattern` compiled by RE2, whose search takes time linear in the text.

    Raises:
        ConditionError: RE2 does not accept it.
    """
    options = re2.Options()
    options.log_errors = False
    try:
        return _re2.compile(pattern, options)
    except _re2.error:
        raise ConditionError(f"RE2 does not accept the regular expression {pattern[:60]!r}") from None


def _matches(text: str, pattern: str) -> bool:
    return regex(pattern).search(text) is not None


def _like(text: str, pattern: str) -> bool:
    wild = {"%": ".*", "_": "."}
    body = "".join(wild.get(c) or _re2.escape(c) for c in unicodedata.normalize("NFC", pattern))
    return _matches(unicodedata.normalize("NFC", text), rf"(?s)\A{body}\z")


def _inside(inner: str, outer: str) -> bool:
    try:
        small, large = ip_network(inner, strict=False), ip_network(outer, strict=False)
    except ValueError as err:
        raise ConditionError(f"cannot compare as addresses: {err}") from err
    if small.version != large.version or small.prefixlen < large.prefixlen:
        return False
    spare = large.max_prefixlen - large.prefixlen
    return int(small.network_address) >> spare == int(large.network_address) >> spare


_TEXTUAL: Final[Mapping[str, Callable[[str, str], bool]]] = {
    "LIKE": _like,
    "MATCHES": _matches,
    "ISSUBSET": _inside,
    "ISSUPERSET": lambda outer, inner: _inside(inner, outer),
}
