"""Rows of a CSV file with a header, read one by one.

Source:
    RFC 4180. That a byte order mark and empty rows are passed over, and what a row may measure, are our rules.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from typing import BinaryIO, Final, NamedTuple

from citysec.errors import InvalidInput
from citysec.feeds.formats.documents import bounded_lines, excerpt
from citysec.feeds.formats.draft import Reject

_MAX_LINE: Final = 1 << 20
_MAX_COLUMNS: Final = 1000


class Row(NamedTuple):
    """The cells of a row by the header's names, and the line on which it ends."""

    at: str
    cells: Mapping[str, str]


def rows(file: BinaryIO, column: str) -> Iterator[Row | Reject]:
    """Yield the rows below the header.

    Args:
        file: UTF-8.
        column: a name that the header must have.

    Raises:
        InvalidInput: there is no such header.
    """
    reader = csv.reader(_lines(file), strict=False)
    header = _header(reader)
    if column not in header:
        raise InvalidInput.at("line 1", f"there is no column {column!r}")
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as err:
            yield Reject(f"line {reader.line_num}", str(err), "")
            continue
        at = f"line {reader.line_num}"
        if len(cells) > _MAX_COLUMNS or any(len(cell) > _MAX_LINE for cell in cells):
            yield Reject(at, "it has too many or too long cells", excerpt(cells[0]))
        elif cells:
            yield Row(at, dict(zip(header, cells, strict=False)))


def _header(reader: Iterator[list[str]]) -> list[str]:
    try:
        return [name.strip() for name in next(reader)]
    except StopIteration:
        return []
    except csv.Error as err:
        raise InvalidInput.at("line 1", str(err)) from err


def _lines(file: BinaryIO) -> Iterator[str]:
    for number, line in bounded_lines(file, _MAX_LINE):
        yield line.decode("utf-8-sig" if number == 1 else "utf-8", "replace")
