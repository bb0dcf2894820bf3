"""JSON records: a list of them somewhere in a document, or one a line, whose members a profile explains."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Annotated, Any, BinaryIO, Final, cast

import msgspec
from msgspec import Meta, Raw

from citysec.errors import InvalidInput
from citysec.feeds.formats.documents import MALFORMED, Document, decoded, documents, excerpt, is_list, is_object, listed
from citysec.feeds.formats.draft import Entry, Item, Reject, rejected
from citysec.feeds.formats.elements import repeats
from citysec.feeds.formats.format import Format
from citysec.feeds.formats.interpreter import Interpreter
from citysec.feeds.formats.profile import ANY, Profile, usual
from citysec.feeds.formats.refusal import readable

_EMPTY: Final = re.compile(rb"\s*\[\s*\]\s*")
_members: Final = msgspec.json.Decoder(dict[str, Raw])


class RecordOptions(Profile, frozen=True, forbid_unknown_fields=True):
    """How JSON records are read: a profile, and where they stand.

    Args:
        records: JSON pointer of the list of records, or of an object of lists. When left out, the records are the
            document's own list, its lines, or else whatever lists its outermost object holds.
    """

    records: Annotated[str, Meta(pattern="^(/.*)?$")] = ""


class _Records:
    """Records that all mean what one profile says."""

    def __init__(self, profile: Profile) -> None:
        self._names = tuple(dict.fromkeys(profile.names()))
        self._is_flat = all(name and name[0] != "/" for name in self._names)
        self._interpreter = Interpreter(profile, self._names)

    def entries(self, at: str, record: object) -> tuple[list[Entry], list[str]]:
        """Return what the record at `at` says, and what is wrong with it."""
        if self._is_flat and isinstance(record, dict):
            said = [*map(cast("dict[str, object]", record).get, self._names)]
        else:
            said = [_member(record, name) for name in self._names]
        return self._interpreter.entries(at, said)


def _read(file: BinaryIO, options: RecordOptions) -> Iterator[Item]:
    return readable(_items(file, options))


def _items(file: BinaryIO, options: RecordOptions) -> Iterator[Item]:
    declared, steps = _Records(options) if options.values else None, _steps(options.records)
    for found in _records(file, options):
        if isinstance(found, Reject):
            yield found
        else:
            yield from _entries(found, declared, steps)


def _records(file: BinaryIO, options: RecordOptions) -> Iterator[Document | Reject]:
    """Yield the records of `file`; of a large document only one is in memory at a time, where that is possible."""
    steps = _steps(options.records)
    for document in documents(file, steps[0] if len(steps) == 1 else ""):
        if isinstance(document, Reject) or (steps and document.within == f"/{steps[0]}/"):
            yield document
            continue
        try:
            yield from _inside(document, options)
        except (*MALFORMED, InvalidInput) as err:
            yield rejected(document.at, err, bytes(document.raw))


def _inside(document: Document, options: RecordOptions) -> Iterator[Document | Reject]:
    """Yield the records of a document.

    Raises:
        InvalidInput: there is nothing where they should be.
        msgspec.DecodeError: something else is there.
    """
    at, raw = document.at, document.raw
    for step in _steps(options.records):
        members = _inner(raw)
        if step not in members:
            raise InvalidInput.at("", f"there is nothing at {options.records}")
        at, raw = f"{at}/{step}", members[step]
    if is_list(raw):
        yield from listed(raw, at)
    elif at == "" or options.records:
        yield from _of_object(at, raw, options)
    else:
        yield Document(at, raw)


def _of_object(at: str, raw: Raw, options: RecordOptions) -> Iterator[Document | Reject]:
    """Yield the records in the lists that an object holds; the object itself when it is a record.

    Raises:
        InvalidInput: it is neither.
    """
    members = _members.decode(raw)
    names = frozenset(name.split("/")[1] if name.startswith("/") else name for name in options.values)
    lists = [(name, member) for name, member in members.items() if is_list(member)]
    if _is_record(members, names):
        yield Document(at, raw)
    elif not lists and (members or not at):
        raise InvalidInput.at("", "neither a record nor lists of records")
    elif all(_EMPTY.fullmatch(memoryview(member)) for _, member in lists) and _beside(members.values(), names):
        raise InvalidInput.at("", "its lists are empty, but an object beside them may hold records")
    else:
        for name, member in lists:
            yield from listed(member, f"{at}/{name}")
        if repeats(raw, dict(lists)):
            raise InvalidInput.at("", "the JSON text has more than one list of a name")


def _is_record(members: Mapping[str, Raw], names: Collection[str]) -> bool:
    return not members.keys().isdisjoint(names) or (not names and usual(tuple(members)) is not None)


def _beside(members: Iterable[Raw], names: Collection[str]) -> bool:
    """Return whether one of `members` is a record, or an object of nothing but objects, which may be records."""
    for member in members:
        if is_object(member):
            inner = _members.decode(member)
            if _is_record(inner, names) or (inner and all(map(is_object, inner.values()))):
                return True
    return False


def _inner(raw: Raw) -> Mapping[str, Raw]:
    if is_list(raw):
        found = (member for member in listed(raw, "") if isinstance(member, Document))
        return {member.at.removeprefix("/"): member.raw for member in found}
    return _members.decode(raw)


def _entries(document: Document, declared: _Records | None, steps: Sequence[str]) -> Sequence[Item]:
    """Return what a record says; `steps` lead to the list of records."""
    try:
        record = decoded(document.raw)
    except MALFORMED as err:
        return (_rejected(document, steps, f"this is no JSON: {err}"),)
    like_it = declared or _by_usual_names(_names(record))
    if like_it is None:
        return (_rejected(document, steps, "no member has a usual name of observables"),)
    entries, faults = like_it.entries(document.at, record)
    return [*entries, *(_rejected(document, steps, fault) for fault in faults)] if faults else entries


def _rejected(document: Document, steps: Sequence[str], reason: str) -> Reject:
    """Return the reject of a record, which can be read alone within lists and objects like those around it."""
    alone = bytes(document.raw)
    for depth, step in enumerate(reversed(steps)):
        alone = b"{%b:%b}" % (msgspec.json.encode(step), alone if depth else b"[%b]" % alone)
    return rejected(document.at, reason, alone, excerpt(document.raw))


def _names(record: object) -> tuple[str, ...]:
    return tuple(cast("dict[str, Any]", record)) if isinstance(record, dict) else ("",)


@lru_cache(maxsize=256)
def _by_usual_names(names: tuple[str, ...]) -> _Records | None:
    profile = Profile(values={"": ANY}) if names == ("",) else usual(names)
    return _Records(profile) if profile else None


def _member(record: object, name: str) -> object:
    """Return what stands in `record` under a name or a JSON pointer, None for nothing; the empty one is the record."""
    if name and not name.startswith("/"):
        return _step(record, name)
    for step in _steps(name):
        record = _step(record, step)
    return record


def _step(value: object, step: str) -> object:
    if isinstance(value, dict):
        return cast("dict[str, object]", value).get(step)
    if isinstance(value, list) and step.isdecimal():
        found = cast("Sequence[object]", value)
        return found[int(step)] if len(step) < 10 and int(step) < len(found) else None
    return None


@lru_cache(maxsize=1024)
def _steps(pointer: str) -> tuple[str, ...]:
    """Return the steps of a JSON pointer (RFC 6901)."""
    return tuple(step.replace("~1", "/").replace("~0", "~") for step in pointer.split("/")[1:])


FORMAT: Final = Format("JSON records; a profile says what their members mean", _read, RecordOptions)
