"""The JSON texts that a file holds: one, a list of them, or one a line.

Source:
    RFC 8259 for JSON. That a byte order mark is passed over, and a list stands for its members, are our rules.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import BinaryIO, Final, NamedTuple

import msgspec
from msgspec import Raw

from citysec.errors import InvalidInput
from citysec.feeds.formats.draft import Reject
from citysec.feeds.formats.escapes import mended

MALFORMED: Final = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What decoding JSON of strangers may raise."""

MAX_LINE_BYTES: Final = 16 << 20
_EXCERPT: Final = 200
BOM: Final = b"\xef\xbb\xbf"
_LIST: Final = re.compile(rb"\s*\[")
_raws: Final = msgspec.json.Decoder(list[Raw])
_raw: Final = msgspec.json.Decoder(Raw)


class Document(NamedTuple):
    """One JSON text and where it stands: empty for a whole file, else `/3` or `line 3`."""

    at: str
    raw: Raw


def documents(file: BinaryIO) -> Iterator[Document | Reject]:
    """Yield the JSON texts of `file`, in its order; of lines, one at a time is in memory.

    Raises:
        InvalidInput: the file as a whole is no JSON.
    """
    if is_lines(file):
        yield from _lines(file)
        return
    file.seek(0)
    body = mended(file.read().removeprefix(BOM))
    try:
        whole = Document("", _raw.decode(body))
        members = _raws.decode(body) if is_list(body) else None
    except MALFORMED as err:
        raise InvalidInput.at("", f"this is no JSON: {err}") from err
    if members is None:
        yield whole
    else:
        yield from (Document(f"/{number}", raw) for number, raw in enumerate(members))


def is_lines(file: BinaryIO) -> bool:
    """Return whether the next line is a JSON text of its own, and no list, and another line follows."""
    first = file.readline(MAX_LINE_BYTES).removeprefix(BOM)
    if not first.endswith(b"\n") or is_list(first) or not _is_json(first):
        return False
    return any(not line.isspace() for line in iter(lambda: file.readline(MAX_LINE_BYTES), b""))


def _is_json(written: bytes) -> bool:
    try:
        _raw.decode(mended(written))
    except MALFORMED:
        return False
    return True


def _lines(file: BinaryIO) -> Iterator[Document | Reject]:
    file.seek(0)
    for number, line in bounded_lines(file, MAX_LINE_BYTES):
        if len(line) > MAX_LINE_BYTES:
            yield Reject(f"line {number}", f"longer than {MAX_LINE_BYTES} bytes", excerpt(line))
        elif not line.isspace():
            yield Document(f"line {number}", Raw(mended(line.removeprefix(BOM))))


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


def excerpt(raw: Raw | bytes | str) -> str:
    """Return how a record begins, for a reject."""
    if isinstance(raw, str):
        return raw[:_EXCERPT].strip()
    return bytes(memoryview(raw)[:_EXCERPT]).decode(errors="replace").strip()
