"""Flat records: one observation each, in fields that logs have anyway."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final

import msgspec

from citysec import observable
from citysec.errors import InvalidInput, Problem
from citysec.observable import Observable
from citysec.patterning.evaluation.observed import MAX_OBSERVED, microseconds
from citysec.telemetry.seen import DESTINATION, SOURCE, Fact, Seen

_Facts = tuple[Fact, ...]
_Known = dict[str, _Facts | None]
_ALGORITHMS: Final = {32: "md5", 40: "sha-1", 64: "sha-256", 128: "sha-512"}
_REMEMBERED: Final = 20_000
"""Different texts of a field that are not read again when they come again."""


class Record(msgspec.Struct, gc=False):
    """One record; what else it holds is not looked at.

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


class Reader:
    """Makes observations of records; what came shortly before in the same form costs next to nothing."""

    def __init__(self) -> None:
        self._known: Sequence[_Known] = [{} for _ in VALUES]

    def seen(self, at: str, record: Record) -> Seen | Problem:
        """Return the observation at place `at`, or what is wrong with it, without its values."""
        times = _times(record)
        if times is None:
            return Problem(at, "seen_at is no time with an offset, or last_seen_at is none or before it")
        if not 1 <= record.count <= MAX_OBSERVED:
            return Problem(at, f"count is not a number from 1 to {MAX_OBSERVED}")
        facts: _Facts = ()
        _, _, _, *texts = msgspec.structs.astuple(record)
        for known, name, text in zip(self._known, VALUES, texts, strict=True):
            if text:
                found = known[text] if text in known else self._read(known, name, text)
                if found is None:
                    return Problem(at, f"{name} is not what its name says")
                facts = facts + found if facts else found
        if not facts:
            return Problem(at, f"it has none of {', '.join(VALUES)}")
        return Seen(at, *times, record.count, facts)

    def _read(self, known: _Known, name: str, text: str) -> _Facts | None:
        if len(known) >= _REMEMBERED:
            known.clear()
        known[text] = found = _read(name, text)
        return found


def when(text: str) -> datetime | float | None:
    """Return the time that a cell writes; None where it writes none."""
    try:
        return float(text) if text.replace(".", "", 1).isdigit() else msgspec.convert(text, datetime)
    except ValueError:
        return None


def _times(record: Record) -> tuple[int, int] | None:
    first = _microseconds(record.seen_at)
    if first is None or record.last_seen_at is None:
        return None if first is None else (first, first)
    last = _microseconds(record.last_seen_at)
    return None if last is None or last < first else (first, last)


def _microseconds(at: datetime | float | None) -> int | None:
    try:
        match at:
            case None:
                return None
            case datetime():
                return microseconds(at.astimezone(UTC)) if at.tzinfo is not None else None
            case _:
                return microseconds(datetime.fromtimestamp(at, UTC))
    except (ValueError, OverflowError, OSError):
        return None


def _read(name: str, text: str) -> _Facts | None:
    try:
        return _READERS[name](text.strip())
    except InvalidInput:
        return None


def _address(text: str, role: str = "") -> _Facts:
    return (_fact(observable.network(text), role),)


def _name(text: str) -> _Facts:
    return (_fact(observable.domain_name(text)),)


def _url(text: str) -> _Facts:
    found, host = observable.url(text)
    return Fact("url", found), _fact(host)


def _mailbox(text: str) -> _Facts:
    return (Fact("email-addr", observable.mailbox(text)),)


def _hash(text: str) -> _Facts:
    algorithm = _ALGORITHMS.get(len(text), "")
    return (Fact("file", observable.file_hash(algorithm, text)),)


def _fact(found: Observable, role: str = "") -> Fact:
    if found.kind is observable.Kind.NAME:
        return Fact("domain-name", found)
    return Fact("ipv6-addr" if ":" in found.value else "ipv4-addr", found, role)


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
    return said if "$" in said or said.startswith("Expected") else "is not a record"


def facts_in(text: str) -> _Facts:
    """Return what a single value says; its form tells what it is.

    Raises:
        InvalidInput: it is no address, name, URL, mailbox or hash.
    """
    for name in _likely(text):
        if (found := _read(name, text)) is not None:
            return found
    raise InvalidInput.at("value", "is no address, name, URL, mailbox or hash")


def _likely(text: str) -> tuple[str, ...]:
    if "://" in text:
        return ("url",)
    return ("hash", "email", "ip", "domain", "url")
