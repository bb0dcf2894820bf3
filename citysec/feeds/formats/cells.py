"""The rows of a CSV file, whatever its quoting: a broken one costs itself, and none can eat what follows it."""

from __future__ import annotations

import csv
from collections import deque
from collections.abc import Iterator
from typing import Final, NamedTuple

from citysec.errors import InvalidInput

_REACH: Final = 50
"""Longest row in lines; a quote that is still open then is a stray one."""
_LONGEST: Final = 128 << 10


class Dialect(NamedTuple):
    """How cells are set apart; an empty quote means that nothing is quoted."""

    delimiter: str
    quote: str


class Lines:
    """Numbered lines that can be put back."""

    def __init__(self, lines: Iterator[tuple[int, str]]) -> None:
        self._lines = lines
        self._back: deque[tuple[int, str]] = deque()

    def __iter__(self) -> Iterator[tuple[int, str]]:
        return self

    def __next__(self) -> tuple[int, str]:
        return self._back.popleft() if self._back else next(self._lines)

    def put_back(self, lines: list[tuple[int, str]]) -> None:
        """Let `lines` come once more, in this order."""
        self._back.extendleft(reversed(lines))


def cells(text: str, dialect: Dialect, following: Lines) -> list[str]:
    """Return the cells of the row that begins with the line `text`; what it needs of the lines after it is taken.

    Blanks before a cell do not count. Characters behind a closed quote belong to the cell.

    Raises:
        InvalidInput: a cell is too long, or a quote is not closed within some lines, of which none is taken then.
    """
    if not dialect.quote:
        return [cell.strip() for cell in text.split(dialect.delimiter)]
    try:
        return _split(text, dialect, strict=True)
    except csv.Error:
        pass
    try:
        return _of_lines(text, dialect, following) if _is_open(text, dialect) else _split(text, dialect, strict=False)
    except csv.Error as err:
        raise InvalidInput.at("", str(err)) from err


def _split(text: str, dialect: Dialect, *, strict: bool) -> list[str]:
    delimiter, quote = dialect
    rows = csv.reader((text,), delimiter=delimiter, quotechar=quote, skipinitialspace=True, strict=strict)
    return next(rows, list[str]())


def _is_open(text: str, dialect: Dialect) -> bool:
    """Return whether the last cell of `text` is quoted and goes on behind it."""
    delimiter, quote = dialect
    rows = csv.reader((text, "the next row"), delimiter=delimiter, quotechar=quote, skipinitialspace=True)
    return sum(1 for _ in rows) == 1


def _of_lines(text: str, dialect: Dialect, following: Lines) -> list[str]:
    taken: list[tuple[int, str]] = []
    for number, line in following:
        taken.append((number, line))
        text += line if text.endswith("\n") else f"\n{line}"
        if len(text) > _LONGEST or len(taken) == _REACH:
            break
        if text.count(dialect.quote) % 2 == 0:
            try:
                return _split(text, dialect, strict=True)
            except csv.Error:
                break
    following.put_back(taken)
    raise InvalidInput.at("", "a quote that is not closed")
