"""STIX 2.0 and 2.1: bundles, TAXII envelopes, single objects, lists of objects, and NDJSON of any of them.

One object at a time: a bad object costs that object and yields a reason. Only a body that is no JSON at all, or that is
cut off, is refused as a whole, because where its next object begins is a guess.

Source:
    STIX 2.1 §8 (bundles); TAXII 2.1 §3.7 (envelopes).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from io import SEEK_END, BytesIO
from typing import Any, BinaryIO, Final, NamedTuple

import msgspec
from msgspec import Raw

from citysec.errors import InvalidInput
from citysec.feeds.formats.draft import Draft, Reject, rejected
from citysec.feeds.formats.elements import elements
from citysec.feeds.formats.escapes import mended
from citysec.feeds.formats.format import Format, NoOptions
from citysec.feeds.formats.objects import MALFORMED, draft

SMALL: Final = 16 << 20
"""Bytes of a file that is read whole, which is faster."""
_HEAD: Final = 1 << 20
_VERSION: Final = re.compile(rb'\A[^\[]*"spec_version"\s*:\s*"(2\.[01])"')
_TEXT: Final = re.compile(rb"\s*\S")
_LIST: Final = re.compile(rb"\s*\[")


class _Container(msgspec.Struct):
    type: Any = None
    spec_version: Any = None
    objects: Raw = Raw(b"[]")


_container: Final = msgspec.json.Decoder(_Container)
_list: Final = msgspec.json.Decoder(list[Raw])


def parse(body: bytes) -> Iterator[Draft | Reject]:
    """Yield a draft or a reject for each object of `body`, in its order.

    Raises:
        InvalidInput: the body as a whole is no STIX.
    """
    return _parsed(_documents(mended(body.removeprefix(b"\xef\xbb\xbf"))))


def _parsed(documents: Iterable[tuple[str, Raw]]) -> Iterator[Draft | Reject]:
    for place, document in documents:
        try:
            objects = _objects(document)
        except MALFORMED as err:
            if not place:
                raise InvalidInput.at("", f"this is no STIX: {err}") from err
            yield rejected(place, f"this is no STIX: {err}", bytes(document))
            continue
        for number, raw in enumerate(objects.raws):
            yield _draft(raw, place + objects.at, number, objects.spec_version)


def _draft(raw: Raw, at: str, number: int, bundle_version: str | None) -> Draft | Reject:
    try:
        return draft(raw, bundle_version)
    except InvalidInput as err:
        return rejected(at.format(number), err, bytes(raw))


def _documents(body: bytes) -> Iterator[tuple[str, Raw]]:
    """Yield the JSON texts of `body` with their places: the whole, or one per line."""
    end = body.find(b"\n")
    if end < 0 or _TEXT.match(body, end) is None or not _is_json(body[:end]):
        yield "", Raw(body)
        return
    yield from _lines(BytesIO(body))


def _lines(file: BinaryIO) -> Iterator[tuple[str, Raw]]:
    return ((f"line {number}", Raw(mended(line))) for number, line in enumerate(file, 1) if not line.isspace())


def _is_json(text: bytes) -> bool:
    try:
        msgspec.json.decode(text, type=Raw)
    except MALFORMED:
        return False
    return True


class _Objects(NamedTuple):
    """The objects of a JSON text, the form of their places in it, and the version that its bundle declares."""

    raws: list[Raw]
    at: str
    spec_version: str | None = None


def _objects(document: Raw) -> _Objects:
    if _LIST.match(memoryview(document)):
        return _Objects(_list.decode(document), "/{}")
    container = _container.decode(document)
    if container.type not in {None, "bundle"}:
        return _Objects([document], "")
    version = container.spec_version if isinstance(container.spec_version, str) else None
    return _Objects(_list.decode(container.objects), "/objects/{}", version)


def _read(file: BinaryIO, _: NoOptions) -> Iterator[Draft | Reject]:
    """Read a file that may be larger than memory: whole while it is small, else line by line or object by object."""
    size = file.seek(0, SEEK_END)
    file.seek(0)
    if size <= SMALL:
        yield from parse(file.read())
        return
    head = file.read(_HEAD)
    file.seek(0)
    if _is_json(head[: head.find(b"\n") + 1]):
        yield from _parsed(_lines(file))
        return
    version = _VERSION.search(head)
    for number, element in enumerate(elements(file, "objects")):
        yield _draft(Raw(mended(element)), "/objects/{}", number, version[1].decode() if version else None)


FORMAT: Final = Format("STIX 2.0 and 2.1: bundles, TAXII envelopes, objects, NDJSON", _read)
