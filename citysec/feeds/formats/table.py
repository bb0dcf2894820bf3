"""CSV: tables whose columns a profile explains."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import repeat
from typing import Annotated, BinaryIO, Final

from msgspec import Meta

from citysec.errors import InvalidInput
from citysec.feeds.formats.cells import Dialect, Lines
from citysec.feeds.formats.documents import excerpt
from citysec.feeds.formats.draft import Census, Item, Reject, rejected
from citysec.feeds.formats.format import Format
from citysec.feeds.formats.interpreter import Interpreter
from citysec.feeds.formats.profile import Names, Profile, usual
from citysec.feeds.formats.refusal import readable
from citysec.feeds.formats.text import MAX_LINE, lines

_DELIMITERS: Final = ",;\t|"
_DECLARED: Final = re.compile(r"\"?sep=([^\r\n])\"?\s*", re.IGNORECASE)
"""How Excel names the delimiter, before the header."""
_REMARKS: Final = 10
"""How many comments before the first row may hold the header: the last ones."""


class TableOptions(Profile, frozen=True, forbid_unknown_fields=True):
    """How a table is read: a profile, and how its cells are set apart.

    Args:
        delimiter: between cells; when left out, the one of `,` `;` `|` and TAB that the first row has most of.
        quote: around cells that hold a delimiter or end of line; an empty text where nothing is quoted.
        comments: what lines that are no rows begin with. The last of them before the first row may be the header.
        columns: names of the columns, for a table without a header.
        census: finds in a comment how many rows there are: a regular expression with one group.
    """

    delimiter: Annotated[str, Meta(pattern=r"^[^\r\n]$")] | None = None
    quote: Annotated[str, Meta(pattern=r"^[^\r\n]?$")] = '"'
    comments: Names = ("#",)
    columns: Names = ()
    census: str | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.census is not None and _groups(self.census) != 1:
            raise ValueError("census: a regular expression with one group")


def _groups(expression: str) -> int | None:
    try:
        return re.compile(expression).groups
    except re.error:
        return None


def _read(file: BinaryIO, options: TableOptions) -> Iterator[Item]:
    return readable(_items(file, options))


def _items(file: BinaryIO, options: TableOptions) -> Iterator[Item]:
    following, remarks, table, delimiter = Lines(lines(file)), _Remarks(options), None, options.delimiter
    for number, line in following:
        at = f"line {number}"
        if not (beginning := line.lstrip()):
            continue
        if table is None and (declared := _DECLARED.fullmatch(line)):
            delimiter = declared[1]
            continue
        if beginning.startswith(options.comments):
            yield from remarks.take(line)
            continue
        dialect = table.dialect if table else Dialect(delimiter or _delimiter(line), options.quote)
        try:
            row = dialect.cells(line, following)
        except InvalidInput as err:
            yield rejected(at, err, table.header + line.encode() if table else b"", line)
            continue
        if table is None:
            table = _Table.beginning(row, remarks, dialect, options)
            yield from table.lacks()
            if table.names == _stripped(row):
                continue
        yield from table.entries(at, row)


def _delimiter(line: str) -> str:
    return max(_DELIMITERS, key=line.count)


def _stripped(row: Sequence[str]) -> tuple[str, ...]:
    return tuple(cell.strip() for cell in row)


class _Remarks:
    """The comments of a table: one may be its header, one may count its rows."""

    def __init__(self, options: TableOptions) -> None:
        self._signs = options.comments
        self._census = re.compile(options.census) if options.census else None
        self._said: list[str] = []

    def take(self, line: str) -> Iterator[Census]:
        """Take one more, and yield the census that it holds."""
        line = line[:MAX_LINE].strip()
        sign = next(sign for sign in self._signs if line.startswith(sign))
        self._said = [*self._said[1 - _REMARKS :], line.removeprefix(sign).strip()]
        if self._census and (found := self._census.search(line)) and found[1].isdecimal():
            yield Census(int(found[1][:18]))

    def headers(self, dialect: Dialect) -> Iterator[tuple[str, ...]]:
        """Yield the comments as rows, the last one first."""
        for said in reversed(self._said):
            try:
                yield _stripped(dialect.cells(said, Lines(iter(()))))
            except InvalidInput:
                continue


class _Table:
    """A table whose header is known."""

    def __init__(self, names: tuple[str, ...], profile: Profile, dialect: Dialect) -> None:
        self.names, self.dialect = names, dialect
        self._profile = profile
        self._interpreter = Interpreter(profile, names)
        self.header = dialect.written(names)

    @classmethod
    def beginning(cls, row: Sequence[str], remarks: _Remarks, dialect: Dialect, options: TableOptions) -> _Table:
        """Return the table that begins with `row`, which may be its header.

        Raises:
            InvalidInput: it has no header, and the names of its columns are not declared.
        """
        candidates = [options.columns] if options.columns else [_stripped(row), *remarks.headers(dialect)]
        for names in candidates:
            profile = options if options.values else usual(names)
            if profile is not None and set(profile.values) <= set(names):
                return cls(names, profile, dialect)
        wanted = " and ".join(map(repr, options.values)) or "of observables by a usual name"
        raise InvalidInput.at("", f"there is no header with a column {wanted}")

    def lacks(self) -> Iterator[Reject]:
        """Yield a reject for each declared column that the header has not, or not once: then its first one counts."""
        for name in dict.fromkeys(self._profile.names()):
            if (times := self.names.count(name)) != 1:
                reason = f"{times} columns {name!r}" if times else f"there is no column {name!r}"
                yield Reject("", reason, excerpt(self.dialect.shown(self.names)))

    def entries(self, at: str, row: list[str]) -> Sequence[Item]:
        """Return what a row says."""
        width = len(self.names)
        if len(row) > width and any(cell.strip() for cell in row[width:]):
            return (self._reject(at, row, f"{len(row)} cells under {width} names"),)
        said = row if len(row) >= width else [*row, *repeat(None, width - len(row))]
        entries, faults = self._interpreter.entries(at, said)
        return [*entries, *(self._reject(at, row, fault) for fault in faults)] if faults else entries

    def _reject(self, at: str, row: Sequence[str], reason: str) -> Reject:
        return rejected(at, reason, self.header + self.dialect.written(row), self.dialect.shown(row))


FORMAT: Final = Format("CSV and other tables; a profile says what the columns mean", _read, TableOptions)
