"""CSV files as people save them: their text, and their records with the lines on which they begin. Pure."""

from __future__ import annotations

import csv
import io
from codecs import BOM_UTF16_BE, BOM_UTF16_LE
from collections.abc import Callable, Iterator
from typing import Final, TypeVar

from citysec.errors import InvalidInput, Problem

Record = tuple[int, list[str]]
"""The line that a record begins on, and its cells without the spaces around them."""

NOTHING: Final[Record] = (1, [])
"""What stands in for the header of an empty file."""

_T = TypeVar("_T")


def decode(data: bytes) -> str:
    """Return the text of a file: UTF-8 with or without a byte order mark, or UTF-16 with one.

    Raises:
        InvalidInput: it is neither; names the line.
    """
    encoding = "utf-16" if data.startswith((BOM_UTF16_LE, BOM_UTF16_BE)) else "utf-8-sig"
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as err:
        line = data.count(b"\n", 0, err.start) + 1
        raise InvalidInput.at(f"line {line}", "is not UTF-8 text: save the file as `CSV UTF-8`") from err


def records(text: str) -> Iterator[Record]:
    """Yield each record that is not blank (RFC 4180; any line ends).

    Raises:
        InvalidInput: what follows cannot be read; names the line.
    """
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    begins = 1
    try:
        for record in reader:
            if any(cell.strip() for cell in record):
                yield begins, [cell.strip() for cell in record]
            begins = reader.line_num + 1
    except csv.Error as err:
        raise InvalidInput.at(f"line {begins}", f"is not CSV, nor can the rest be read: {err}") from err


def collect(rest: Iterator[Record], read: Callable[[int, list[str]], _T]) -> tuple[_T, ...]:
    """Return what `read` makes of the line and the cells of each record.

    Raises:
        InvalidInput: `read` refuses records, or they cannot be read at all: every bad one is named by its line.
    """
    found: list[_T] = []
    problems: list[Problem] = []
    try:
        for number, record in rest:
            try:
                found.append(read(number, record))
            except InvalidInput as err:
                problems += (Problem(f"line {number}{p.at and ', '}{p.at}", p.message) for p in err.problems)
    except InvalidInput as err:  # of the file's form: what follows cannot be read
        problems += err.problems
    if problems:
        raise InvalidInput(problems)
    return tuple(found)


def cells(header: tuple[str, ...], record: list[str]) -> dict[str, str]:
    """Return the cells of a record by the names of their columns.

    Raises:
        InvalidInput: it has more or fewer than the header.
    """
    if len(record) != len(header):
        raise InvalidInput.at("", f"{len(record)} columns where the header has {len(header)}")
    return dict(zip(header, record, strict=True))
