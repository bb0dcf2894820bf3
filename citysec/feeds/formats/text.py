"""Lines of text out of a publisher's bytes: decoded, bounded, one at a time."""

from __future__ import annotations

import codecs
from collections.abc import Iterable, Iterator
from contextlib import suppress
from io import TextIOWrapper
from itertools import chain
from typing import BinaryIO, Final

from citysec.errors import InvalidInput

MAX_LINE: Final = 1 << 20
"""Longest line in characters."""
LOST: Final = "\N{REPLACEMENT CHARACTER}"
"""Stands where bytes were no text."""
_MARKS: Final = {codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}
_HEAD: Final = 512
_BLOCK: Final = 1 << 16
"""Characters that are read at once: far fewer than may be in a line."""
_NO_TEXT: Final = {
    b"\x1f\x8b": "a gzip file",
    b"PK\x03\x04": "a zip file",
    b"%PDF": "a PDF file",
    b"<!doctype": "a web page",
    b"<html": "a web page",
    b"<?xml": "an XML file",
}


def lines(file: BinaryIO) -> Iterator[tuple[int, str]]:
    """Yield the lines of `file` with their numbers, from 1, each with its end.

    UTF-8 with or without a mark, and UTF-16 with one; bytes that are no text become `LOST`. A line longer than
    `MAX_LINE` is cut behind one character more, so that whoever reads it sees that it is too long.

    Raises:
        InvalidInput: the file is of a kind that is known to hold no lines of data.
    """
    return chain.from_iterable(_numbered(file))


def _numbered(file: BinaryIO) -> Iterator[Iterable[tuple[int, str]]]:
    file.seek(0)
    head = file.read(_HEAD)
    file.seek(0)
    text = TextIOWrapper(file, _encoding(head), errors="replace")
    number = 1
    try:
        for found in _blocks(text):
            yield enumerate(found, number)
            number += len(found)
    finally:
        with suppress(ValueError):  # the file may be closed by now
            text.detach()  # else it would be closed with `text`


def _encoding(head: bytes) -> str:
    """Return in what `head` is written.

    Raises:
        InvalidInput: in nothing that people read.
    """
    start = head.lstrip().lower()
    for mark, kind in _NO_TEXT.items():
        if start.startswith(mark.lower()):
            raise InvalidInput.at("", f"this is {kind}")
    return next((name for mark, name in _MARKS.items() if head.startswith(mark)), "utf-8")


def _blocks(text: TextIOWrapper) -> Iterator[list[str]]:
    """Yield the lines of `text`, as many at a time as are whole in memory."""
    begun = ""
    while block := text.read(_BLOCK):
        *ended, begun = (begun + block).split("\n")
        if ended:
            found = [line + "\n" for line in ended]
            found[0] = found[0][: MAX_LINE + 1]  # the only one that may be longer than a block
            yield found
        begun = begun[: MAX_LINE + 1]
    if begun:
        yield [begun]
