"""Warning lists in the form of MISP: values that are well known, so that an indicator of one is likely a mistake.

A list is no feed: what is on it is claimed by nobody. Hence a function of its own, and no entry.

Source:
    The schema of misp-warninglists (`schema.json`); MISP's own matching for what the types mean: `string` is the whole
    value, `substring` any part of it, `hostname` a name and all below it, `cidr` a block and all in it, `regex` a
    search. That a `string` with a leading dot means all below a name is our reading: exactly it is nobody's value.
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Any, Final

import msgspec

from citysec import observable
from citysec.errors import InvalidInput
from citysec.feeds.formats.documents import MALFORMED, excerpt
from citysec.feeds.formats.draft import Reject
from citysec.feeds.formats.members import number, text, texts
from citysec.patterning import regex

_DELIMITED: Final = re.compile(r"([/#~@])(.*)\1([a-zA-Z]*)", re.DOTALL)
_FLAGS: Final = frozenset("ims")


class ListType(StrEnum):
    """How a value is compared with the entries of a list."""

    CIDR = "cidr"
    HOSTNAME = "hostname"
    STRING = "string"
    SUBSTRING = "substring"
    REGEX = "regex"


class Listed(msgspec.Struct, frozen=True, gc=False):
    """An entry of a warning list.

    Args:
        text: as it is written.
        type: how it is compared: the list's type, or `hostname` for a name with a leading dot.
        key: what to compare with: the key of a block or name (`observable`), an expression for RE2, else the text in
            lower case.
    """

    text: str
    type: ListType
    key: str


class WarningList(msgspec.Struct, frozen=True):
    """A warning list.

    Args:
        name: of the list.
        type: how its entries are compared.
        version: greater is newer.
        description: what its entries are.
        category: `False positive` or `Known identifier`, where the list says so.
        matching_attributes: the MISP types of the values that it is about; all when empty.
        entries: each once, in the list's order.
        rejects: entries that are none of the list's type.
    """

    name: str
    type: ListType
    version: int | None
    description: str | None
    category: str | None
    matching_attributes: tuple[str, ...]
    entries: tuple[Listed, ...]
    rejects: tuple[Reject, ...]


class _Written(msgspec.Struct):
    name: str
    type: ListType
    values: list[Any] = msgspec.field(name="list")
    version: Any = None
    description: Any = None
    category: Any = None
    matching_attributes: Any = None


_written: Final = msgspec.json.Decoder(_Written)


def parse(body: bytes) -> WarningList:
    """Return the warning list that `body` is.

    Raises:
        InvalidInput: it is none.
    """
    try:
        found = _written.decode(body.removeprefix(b"\xef\xbb\xbf"))
    except MALFORMED as err:
        raise InvalidInput.at("", f"this is no warning list: {err}") from err
    read = [_entry(value, f"/list/{place}", found.type) for place, value in enumerate(found.values)]
    version = number(found.version)
    return WarningList(
        name=text(found.name) or "",
        type=found.type,
        version=None if version is None else int(version),
        description=text(found.description),
        category=text(found.category),
        matching_attributes=texts(found.matching_attributes),
        entries=tuple(dict.fromkeys(one for one in read if isinstance(one, Listed))),
        rejects=tuple(one for one in read if isinstance(one, Reject)),
    )


def _entry(value: object, at: str, type_: ListType) -> Listed | Reject:
    try:
        if (written := text(value)) is None:
            raise InvalidInput.at("", "an entry is a text")
        return _listed(written, type_)
    except InvalidInput as err:
        return Reject(at, str(err), excerpt(repr(value)[:1000]))


def _listed(written: str, type_: ListType) -> Listed:
    match type_:
        case ListType.CIDR:
            return Listed(written, type_, observable.network(written).key)
        case ListType.HOSTNAME:
            return Listed(written, type_, observable.domain_name(written.lstrip("*.")).key)
        case ListType.STRING if written.startswith("."):
            return Listed(written, ListType.HOSTNAME, observable.domain_name(written[1:]).key)
        case ListType.STRING | ListType.SUBSTRING:
            return Listed(written, type_, written.lower())
        case ListType.REGEX:
            return Listed(written, type_, _expression(written))


def _expression(written: str) -> str:
    """Return an expression of PCRE, in its delimiters, as RE2 takes it.

    Raises:
        InvalidInput: RE2 does not.
    """
    delimited = _DELIMITED.fullmatch(written)
    flags = "".join(sorted(_FLAGS & set(delimited[3]))) if delimited else ""
    expression = delimited[2] if delimited else written
    found = f"(?{flags}){expression}" if flags else expression
    regex.matches(found).check()
    return found
