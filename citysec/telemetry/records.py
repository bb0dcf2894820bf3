"""Flat records: one observation each, in fields that logs have anyway."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from itertools import compress
from typing import Any, Final

import msgspec

from citysec import observable
from citysec.errors import InvalidInput, Problem
from citysec.observable import Observable
from citysec.patterning.evaluation.observed import MAX_OBSERVED, microseconds
from citysec.telemetry.seen import DESTINATION, SOURCE, Fact, Seen

_Facts = tuple[Fact, ...]
_OF_NAME: Final = observable.Kind.NAME
_ALGORITHMS: Final = {32: "md5", 40: "sha-1", 64: "sha-256", 128: "sha-512"}
_REMEMBERED: Final = 20_000
"""Different texts of a field that are not read again when they come again."""


class Record(msgspec.Struct, gc=False):
    """One record, the values last; what else it holds is not looked at.

    `seen_at`, and `last_seen_at` where it was seen more than once, are RFC 3339 with an offset, or seconds since 1970.
    """

    seen_at: datetime | int | float | None = None
    last_seen_at: datetime | int | float | None = None
    count: int = 1
    ip: str | None = None
    src_ip: str | None = None
    dst_ip: str | None = None
    domain: str | None = None
    url: str | None = None
    email: str | None = None
    hash: str | None = None


VALUES: Final = ("ip", "src_ip", "dst_ip", "domain", "url", "email", "hash")
"""The fields of a record that say what was seen."""
NO_TIME: Final = "is no time with an offset, as 2026-11-23T10:00:00Z, nor seconds since 1970"
_PLACES: Final = range(len(VALUES))
_BEFORE_VALUES: Final = 3


class Reader:
    """Makes observations of records; what came shortly before in the same form costs next to nothing."""

    def __init__(self) -> None:
        self._known: Sequence[dict[str, _Facts]] = [{} for _ in VALUES]

    def seen(self, at: str, record: Record) -> Seen | Problem:
        """Return the observation at place `at`, or what is wrong with it, without its values."""
        first = _microseconds(record.seen_at)
        last = first if record.last_seen_at is None else _microseconds(record.last_seen_at)
        if first is None or last is None or last < first:
            return Problem(at, _untimely(record, first, last))
        if not 1 <= record.count <= MAX_OBSERVED:
            return Problem(at, f"count is not a number from 1 to {MAX_OBSERVED}")
        facts: _Facts = ()
        texts: Sequence[str] = msgspec.structs.astuple(record)[_BEFORE_VALUES:]
        for place in compress(_PLACES, texts):
            found = self._known[place].get(texts[place])
            if found is None:
                found = self._read(place, texts[place])
            if not found:
                return Problem(at, f"{VALUES[place]} is not what its name says")
            facts = facts + found if facts else found
        if not facts:
            return Problem(at, f"it has none of {', '.join(VALUES)}")
        return Seen(at, first, last, record.count, facts)

    def _read(self, place: int, text: str) -> _Facts:
        known = self._known[place]
        if len(known) >= _REMEMBERED:
            known.clear()
        known[text] = found = _read(VALUES[place], text)
        return found


def _untimely(record: Record, first: int | None, last: int | None) -> str:
    if record.seen_at is None:
        return "seen_at is missing, or no time"
    return f"seen_at {NO_TIME}" if first is None else f"last_seen_at {NO_TIME if last is None else 'is before seen_at'}"


def when(text: str) -> datetime | float | None:
    """Return the time that a cell writes; None where it writes none."""
    try:
        return float(text) if text.replace(".", "", 1).isdigit() else msgspec.convert(text, datetime)
    except ValueError:
        return None


def _microseconds(at: datetime | float | None) -> int | None:
    if at is None:
        return None
    try:
        instant = at if isinstance(at, datetime) else datetime.fromtimestamp(at, UTC)
        return None if instant.tzinfo is None else microseconds(instant.astimezone(UTC))
    except (ValueError, OverflowError, OSError):
        return None


def _read(name: str, text: str) -> _Facts:
    """Return what a field says; nothing where that is not what its name says."""
    try:
        return _READERS[name](text.strip())
    except InvalidInput:
        return ()


def _address(text: str, role: str = "") -> _Facts:
    found = observable.network(text)
    return (Fact(_family(found), found, role),)


def _family(address: Observable) -> str:
    return "ipv4-addr" if address.key[0] == "4" else "ipv6-addr"


def _name(text: str) -> _Facts:
    return (Fact("domain-name", observable.domain_name(text)),)


def _url(text: str) -> _Facts:
    found, host = observable.url(text)
    return Fact("url", found), Fact("domain-name" if host.kind is _OF_NAME else _family(host), host)


def _mailbox(text: str) -> _Facts:
    return (Fact("email-addr", observable.mailbox(text)),)


def _hash(text: str) -> _Facts:
    algorithm = _ALGORITHMS.get(len(text), "")
    return (Fact("file", observable.file_hash(algorithm, text)),)


_READERS: Final[Mapping[str, Callable[[str], _Facts]]] = {
    "ip": _address,
    "src_ip": partial(_address, role=SOURCE),
    "dst_ip": partial(_address, role=DESTINATION),
    "domain": _name,
    "url": _url,
    "email": _mailbox,
    "hash": _hash,
}


def decoded(raw: bytes | msgspec.Raw) -> Record | str:
    """Return the record that JSON text holds, or why it holds none, without its values."""
    try:
        return _RECORD.decode(raw)
    except msgspec.ValidationError as err:
        return _fault(err)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return "is not JSON"


_RECORD: Final = msgspec.json.Decoder(Record)


def _fault(err: msgspec.ValidationError) -> str:
    """Return what a record's decoder says; of what was sent it names places and types only."""
    said: Any = str(err)
    if said.startswith("Invalid RFC3339"):
        return f"{said.rpartition('.')[2].rstrip('`')} {NO_TIME}"
    return said if "$" in said or said.startswith("Expected") else "is not a record"


def facts_in(text: str) -> _Facts:
    """Return what a single value says; its form tells what it is.

    Raises:
        InvalidInput: it is no address, name, URL, mailbox or hash.
    """
    for name in _likely(text):
        if found := _read(name, text):
            return found
    raise InvalidInput.at("value", "is no address, name, URL, mailbox or hash")


def _likely(text: str) -> tuple[str, ...]:
    if "://" in text:
        return ("url",)
    return ("hash", "email", "ip", "domain", "url")
