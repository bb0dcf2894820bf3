"""What is on a warning list: its values in canonical form. Pure.

Source:
    MISP/misp-warninglists for the types of lists; draft-dulaunoy-misp-core-format §2.4.2 for the types of attributes.
    That a leading dot or `*.` means a name and all below it, whatever the type of list, is our rule.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import msgspec

from citysec import observable
from citysec.errors import InvalidInput
from citysec.observable import Kind, Observable
from citysec.patterning import regex

MAX_KEY_BYTES: Final = 2000
"""Longest key: PostgreSQL's indexes hold no more than 2,700 bytes."""


class Effect(StrEnum):
    """What becomes of a match whose value is on a list, the strongest first: none, one that is possible, a note."""

    SUPPRESS = "suppress"
    DEMOTE = "demote"
    ANNOTATE = "annotate"


class ListType(StrEnum):
    """How the values of a list are meant."""

    CIDR = "cidr"
    HOSTNAME = "hostname"
    STRING = "string"
    SUBSTRING = "substring"
    REGEX = "regex"


class EntryKind(StrEnum):
    """What a key of a list is: a value, a name with all below it (`tree`), or what to look for in values."""

    IP = Kind.IP
    NAME = Kind.NAME
    TREE = "tree"
    URL = Kind.URL
    MAILBOX = Kind.MAILBOX
    HASH = Kind.HASH
    CERTIFICATE = Kind.CERTIFICATE
    ASN = Kind.ASN
    SUBSTRING = "substring"
    REGEX = "regex"


class Entry(msgspec.Struct, frozen=True, gc=False):
    """One value of a list in canonical form: `key` is that of `citysec.observable`, text or an expression of RE2."""

    kind: EntryKind
    key: str


@dataclass(frozen=True, slots=True)
class Reading:
    """What could be read of a list's values, each once in their order, and why the others could not."""

    entries: tuple[Entry, ...]
    unread: Mapping[str, str]

    def without(self, value: str, reason: str) -> Reading:
        """Return the same with one more that could not be read."""
        return Reading(self.entries, {**self.unread, value: reason})


_Concerns = Collection[Kind]
_TREE: Final = (".", "*.")
_CONCERNS: Final[Mapping[str, Kind]] = {
    **dict.fromkeys(("ip-src", "ip-dst", "ip"), Kind.IP),
    **dict.fromkeys(("domain", "hostname"), Kind.NAME),
    **dict.fromkeys(("url", "uri", "link"), Kind.URL),
    **dict.fromkeys(
        (
            "email", "email-src", "email-dst", "email-reply-to", "dns-soa-email", "target-email",
            "whois-registrant-email",
        ),
        Kind.MAILBOX,
    ),
    **dict.fromkeys(("md5", "sha1", "sha224", "sha256", "sha384", "sha512", "ssdeep", "tlsh"), Kind.HASH),
    **dict.fromkeys(("x509-fingerprint-md5", "x509-fingerprint-sha1", "x509-fingerprint-sha256"), Kind.CERTIFICATE),
    "AS": Kind.ASN,
}  # fmt: skip
_SHORTEST: Final = "md5"
_SSDEEP: Final = re.compile(r"[0-9]{1,10}:[0-9A-Za-z+/]*:[0-9A-Za-z+/]*")
_DIGITS: Final = {32: _SHORTEST, 40: "sha-1", 56: "sha-224", 64: "sha-256", 96: "sha-384", 128: "sha-512"}


def concerns(attributes: Iterable[str]) -> frozenset[Kind]:
    """Return the kinds of values that a list with these `matching_attributes` speaks of; all, where it names none.

    Attributes of two values (`domain|ip`) are about both; types that say nothing about an asset are left out.
    """
    types = [part for attribute in attributes for part in attribute.split("|")]
    return frozenset(_CONCERNS[one] for one in types if one in _CONCERNS) if types else frozenset(_CONCERNS.values())


def read(type_: ListType, attributes: Iterable[str], values: Iterable[str]) -> Reading:
    """Return what is on a list.

    Args:
        type_: how the values are meant.
        attributes: its `matching_attributes`.
        values: as they are written.
    """
    about, reader = concerns(attributes), _READERS[type_]
    entries: dict[Entry, None] = {}
    unread: dict[str, str] = {}
    for value in values:
        try:
            entries[_bounded(reader(value, about))] = None
        except InvalidInput as err:
            unread[value] = str(err)
    return Reading(tuple(entries), unread)


def _bounded(entry: Entry) -> Entry:
    if not entry.key or "\0" in entry.key or len(entry.key.encode(errors="replace")) > MAX_KEY_BYTES:
        raise InvalidInput.at("", "this is empty, longer than 2,000 bytes, or no text")
    return entry


def _cidr(value: str, _: _Concerns) -> Entry:
    return _entry(observable.network(value))


def _hostname(value: str, _: _Concerns) -> Entry:
    """Read a name, which stands for all below it, or an address; of a URL, its host."""
    found = observable.url(value)[1] if "://" in value else _host(value.removeprefix("*").lstrip("."))
    return _entry(found) if found.kind is Kind.IP else Entry(EntryKind.TREE, found.key)


def _host(value: str) -> Observable:
    try:
        return observable.network(value)
    except InvalidInput:
        return observable.domain_name(value)


def _string(value: str, about: _Concerns) -> Entry:
    """Read a value that is one of the kinds that the list is about."""
    if value.startswith(_TREE):
        return Entry(EntryKind.TREE, observable.domain_name(value.removeprefix("*").removeprefix(".")).key)
    for kind, reader in _KINDS.items():
        if kind in about:
            try:
                return _entry(reader(value))
            except InvalidInput:
                continue
    raise InvalidInput.at("", f"{value[:100]!r} is no value of the kinds that the list is about")


def _named(value: str) -> Observable:
    """Read what may stand for a URL: it, or the name of its host."""
    return observable.url(value)[0] if "://" in value or "/" in value else _host(value)


def _mail(value: str) -> Observable:
    return observable.mailbox(value) if "@" in value else observable.domain_name(value)


def _hash(value: str) -> Observable:
    if _SSDEEP.fullmatch(value):
        return observable.file_hash("ssdeep", value)
    return observable.file_hash(_DIGITS.get(len(value), _SHORTEST), value)


def _certificate(value: str) -> Observable:
    digits = value.replace(":", "")
    return observable.certificate(_DIGITS.get(len(digits), _SHORTEST), digits)


def _substring(value: str, _: _Concerns) -> Entry:
    return Entry(EntryKind.SUBSTRING, value.lower())


def _regex(value: str, _: _Concerns) -> Entry:
    written = regex.undelimited(value)
    regex.matches(written).check()
    return Entry(EntryKind.REGEX, written)


def _entry(found: Observable) -> Entry:
    return Entry(EntryKind(found.kind.value), found.key)


_KINDS: Final[Mapping[Kind, Callable[[str], Observable]]] = {
    Kind.IP: observable.network,
    Kind.HASH: _hash,
    Kind.CERTIFICATE: _certificate,
    Kind.ASN: observable.autonomous_system,
    Kind.NAME: observable.domain_name,
    Kind.URL: _named,
    Kind.MAILBOX: _mail,
}
"""In which order a value is tried: digits first, which most often would make a name, too."""
_READERS: Final[Mapping[ListType, Callable[[str, _Concerns], Entry]]] = {
    ListType.CIDR: _cidr,
    ListType.HOSTNAME: _hostname,
    ListType.STRING: _string,
    ListType.SUBSTRING: _substring,
    ListType.REGEX: _regex,
}
