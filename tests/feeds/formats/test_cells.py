"""The cells of a row, whichever way they are told apart."""

from __future__ import annotations

import csv

from hypothesis import given
from hypothesis import strategies as st

from citysec.feeds.formats.cells import Dialect, Lines

CELL = st.text(" ,;x'\t\0é", max_size=4)


@given(st.lists(CELL | st.sampled_from(['""', ',"",']), min_size=1), st.sampled_from(["\n", ""]), st.data())
def test_an_evenly_quoted_row_is_read_as_any_other(cells: list[str], end: str, data: st.DataObject):
    between = st.sampled_from(['","', '","', '", "', '",,"', '",x,"'])
    line = '"' + "".join(cell + data.draw(between) for cell in cells) + f'x"{end}'
    assert Dialect(",", '"').cells(line, Lines(iter(()))) == next(csv.reader((line,), skipinitialspace=True))


@given(st.lists(st.lists(CELL | st.sampled_from(["'", "'x', ';"]), min_size=1), min_size=1))
def test_what_is_written_is_read_again(rows: list[list[str]]):
    dialect = Dialect(";", "'")
    lines = Lines(enumerate(dialect.written(*rows).decode().splitlines(keepends=True)))
    assert [dialect.cells(line, lines) for _, line in lines] == rows
