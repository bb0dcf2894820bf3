"""Bytes → observations, in the forms in which machines send them. Pure.

Source:
    STIX 2.1 §4.14 and STIX 2.0 Part 1 §2.8 for observed-data; RFC 4180 for CSV.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import StrEnum
from itertools import islice
from typing import Any, Final, cast

import msgspec

from citysec.errors import InvalidInput, Problem
from citysec.patterning.evaluation import observations
from citysec.patterning.evaluation.paths import Json, Object
from citysec.telemetry.lines import LONGEST, lines
from citysec.telemetry.records import VALUES, Reader, Record, decoded, when
from citysec.telemetry.seen import Seen, facts_of

_NO_ROW: Final = "," + "x" * (1 << 17)  # longer than `csv` takes a cell
_OBSERVED: Final = "observed-data"
Item = Seen | Problem
"""An observation, or what is wrong with one and where; never a value of it."""


class Form(StrEnum):
    """How observations are written: JSON is a list of records, or STIX."""

    JSON = "json"
    LINES = "lines"
    CSV = "csv"


def recognised(content: bytes) -> Form:
    """Return the form that `content` has the look of."""
    start = content.lstrip(b"\xef\xbb\xbf \t\r\n")
    if start[:1] not in {b"{", b"["}:
        return Form.CSV
    first, _, rest = start.partition(b"\n")
    whole_line = first.startswith(b"{") and first.rstrip().endswith(b"}")
    return Form.LINES if whole_line and rest.lstrip().startswith(b"{") else Form.JSON


def read(content: bytes, form: Form) -> Iterator[Item]:
    """Yield each observation of `content`, in order, or what is wrong with it.

    Raises:
        InvalidInput: the whole is not in that form.
    """
    return stream([content], form)


def stream(pieces: Iterable[bytes], form: Form) -> Iterator[Item]:
    """Yield the same of content that comes in pieces; only JSON is held as a whole.

    Raises:
        InvalidInput: the whole is not in that form, which may turn out late.
    """
    match form:
        case Form.JSON:
            return _json(b"".join(pieces))
        case Form.LINES:
            return _lines(lines(pieces))
        case Form.CSV:
            return _csv(lines(pieces))


class _Envelope(msgspec.Struct):
    type: Any = None
    observations: list[msgspec.Raw] | None = None
    objects: list[msgspec.Raw] | None = None


class _Head(msgspec.Struct):
    type: Any = None


def _json(content: bytes) -> Iterator[Item]:
    found = _decoded(content)
    if isinstance(found, list):
        stix = bool(found) and isinstance(_head(found[0]), str)
        return _stix(found, "") if stix else _records(found, "")
    if found.observations is not None:
        return _records(found.observations, "/observations")
    if found.objects is not None:
        return _stix(found.objects, "/objects")
    raise InvalidInput.at("", "it is neither a list, nor has it `observations` or the `objects` of a bundle")


def _decoded(content: bytes) -> list[msgspec.Raw] | _Envelope:
    try:
        return msgspec.json.decode(content, type=list[msgspec.Raw] | _Envelope)
    except msgspec.ValidationError as err:
        raise InvalidInput.at("", "it is neither a list nor an object with one") from err
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as err:
        raise InvalidInput.at("", "it is not JSON") from err


def _head(raw: msgspec.Raw) -> object:
    try:
        return msgspec.json.decode(raw, type=_Head).type
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def _records(found: Sequence[msgspec.Raw], at: str) -> Iterator[Item]:
    reader = Reader()
    for number, raw in enumerate(found):
        place, record = f"{at}/{number}", decoded(raw)
        yield Problem(place, record) if isinstance(record, str) else reader.seen(place, record)


def _lines(found: Iterable[bytes]) -> Iterator[Item]:
    reader = Reader()
    for number, line in enumerate(found, 1):
        record = decoded(line) if len(line) <= LONGEST else "is too long"
        if not isinstance(record, str):
            yield reader.seen(f"line {number}", record)
        elif line.strip():
            yield Problem(f"line {number}", record)


def _stix(found: Sequence[msgspec.Raw], at: str) -> Iterator[Item]:
    """Yield the observed-data among STIX objects; what else is there is only referred to."""
    objects = [_object(raw) for raw in found]
    known = {name: one for one in objects if one is not None and isinstance(name := one.get("id"), str)}
    for number, one in enumerate(objects):
        if one is None:
            yield Problem(f"{at}/{number}", "is not a JSON object")
        elif one.get("type") == _OBSERVED:
            yield _observed(f"{at}/{number}", one, known)


def _object(raw: msgspec.Raw) -> Object | None:
    try:
        return cast("Object", msgspec.json.decode(raw, type=dict[str, Any]))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def _observed(place: str, one: Object, known: Mapping[str, Object]) -> Item:
    refs = one.get("object_refs")
    referred = [known[ref] for ref in refs if isinstance(ref, str) and ref in known] if isinstance(refs, list) else []
    try:
        whole = observations(cast("Sequence[Json]", [one, *referred]))[0]
    except InvalidInput as err:
        fault = err.problems[0]
        return Problem(place + fault.at.removeprefix("/0"), fault.message)
    return Seen(place, whole.first, whole.last, whole.number, tuple(facts_of(whole.roots)), whole)


def _csv(found: Iterable[bytes]) -> Iterator[Item]:
    rows = csv.reader(_texts(found))
    try:
        header = [name.strip().lower() for name in next(rows, list[str]())]
    except csv.Error as err:
        raise InvalidInput.at("line 1", "is no row") from err
    if "seen_at" not in header or not set(VALUES).intersection(header):
        raise InvalidInput.at("line 1", f"names no column seen_at, or none of {', '.join(VALUES)}")
    return _rows(rows, header)


def _texts(found: Iterable[bytes]) -> Iterator[str]:
    """Yield lines as texts, parted where texts part and octets do not, too."""
    encoding = "utf-8-sig"
    for line in found:
        try:
            yield from f"{line.decode(encoding)}\n".splitlines() if len(line) <= LONGEST else (_NO_ROW,)
        except UnicodeDecodeError as err:
            raise InvalidInput.at("", "it is not UTF-8") from err
        encoding = "utf-8"


def _rows(lines: Iterator[list[str]], header: Sequence[str]) -> Iterator[Item]:
    reader = Reader()
    for number in range(2, 1 << 62):
        place = f"line {number}"
        try:
            row = next(islice(lines, 1), None)
        except csv.Error:
            yield Problem(place, "is no row")
            continue
        if row is None:
            return
        if row:
            yield _row(place, dict(zip(header, row, strict=False)), reader)


def _row(place: str, cells: Mapping[str, str], reader: Reader) -> Item:
    count, last = cells.get("count", "").strip() or "1", cells.get("last_seen_at", "").strip()
    if not (count.isascii() and count.isdigit() and len(count) < 10):
        return Problem(place, "count is not a number")
    first = when(cells.get("seen_at", "").strip())
    until = when(last) if last else None
    if last and until is None:
        return Problem(place, "last_seen_at is no time")
    record = Record(first, until, int(count), *map(cells.get, VALUES))
    return reader.seen(place, record)
