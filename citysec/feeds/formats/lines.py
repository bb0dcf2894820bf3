"""Lists: one observable a line, as plain text, as a hosts file, or as Adblock rules."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Annotated, Any, BinaryIO, Final

import msgspec
from msgspec import Meta

from citysec.errors import InvalidInput
from citysec.feeds.formats.draft import Entry, Item, rejected
from citysec.feeds.formats.format import Format
from citysec.feeds.formats.refusal import readable
from citysec.feeds.formats.spellings import blocks, several
from citysec.feeds.formats.text import LOST, MAX_LINE, lines
from citysec.feeds.formats.values import Reader, Value, reader, value
from citysec.observable import Kind

NO_HOST: Final = "a path without a host is no observable"
EXCEPTION: Final = "an exception, which lists nothing"
_SINKS: Final = frozenset({"0.0.0.0", "127.0.0.1", "255.255.255.255", "::", "::1", "fe80::1%lo0"})  # noqa: S104
_OWN: Final = re.compile(r"local|localhost(?:\.localdomain)?|broadcasthost|ip6-\w+|0\.0\.0\.0", re.IGNORECASE)
_HEADER: Final = re.compile(r"\[[A-Za-z][^\]:]*\]")
_HASHES: Final = frozenset({Kind.HASH, Kind.CERTIFICATE})
_REMARK: Final = re.compile(r"\s(?:[#;]|//).*")
_address: Final = reader((Kind.IP,))
_RULE: Final = re.compile(r"\|\|?([^|^$#]+)[|^]?(\$[^|^]*)?")
_CONDITION: Final = re.compile(r"[$,](?:domain|from|to|denyallow|dnsrewrite|client|ctag|redirect|csp|removeparam)=")


class RuleOptions(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How a hosts file or a list of rules is read.

    Args:
        kinds: of which kinds its lines can be; of any when left out.
        comments: what lines of no interest begin with; by the kind of list when left out.
        threat: whom or what its lines belong to; for every line.
    """

    kinds: tuple[Kind, ...] = ()
    comments: tuple[Annotated[str, Meta(min_length=1)], ...] | None = None
    threat: str | None = None

    def __post_init__(self) -> None:
        try:
            reader(self.kinds)
        except InvalidInput as err:
            raise ValueError(f"kinds: {err}") from err


class ListOptions(RuleOptions, frozen=True, forbid_unknown_fields=True):
    """How a plain list is read.

    Args:
        column: which field of a line holds the observable, from 1. When left out, a line is one field, but for a
            number or a remark behind an address or a hash.
        separator: between the fields; blanks when left out.
    """

    column: Annotated[int, Meta(ge=1, le=1000)] | None = None
    separator: Annotated[str, Meta(min_length=1)] | None = None


Take = Callable[[str, Reader], Sequence[Value]]
"""Returns the observables of a line; raises `InvalidInput` when it has none."""


def _read_list(file: BinaryIO, options: ListOptions) -> Iterator[Item]:
    take = _take_plain if options.column is None else partial(_take_column, options.column, options.separator)
    return _read(take, ("#", ";", "!", "//"), file, options)


def _read(take: Take, comments: tuple[str, ...], file: BinaryIO, options: RuleOptions) -> Iterator[Item]:
    found = _items(file, options, take, comments if options.comments is None else options.comments)
    return readable(found, harmless=(NO_HOST, EXCEPTION))


def _items(file: BinaryIO, options: RuleOptions, take: Take, comments: tuple[str, ...]) -> Iterator[Item]:
    read = reader(options.kinds)
    for number, line in lines(file):
        text = line.strip()
        if not text or text.startswith(comments) or (text[0] == "[" and _HEADER.fullmatch(text)):
            continue
        try:
            for found in _values(text, take, read):
                yield _entry(f"line {number}", found, options)
        except InvalidInput as err:
            yield rejected(f"line {number}", err, text.encode())


def _values(text: str, take: Take, read: Reader) -> Sequence[Value]:
    if len(text) > MAX_LINE:
        raise InvalidInput.at("", f"longer than {MAX_LINE} characters")
    if LOST in text:
        raise InvalidInput.at("", "it is not UTF-8")
    return take(text, read)


def _entry(at: str, found: Value, options: RuleOptions) -> Entry:
    facts: dict[str, Any] = {} if found.port is None else {"port": found.port}
    return Entry(at=at, key=found.pattern, name=options.threat, facts=facts, observables=found.observables)


def _take_plain(text: str, read: Reader) -> Sequence[Value]:
    """Return what a line of a plain list names; lines of hosts files and Adblock rules are known by their form."""
    if text.startswith(("||", "@@")):
        return _take_rule(text, read)
    if text[0] == "/":
        raise InvalidInput.at("", NO_HOST)
    fields = text.split()
    if len(fields) > 1:
        text = _REMARK.sub("", text)
        fields = text.split()
    if len(fields) == 1:
        return several(_plain_name(text), read)
    return _take_hosts(text, read) if fields[0] in _SINKS else _take_first(text, fields, read)


def _take_first(text: str, fields: Sequence[str], read: Reader) -> Sequence[Value]:
    """Return what a line of several fields begins with, where the rest can only be a remark or the end of a range."""
    if "-" in text and (parts := blocks(text)):
        return [read(part) for part in parts]
    found = read(fields[0])
    if found.observable.kind in _HASHES or (found.observable.kind is Kind.IP and not _is_observable(fields[1])):
        return (found,)
    raise InvalidInput.at("", "several fields; say in `column` which one holds the observable")


def _is_observable(text: str) -> bool:
    try:
        return ("." in text or ":" in text) and bool(value(text))
    except InvalidInput:
        return False


def _take_column(column: int, separator: str | None, text: str, read: Reader) -> Sequence[Value]:
    fields = text.split(separator)
    if len(fields) < column:
        raise InvalidInput.at("", f"it has no field {column}")
    return several(_plain_name(fields[column - 1].strip()), read)


def _plain_name(text: str) -> str:
    """Return a name without the wildcard before it: names below it are not implied (docs/decisions.md)."""
    return text[2:] if text.startswith("*.") else text.removeprefix(".")


def _take_hosts(text: str, read: Reader) -> Sequence[Value]:
    """Return the names of a line of a hosts file, but for those that every such file begins with."""
    address, *names = _REMARK.sub("", text).split()
    _address(address.partition("%")[0])
    return [read(name) for name in names if _OWN.fullmatch(name) is None]


def _take_rule(text: str, read: Reader) -> Sequence[Value]:
    """Return what an Adblock rule blocks as a whole; a rule about parts of pages blocks nothing."""
    if text.startswith("@@") or text.endswith("badfilter"):
        raise InvalidInput.at("", EXCEPTION)
    rule = _RULE.fullmatch(text)
    if rule is None:
        raise InvalidInput.at("", "a rule that blocks no host as a whole")
    if rule[2] and _CONDITION.search(rule[2]):
        raise InvalidInput.at("", "a rule that holds on some pages only, or blocks nothing")
    return several(_plain_name(rule[1].rstrip("*")), read)


LIST: Final = Format("Lists: one address, block, name, URL, mail address or hash a line", _read_list, ListOptions)
HOSTS: Final = Format(
    "Hosts files: an address and the names it stands for", partial(_read, _take_hosts, ("#",)), RuleOptions
)
ADBLOCK: Final = Format("Adblock lists: rules such as ||name^", partial(_read, _take_rule, ("!",)), RuleOptions)
