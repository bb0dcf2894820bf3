"""The rows of a CSV file, whatever its quoting: a broken one costs itself, and none can eat what follows it."""

from __future__ import annotations

import csv
from collections import deque
from collections.abc import Iterator, Sequence
from io import StringIO
from typing import Any, Final

from citysec.errors import InvalidInput
from citysec.feeds.formats.text import MAX_LINE

WIDEST: Final = 10_000
"""Most cells of a row."""
_REACH: Final = 50
"""Longest row in lines; a quote that is still open then is a stray one."""
_LONGEST: Final = 128 << 10


class Lines:
    """Numbered lines that can be put back."""

    def __init__(self, lines: Iterator[tuple[int, str]]) -> None:
        self._lines = lines
        self._back: deque[tuple[int, str]] = deque()

    def __iter__(self) -> Iterator[tuple[int, str]]:
        """Yield what is left of them: whoever else iterates meanwhile takes from the same."""
        while (numbered := self._back.popleft() if self._back else next(self._lines, None)) is not None:
            yield numbered

    def put_back(self, lines: list[tuple[int, str]]) -> None:
        """Let `lines` come once more, in this order."""
        self._back.extendleft(reversed(lines))


class Dialect:
    """How cells are set apart; an empty quote means that nothing is quoted."""

    def __init__(self, delimiter: str, quote: str) -> None:
        self._delimiter, self._quote = delimiter, quote
        self._form: dict[str, Any] = {"delimiter": delimiter, "quotechar": quote or None, "skipinitialspace": True}
        self._line: list[str] = []
        self._rows = csv.reader(iter(self._line.pop, None), strict=True, **self._form) if quote else iter(())
        self._end, self._between = f"{quote}\n", f"{quote}{delimiter}{quote}"

    def cells(self, line: str, following: Lines) -> list[str]:
        """Return the cells of the row that begins with `line`; what it needs of the lines after it is taken.

        Blanks before a cell do not count. Characters behind a closed quote belong to the cell.

        Raises:
            InvalidInput: the row is beyond all measure, or a quote is not closed within some lines, of which none is
                taken then.
        """
        if len(line) > MAX_LINE:
            raise InvalidInput.at("", f"longer than {MAX_LINE} characters")
        found = self._evenly_quoted(line) or self._cells(line, following)
        if len(found) > WIDEST:
            raise InvalidInput.at("", f"more than {WIDEST} cells")
        return found

    def shown(self, row: Sequence[str]) -> str:
        """Return a row as people write it."""
        return self._delimiter.join(row)

    def written(self, *rows: Sequence[str]) -> bytes:
        """Return a table of `rows`, of which `cells` makes the same rows."""
        if not self._quote:
            return "".join(f"{self.shown(row)}\n" for row in rows).encode()
        text = StringIO()
        csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="\n", **self._form).writerows(rows)
        return text.getvalue().encode()

    def _evenly_quoted(self, line: str) -> list[str] | None:
        """Return the cells of a row whose cells are all quoted and hold no quote, as machines write them; else None."""
        if len(line) > _LONGEST or line[:1] != self._quote or line[-2:] != self._end:
            return None
        found = line[1:-2].split(self._between)
        return found if line.count(self._quote) == 2 * len(found) else None

    def _cells(self, line: str, following: Lines) -> list[str]:
        if not self._quote:
            return [cell.strip() for cell in line.split(self._delimiter)]
        self._line.append(line)
        try:
            return next(self._rows)
        except (csv.Error, IndexError):  # it asks for another line than this one where a quote is open
            self._line.clear()
        try:
            return self._of_lines(line, following) if self._is_open(line) else self._split(line, strict=False)
        except csv.Error as err:
            raise InvalidInput.at("", str(err)) from err

    def _split(self, text: str, *, strict: bool) -> list[str]:
        return next(csv.reader((text,), strict=strict, **self._form), list[str]())

    def _is_open(self, line: str) -> bool:
        """Return whether the last cell of `line` is quoted and goes on behind it."""
        return sum(1 for _ in csv.reader((line, "the next row"), **self._form)) == 1

    def _of_lines(self, text: str, following: Lines) -> list[str]:
        taken: list[tuple[int, str]] = []
        for number, line in following:
            taken.append((number, line))
            text += line if text.endswith("\n") else f"\n{line}"
            if len(text) > _LONGEST or len(taken) == _REACH:
                break
            if text.count(self._quote) % 2 == 0:
                try:
                    return self._split(text, strict=True)
                except csv.Error:
                    break
        following.put_back(taken)
        raise InvalidInput.at("", "a quote that is not closed")
