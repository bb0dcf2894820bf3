"""What is large is read piece by piece, or refused before it fills the memory."""

from __future__ import annotations

import json
import tracemalloc
from collections.abc import Iterator
from io import BytesIO, RawIOBase
from typing import BinaryIO, cast

import pytest

from citysec.errors import InvalidInput
from citysec.feeds import formats
from citysec.feeds.formats import Census, Draft, Entry, Item, Reject, documents, prose, stix
from citysec.tlp import MARKING_IDS, TLP

MB = 1 << 20
MOST = 150 * MB
ATTRIBUTE = b'{"type":"ip-dst","to_ids":true,"value":"192.0.2.1","comment":"%b"}' % (b"x" * 1000)
EVENT = b'{"Event":{"info":"x","Attribute":[%b]}}'
INDICATOR = (
    b'{"type":"indicator","id":"indicator--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f","created":"2024-01-01T00:00:00Z",'
    b'"modified":"2024-01-02T00:00:00.000Z","pattern":"[domain-name:value = \'a.test\']","x":"%b"}' % (b"x" * 1000)
)


class Endless(RawIOBase):
    """A file of `size` bytes: a beginning, then the same over and over, then an end."""

    def __init__(self, beginning: bytes, unit: bytes, end: bytes, size: int) -> None:
        self._beginning, self._end, self._at = beginning, end, 0
        self._unit = unit * max(1, MB // len(unit))
        self._units = size // len(self._unit)
        self._size = len(beginning) + self._units * len(self._unit) + len(end)

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = 0) -> int:
        self._at = offset + (0, self._at, self._size)[whence]
        return self._at

    def tell(self) -> int:
        return self._at

    def read(self, size: int = -1) -> bytes:
        wanted = self._size - self._at if size < 0 else min(size, self._size - self._at)
        pieces: list[bytes] = []
        while wanted > 0 and (piece := self._piece(wanted)):
            pieces.append(piece)
            wanted -= len(piece)
            self._at += len(piece)
        return b"".join(pieces)

    def readline(self, size: int | None = -1) -> bytes:
        at = self._at
        piece = self.read(MB if size is None or size < 0 else min(size, MB))
        line = piece[: piece.find(b"\n") + 1] or piece
        self._at = at + len(line)
        return line

    def _piece(self, wanted: int) -> bytes:
        at = self._at
        if at < len(self._beginning):
            return self._beginning[at : at + wanted]
        at -= len(self._beginning)
        if at < self._units * len(self._unit):
            start = at % len(self._unit)
            return self._unit[start : start + wanted]
        return self._end[at - self._units * len(self._unit) :][:wanted]


def repeated(beginning: bytes, unit: bytes, end: bytes, size: int) -> BinaryIO:
    return cast("BinaryIO", Endless(beginning, unit, end, size))


@pytest.fixture
def peak() -> Iterator[None]:
    """Fail where more than `MOST` bytes were in memory at a time."""
    tracemalloc.start()
    try:
        yield
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert most < MOST, f"{most >> 20} MB"


def read(name: str, file: BinaryIO) -> Iterator[Item]:
    return formats.read(name, file)


@pytest.mark.usefixtures("peak")
@pytest.mark.parametrize(
    ("name", "beginning", "unit", "end"),
    [
        ("misp", b'{"Event":{"info":"x","Attribute":[' + ATTRIBUTE, b"," + ATTRIBUTE, b"]}}"),
        ("csaf", b'{"document":{"title":"x","tracking":{"id":"1"}},"vulnerabilities":[{}', b",{}", b"]}"),
        ("text", b"From: a@b.example\nTo: c@d.example\nDate: today\nSubject: x\n\n", b"a\n", b""),
        ("text", b"<html>", b"<p>192.0.2.1</p>", b""),
        ("kev", b'{"vulnerabilities": "', b"x" * 1000, b'"}'),
        ("warninglist", b'{"name": "x", "list": [1', b",1", b"]}"),
    ],
)
def test_a_document_that_fills_the_memory_is_refused(name: str, beginning: bytes, unit: bytes, end: bytes):
    with pytest.raises(InvalidInput, match=r"(?:larger|more) than"):
        list(read(name, repeated(beginning, unit, end, 200 * MB)))


@pytest.mark.usefixtures("peak")
@pytest.mark.parametrize(
    ("name", "beginning", "unit", "end"),
    [
        ("misp", b'{"Event":{"info":"x","Tag":[[]', b",[]", b"]}}"),
        ("csaf", b'{"document":{"title":"x","tracking":{"id":"1"}},"vulnerabilities":[{}', b",{}", b"]}"),
        ("warninglist", b'{"name": "x", "list": [1', b",1", b"]}"),
    ],
)
def test_a_small_document_of_too_many_values_is_refused(name: str, beginning: bytes, unit: bytes, end: bytes):
    with pytest.raises(InvalidInput, match="more than"):
        list(read(name, repeated(beginning, unit, end, 30 * MB)))


def test_a_text_of_too_many_observables_is_refused(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(prose, "MOST", 3)
    body = b"\n".join(b"10.0.0[.]%d" % number for number in range(5))
    with pytest.raises(InvalidInput, match="line 4: more than 3"):
        list(read("text", BytesIO(body)))


@pytest.mark.usefixtures("peak")
@pytest.mark.parametrize(
    ("name", "beginning", "unit", "end"),
    [
        ("stix", b'{"objects":[' + INDICATOR, b"," + INDICATOR, b"]}"),
        ("stix", INDICATOR, b"\n" + INDICATOR, b""),
        ("stix", b'{"objects":[1', b"," + b"1" * 2000, b"]}"),
        ("misp", b'{"response":[' + EVENT % ATTRIBUTE, b"," + EVENT % ATTRIBUTE, b"]}"),
        ("misp", b'{"Event":{"info":"x","Attribute":[' + ATTRIBUTE, b"," + ATTRIBUTE, b"]}}"),
    ],
)
def test_what_is_a_list_is_read_piece_by_piece(name: str, beginning: bytes, unit: bytes, end: bytes):
    found = sum(1 for _ in read(name, repeated(beginning, unit, end, 20 * MB)))
    assert found == 1 + 20 * (MB // len(unit))


@pytest.mark.usefixtures("peak")
@pytest.mark.parametrize("row", ["," * 1_000_000, "a," * 1_000_000, '"a",' * 250_000, '"' * 1_000_000])
def test_a_row_of_a_million_cells_costs_itself_alone(row: str):
    options = {"values": {"name": "name"}}
    body = f"name,x\na.example,1\n{row}\nb.example,1\n"
    first, wide, last = formats.read("csv", BytesIO(body.encode()), options)
    assert isinstance(first, Entry)
    assert isinstance(wide, Reject)
    assert isinstance(last, Entry)
    assert (wide.at, len(wide.excerpt), wide.raw) == ("line 3", 200, b"")


@pytest.mark.parametrize("size", [0, 1 << 30])
@pytest.mark.parametrize(
    ("name", "body", "declared"),
    [
        ("kev", b'{"title": "x", "count": 2, "vulnerabilities": [{"cveID": "CVE-2024-0001"}]}', 2),
        ("kev", b'{"vulnerabilities": [{"cveID": "CVE-2024-0001"}], "count": 3}', 3),
        (
            "nvd",
            b'{"resultsPerPage": 4, "startIndex": 0, "totalResults": 9, "vulnerabilities": [{"id": "CVE-2024-0001"}]}',
            4,
        ),
    ],
)
def test_what_is_read_in_parts_is_counted_all_the_same(
    name: str, body: bytes, declared: int, size: int, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(documents, "SMALL", size)
    found = list(read(name, BytesIO(body)))
    assert [item.records for item in found if isinstance(item, Census)] == [declared]
    assert len(found) == 2


def _marked(number: int) -> tuple[str, ...]:
    labels = json.dumps([f"{number:06}" + "x" * MB, "TLP:Red"]).encode()
    (found,) = stix.parse(INDICATOR.replace(b'"x":', b'"labels":%b,"x":' % labels))
    return found.marking_refs if isinstance(found, Draft) else ()


def test_labels_of_any_length_are_not_remembered():
    tracemalloc.start()
    try:
        assert all(_marked(number) == (MARKING_IDS[TLP.RED],) for number in range(100))
        assert tracemalloc.get_traced_memory()[0] < 10 * MB
    finally:
        tracemalloc.stop()
