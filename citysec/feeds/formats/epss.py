"""EPSS: how likely it is that a vulnerability is exploited within 30 days, for every vulnerability, as CSV.

A quarter of a million rows a day: read without a CSV reader, for no cell is ever quoted.

Source:
    FIRST, "EPSS data and statistics": `epss_scores-YYYY-MM-DD.csv.gz`, a comment with model and date, a header
    `cve,epss,percentile`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from itertools import islice
from typing import BinaryIO, Final

from citysec.errors import InvalidInput
from citysec.feeds.formats.documents import bounded_lines, excerpt
from citysec.feeds.formats.draft import Entry, Item, Reject, Subject
from citysec.feeds.formats.format import Format, NoOptions
from citysec.feeds.formats.times import instant
from citysec.software.records import EPSS, Vulnerability

_COMMENT: Final = re.compile(r"#\s*model_version:([\w.+-]{1,50}),\s*score_date:(\S{1,50})")
_HEADER: Final = re.compile(r"cve,epss(?:,percentile)?(?:,.*)?")
_SHARE: Final = r"(0(?:\.[0-9]+)?(?:[eE]-[0-9]{1,3})?|[1-9]\.?[0-9]*[eE]-[0-9]{1,3}|1(?:\.0*)?)"
_ROW: Final = re.compile(rf"(CVE-[0-9]{{4}}-[0-9]{{4,19}}),{_SHARE}(?:,{_SHARE})?(?:,.*)?\s*")
_MAX_LINE: Final = 1000
_HEAD: Final = 10


def read(file: BinaryIO, _: NoOptions) -> Iterator[Item]:
    """Yield an entry or a reject for each row.

    Raises:
        InvalidInput: the file as a whole holds no scores of EPSS.
    """
    lines = bounded_lines(file, _MAX_LINE)
    model, at = _head(lines)
    for number, line in lines:
        row = _ROW.fullmatch(line.decode("latin-1"))
        if row is not None:
            said = EPSS(float(row[2]), float(row[3]) if row[3] else None, at.date() if at else None, model)
            yield _entry(row[1], f"line {number}", said, at)
        elif not line.isspace():
            yield Reject(f"line {number}", "no row of id, score and percentile", excerpt(line))


def _entry(key: str, place: str, said: EPSS, at: datetime | None) -> Entry:
    return Entry(at=place, subject=Subject.VULNERABILITY, key=key, seen=at, facts=Vulnerability(epss=said).facts())


def _head(lines: Iterator[tuple[int, bytes]]) -> tuple[str | None, datetime | None]:
    """Return the model and time that stand before the header, and leave `lines` behind it.

    Raises:
        InvalidInput: there is none among the first lines.
    """
    model, at = None, None
    for _, raw in islice(lines, _HEAD):
        line = raw.decode("utf-8-sig", "replace").strip()
        if comment := _COMMENT.match(line):
            model, at = comment[1], instant(comment[2])
        elif _HEADER.fullmatch(line):
            return model, at
    raise InvalidInput.at("", "this has no header of EPSS: cve,epss,percentile")


FORMAT: Final = Format("EPSS: likelihood of exploitation, CSV", read)
