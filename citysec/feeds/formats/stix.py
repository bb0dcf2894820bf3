"""STIX 2.0 and 2.1: bundles, TAXII envelopes, single objects, lists of objects, and NDJSON of any of them.

One object at a time: a bad object costs that object and yields a reason. Where a body is cut off, what comes before is
good.

Source:
    STIX 2.1 §8 (bundles); TAXII 2.1 §3.7 (envelopes).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from io import BytesIO
from typing import BinaryIO, Final

import msgspec
from msgspec import Raw

from citysec.errors import InvalidInput
from citysec.feeds.formats.documents import MALFORMED, Document, documents, frame, is_list, listed
from citysec.feeds.formats.draft import Draft, Reject, rejected
from citysec.feeds.formats.format import Format, NoOptions
from citysec.feeds.formats.objects import claim, draft, kind

_BUNDLE: Final = "bundle"
_NONE: Final = Raw(b"[]")
_EMPTY: Final = re.compile(rb"\s*\{\s*\}\s*")


class _Container(msgspec.Struct):
    type: str | None = None
    spec_version: str | float | None = None
    objects: Raw = _NONE
    more: Raw = _NONE


_container: Final = msgspec.json.Decoder(_Container)


def parse(body: bytes) -> Iterator[Draft | Reject]:
    """Yield a draft or a reject for each object of `body`, in its order.

    Raises:
        InvalidInput: the body as a whole is no STIX, or is cut off.
    """
    return _read(BytesIO(body), NoOptions())


def claims(file: BinaryIO) -> Iterator[Draft | Reject]:
    """Yield what correlation needs of the indicators in `file`: as it is read else, but texts are empty.

    Other objects are passed over, unless they have to be read to be told.

    Raises:
        InvalidInput: the file as a whole is no STIX, or is cut off.
    """
    version = str(frame(file, "objects").get("spec_version"))
    for document in documents(file, "objects"):
        if isinstance(document, Reject):
            yield document
            continue
        listed = document.within.startswith("/")
        match kind(document.raw):
            case "indicator":
                yield _drafted(document, claim, version if listed else None)
            case None | "bundle":
                yield from _element(document, version) if listed else _contained(document, _element)
            case _:
                pass


def _read(file: BinaryIO, _: NoOptions) -> Iterator[Draft | Reject]:
    version = str(frame(file, "objects").get("spec_version"))
    for document in documents(file, "objects"):
        if isinstance(document, Reject):
            yield document
        elif not document.within.startswith("/"):
            yield from _contained(document, _element)
        elif _is_bundle(document, found := _drafted(document, draft, version)):
            yield from _contained(document, _innermost)
        else:
            yield found


def _contained(document: Document, read_one: Callable[..., Iterable[Draft | Reject]]) -> Iterator[Draft | Reject]:
    """Yield what is in a JSON text that may be an object, or hold some, which `read_one` reads.

    Raises:
        InvalidInput: the file has no other, and this is no STIX.
    """
    try:
        objects, version = _objects(document)
    except MALFORMED as err:
        if not document.at:
            raise InvalidInput.at("", f"this is no STIX: {err}") from err
        yield rejected(document.at, f"this is no STIX: {err}", bytes(document.raw))
        return
    for one in objects:
        if isinstance(one, Reject):
            yield one
        else:
            yield from read_one(one, version)


def _objects(document: Document) -> tuple[Iterator[Document | Reject], str | None]:
    """Return the objects in a JSON text, and the version that their bundle declares."""
    if is_list(document.raw):
        return listed(document.raw, document.at), None
    container = _container.decode(document.raw)
    if container.type not in {None, _BUNDLE}:
        return iter((document,)), None
    if container.type is None and container.objects is container.more is _NONE and not _EMPTY.fullmatch(document.raw):
        raise msgspec.ValidationError("neither an object nor a wrapping of some")
    return listed(container.objects, f"{document.at}/objects"), str(container.spec_version)


def _element(document: Document, bundle_version: str | None) -> Iterable[Draft | Reject]:
    """Return what an element of a list is: nearly always an object, but there are lists of bundles."""
    found = _drafted(document, draft, bundle_version)
    return _contained(document, _innermost) if _is_bundle(document, found) else (found,)


def _innermost(document: Document, bundle_version: str | None) -> Iterable[Draft | Reject]:
    """Return what an element of a bundle in a list is: an object, since each further level would be read once more."""
    found = _drafted(document, draft, bundle_version)
    if _is_bundle(document, found):
        return (rejected(document.at, "bundles are nested more than once", bytes(document.raw)),)
    return (found,)


def _is_bundle(document: Document, found: Draft | Reject) -> bool:
    if not isinstance(found, Reject) and found.type != _BUNDLE:
        return False
    try:
        return _container.decode(document.raw).type == _BUNDLE
    except MALFORMED:
        return False


def _drafted(
    document: Document, make: Callable[[Raw, str | None], Draft], bundle_version: str | None
) -> Draft | Reject:
    try:
        return make(document.raw, bundle_version)
    except InvalidInput as err:
        return rejected(document.at, err, bytes(document.raw))


FORMAT: Final = Format("STIX 2.0 and 2.1: bundles, TAXII envelopes, objects, NDJSON", _read)
