"""JSON records: a list of them somewhere in a document, or one a line, whose members a profile explains."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache, partial
from typing import Annotated, Any, BinaryIO, Final, cast

import msgspec
from msgspec import Meta, Raw

from citysec.errors import InvalidInput
from citysec.feeds.formats.documents import MALFORMED, Document, documents, excerpt, is_list
from citysec.feeds.formats.draft import Item, Reject
from citysec.feeds.formats.format import Format
from citysec.feeds.formats.interpreter import Interpreter
from citysec.feeds.formats.profile import ANY, Profile, usual
from citysec.feeds.formats.refusal import readable

_members: Final = msgspec.json.Decoder(dict[str, Raw])
_list: Final = msgspec.json.Decoder(list[Raw])
_anything: Final = msgspec.json.Decoder()


class RecordOptions(Profile, frozen=True, forbid_unknown_fields=True):
    """How JSON records are read: a profile, and where they stand.

    Args:
        records: JSON pointer of the list of records, or of an object of lists. When left out, the records are the
            document's own list, its lines, or else whatever lists its outermost object holds.
    """

    records: Annotated[str, Meta(pattern="^(/.*)?$")] = ""


def _read(file: BinaryIO, options: RecordOptions) -> Iterator[Item]:
    return readable(_items(file, options))


def _items(file: BinaryIO, options: RecordOptions) -> Iterator[Item]:
    declared = Interpreter(options) if options.values else None
    for document in documents(file):
        if isinstance(document, Reject):
            yield document
            continue
        try:
            for at, raw in _records(document, options):
                yield from _entries(at, raw, declared)
        except (*MALFORMED, InvalidInput) as err:
            yield Reject(document.at, str(err), excerpt(document.raw))


def _records(document: Document, options: RecordOptions) -> Iterator[tuple[str, Raw]]:
    """Yield the records of a document with their places.

    Raises:
        InvalidInput: there is nothing where they should be.
        msgspec.DecodeError: something else is there.
    """
    at, raw = document
    for step in _steps(options.records):
        members = _inner(raw)
        if step not in members:
            raise InvalidInput.at("", f"there is nothing at {options.records}")
        at, raw = f"{at}/{step}", members[step]
    if is_list(raw):
        yield from ((f"{at}/{number}", record) for number, record in enumerate(_list.decode(raw)))
    elif at == "" or options.records:
        yield from _of_object(at, raw, options)
    else:
        yield at, raw


def _of_object(at: str, raw: Raw, options: RecordOptions) -> Iterator[tuple[str, Raw]]:
    """Yield the records in the lists that an object holds; the object itself when it is a record."""
    members = _members.decode(raw)
    names = frozenset(name.split("/")[1] if name.startswith("/") else name for name in options.values)
    if names & members.keys() or (not names and usual(tuple(members))):
        yield at, raw
        return
    for name, member in members.items():
        if is_list(member):
            yield from ((f"{at}/{name}/{number}", record) for number, record in enumerate(_list.decode(member)))


def _inner(raw: Raw) -> Mapping[str, Raw]:
    if is_list(raw):
        return {str(number): member for number, member in enumerate(_list.decode(raw))}
    return _members.decode(raw)


def _entries(at: str, raw: Raw, declared: Interpreter | None) -> Sequence[Item]:
    try:
        record = _anything.decode(raw)
    except MALFORMED as err:
        return (Reject(at, f"this is no JSON: {err}", excerpt(raw)),)
    interpreter = declared or _by_usual_names(_names(record))
    if interpreter is None:
        return (Reject(at, "no member has a usual name of observables", excerpt(raw)),)
    return interpreter.entries(at, partial(_member, record), partial(excerpt, raw))


def _names(record: object) -> tuple[str, ...]:
    return tuple(cast("dict[str, Any]", record)) if isinstance(record, dict) else ("",)


@lru_cache(maxsize=256)
def _by_usual_names(names: tuple[str, ...]) -> Interpreter | None:
    profile = Profile(values={"": ANY}) if names == ("",) else usual(names)
    return Interpreter(profile) if profile else None


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
