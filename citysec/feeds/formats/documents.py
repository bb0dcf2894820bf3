"""The JSON texts that a file holds: one, a list of them, or one a line; and how much of it is in memory at a time.

Source:
    RFC 8259 for JSON. That a byte order mark is passed over, and a list stands for its members, are our rules.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterable, Iterator, Mapping
from io import SEEK_END, BytesIO
from itertools import chain
from typing import Any, BinaryIO, Final, TypeVar

import msgspec
from msgspec import Raw

from citysec.errors import InvalidInput
from citysec.feeds.formats.draft import Reject
from citysec.feeds.formats.elements import MALFORMED, MAX_ELEMENT_BYTES, Remark, elements, repeats
from citysec.feeds.formats.escapes import mended
from citysec.feeds.formats.members import mapping
from citysec.feeds.formats.refusal import in_memory

SMALL: Final = 2 << 20
"""Bytes of a document that is read whole though its list could be read element by element."""
MAX_DOCUMENT_BYTES: Final = 64 << 20
MAX_LINE_BYTES: Final = 16 << 20
MAX_VALUES: Final = 1 << 21
"""Most values in a document that is decoded whole: each takes some hundred bytes of memory."""
_FEW: Final = 2 << 20
"""Bytes that hold no more values than memory has room for."""
_HEAD: Final = 4096
_PIECE: Final = 64 << 10
_EXCERPT: Final = 200
_BOM: Final = codecs.BOM_UTF8
_UTF16: Final = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_LIST: Final = re.compile(rb"\s*\[")
_OBJECT: Final = re.compile(rb"\s*\{")
_BRACKET: Final = re.compile(rb"\s*[\[{]")
_raws: Final = msgspec.json.Decoder(list[Raw])
_raw: Final = msgspec.json.Decoder(Raw)
_anything: Final = msgspec.json.Decoder()
T = TypeVar("T")


class Document(msgspec.Struct, frozen=True, gc=False):
    """One JSON text and where it stands: in what, and at which place there."""

    within: str
    raw: Raw
    number: int | None = None

    @property
    def at(self) -> str:
        """Empty for a whole file, else `/3` or `line 3`; made when it is asked for, which may be never."""
        return self.within if self.number is None else f"{self.within}{self.number}"


def documents(file: BinaryIO, member: str = "") -> Iterator[Document | Reject]:
    """Yield the JSON texts of `file`, in its order; of lines and lists one at a time is in memory.

    Args:
        file: open for bytes.
        member: the list in an outermost object that may be taken for all of it, where the whole is too large to be
            read at once, or is no JSON: its elements come as `/member/3`.

    Raises:
        InvalidInput: the file as a whole is no JSON, or too large.
    """
    file = _utf8(file)
    if _is_lines(file):
        return _lines(file)
    if is_list(_head(file)):
        return _elements("", file)
    if member and file.seek(0, SEEK_END) > SMALL and (found := _members(member, file)) is not None:
        return found
    return _alone(file, member)


def _alone(file: BinaryIO, member: str) -> Iterator[Document | Reject]:
    try:
        document = Document("", whole(file))
    except InvalidInput:
        found = _members(member, file) if member else None
        if found is None:
            raise
        yield from found
        return
    yield document
    if member and repeats(document.raw, (member,)):
        raise InvalidInput.at("", f"the JSON text has more than one list {member}")


def _members(member: str, file: BinaryIO) -> Iterator[Document | Reject] | None:
    """Return the elements of the list `member`, None where there is none in `file`."""
    found = _elements(member, file)
    try:
        first = next(found, None)
    except InvalidInput:
        return None
    return found if first is None else chain((first,), found)


def _elements(member: str, file: BinaryIO) -> Iterator[Document | Reject]:
    file.seek(0)
    return _placed(elements(file, member), f"/{member}" if member else "")


def frame(file: BinaryIO, member: str) -> Mapping[str, Any]:
    """Return the outermost object of `file` as if its list `member` were empty, so that what stands beside it is known.

    It is empty where that is more than some kilobytes before and behind the list.
    """
    size = file.seek(0, SEEK_END)
    file.seek(max(0, size - _HEAD))
    tail, head = file.read(), _head(file)
    file.seek(0)
    opening = re.search(rb'"%b"\s*:\s*\[' % re.escape(member.encode()), head)
    closing = tail.rfind(b"]")
    if opening is None or closing < 0:
        return {}
    try:
        return mapping(_anything.decode(head[: opening.end()] + tail[closing:]))
    except MALFORMED:
        return {}


def whole(file: BinaryIO) -> Raw:
    """Return the one JSON text that `file` is.

    Raises:
        InvalidInput: it is none, or too large.
    """
    file.seek(0)
    body = mended(in_memory(file, MAX_DOCUMENT_BYTES).removeprefix(_BOM))
    try:
        return _raw.decode(body)
    except MALFORMED as err:
        raise InvalidInput.at("", f"this is no JSON: {err}") from err


def listed(raw: Raw, at: str) -> Iterator[Document | Reject]:
    """Yield the members of a JSON list; of a large one some at a time are in memory.

    Args:
        raw: one in which no character is broken.
        at: where the list stands.

    Raises:
        msgspec.DecodeError: it is no list.
    """
    if not is_list(raw):
        raise msgspec.ValidationError("Expected `array`")
    try:
        found = elements(BytesIO(bytes(raw))) if len(raw) > _FEW else _raws.decode(raw)
    except RecursionError:
        found = elements(BytesIO(bytes(raw)))
    return _placed(found, at)


def _placed(found: Iterable[Raw], at: str) -> Iterator[Document | Reject]:
    within = f"{at}/"
    try:
        for number, raw in enumerate(found):
            if len(raw) > MAX_ELEMENT_BYTES:
                yield Reject(f"{at}/{number}", f"larger than {MAX_ELEMENT_BYTES >> 20} MiB", excerpt(raw))
            else:
                yield Document(within, raw, number)
    except Remark as err:
        yield Reject(at, err.problems[0].message, "")


def decoded(raw: Raw, decoder: msgspec.json.Decoder[T] = _anything) -> T:
    """Return what a JSON text says, as `decoder` reads it.

    Raises:
        msgspec.DecodeError: it is none, or says more than memory has room for.
    """
    if len(raw) > _FEW and sum(map(bytes(raw).count, (b",", b"{", b"["))) > MAX_VALUES:
        raise msgspec.ValidationError(f"more than {MAX_VALUES:,} values in one piece")
    return decoder.decode(raw)


def _utf8(file: BinaryIO) -> BinaryIO:
    """Return `file`, or what stands for it where it is written in UTF-16."""
    file.seek(0)
    is_utf16 = file.read(2) in _UTF16
    file.seek(0)
    if not is_utf16:
        return file
    return BytesIO(in_memory(file, MAX_DOCUMENT_BYTES).decode("utf-16", "replace").encode())


def _head(file: BinaryIO) -> bytes:
    file.seek(0)
    return file.read(_HEAD).removeprefix(_BOM)


def _is_lines(file: BinaryIO) -> bool:
    """Return whether each line is a JSON text of its own, which the first few tell; one of them may be broken.

    Where the first one is a list, the second must look like JSON, too: many lists are followed by a remark.
    """
    if not _goes_on(file):
        return False
    file.seek(0)
    said = (line for _, line in bounded_lines(file, MAX_LINE_BYTES) if not line.isspace())
    first, second = next(said, b"").removeprefix(_BOM), next(said, b"")
    if _is_json(first):
        return not is_list(first) or _BRACKET.match(second) is not None
    return _OBJECT.match(second) is not None and _is_json(second) and _is_json(next(said, b""))


def _goes_on(file: BinaryIO) -> bool:
    """Return whether something follows the first line; nothing is kept of that, for it may be all of a large file."""
    file.seek(0)
    has_begun = has_ended = False
    while piece := file.read(_PIECE):
        if not has_begun:
            piece = piece.lstrip()
            has_begun = bool(piece)
        if not has_ended:
            _, end, piece = piece.partition(b"\n")
            has_ended = bool(end)
        if has_ended and piece.strip():
            return True
    return False


def _is_json(written: bytes) -> bool:
    try:
        _raw.decode(mended(written))
    except RecursionError:
        return True
    except MALFORMED:
        return False
    return True


def _lines(file: BinaryIO) -> Iterator[Document | Reject]:
    file.seek(0)
    for number, line in bounded_lines(file, MAX_LINE_BYTES):
        if len(line) > MAX_LINE_BYTES:
            yield Reject(f"line {number}", f"longer than {MAX_LINE_BYTES >> 20} MiB", excerpt(line))
        elif not line.isspace():
            yield Document("line ", Raw(mended(line.removeprefix(_BOM))), number)


def bounded_lines(file: BinaryIO, most: int) -> Iterator[tuple[int, bytes]]:
    """Yield the lines of `file` with their numbers, from 1; of one that is too long, one byte more than `most`."""
    for number, line in enumerate(iter(lambda: file.readline(most + 1), b""), 1):
        yield number, line
        rest = line
        while len(rest) > most and not rest.endswith(b"\n"):
            rest = file.readline(most + 1)


def is_list(raw: Raw | bytes) -> bool:
    """Return whether a JSON text is a list."""
    return _LIST.match(memoryview(raw)) is not None


def is_object(raw: Raw) -> bool:
    """Return whether a JSON text is an object."""
    return _OBJECT.match(memoryview(raw)) is not None


def excerpt(raw: Raw | bytes | str) -> str:
    """Return how a record begins, for a reject."""
    if isinstance(raw, str):
        return raw[:_EXCERPT].strip()
    return bytes(memoryview(raw)[:_EXCERPT]).decode(errors="replace").strip()
