"""EPSS: a score for each vulnerability."""

from __future__ import annotations

from datetime import UTC, date, datetime

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from citysec.errors import InvalidInput
from citysec.feeds.formats import Reject, Subject
from citysec.software.records import EPSS, Vulnerability
from tests.feeds.formats.mutations import damaged, entries, parse, survives

HEAD = b"#model_version:v2025.03.14,score_date:2025-08-25T12:55:00Z\ncve,epss,percentile\n"
BODY = HEAD + b"CVE-1999-0001,0.01141,0.77568\nCVE-2024-0001,0.94,1.0\n"


def test_each_row_is_a_score_of_that_day():
    first, second = entries("epss", BODY)
    assert (first.subject, first.key, first.at) == (Subject.VULNERABILITY, "CVE-1999-0001", "line 3")
    assert first.seen == datetime(2025, 8, 25, 12, 55, tzinfo=UTC)
    said = msgspec.convert(second.facts, Vulnerability)
    assert said.epss == EPSS(0.94, 1.0, date(2025, 8, 25), "v2025.03.14")


def test_old_files_without_a_comment_are_read():
    (found,) = entries("epss", b"\xef\xbb\xbfcve,epss\r\nCVE-2024-0001,1e-05\r\n")
    assert found.facts == {"epss": {"score": 1e-05}}
    assert found.seen is None


@pytest.mark.parametrize("row", [b"CVE-2024-0001", b"CVE-2024-0001,1.2,0", b"CVE-2024-0001,-0.1,0", b"x,0,0", b"\xff"])
def test_a_bad_row_costs_itself(row: bytes):
    first, second = parse("epss", HEAD + row + b"\n" + b"CVE-2024-0002,0,0\n")
    assert isinstance(first, Reject)
    assert first.at == "line 3"
    assert not isinstance(second, Reject)


def test_an_overlong_line_costs_itself():
    first, second = parse("epss", HEAD + b"x" * 5000 + b"\nCVE-2024-0002,0,0\n")
    assert isinstance(first, Reject)
    assert not isinstance(second, Reject)


def test_a_comment_that_cannot_be_stored_says_nothing():
    (found,) = entries("epss", HEAD.replace(b"v2025", b"v\0") + b"CVE-2024-0001,0,0\n")
    assert found.facts == {"epss": {"score": 0.0, "percentile": 0.0}}


@pytest.mark.parametrize("body", [b"", b"CVE-2024-0001,0.1,0.2\n", b"\0" * 10_000, b"[]"])
def test_what_has_no_header_is_refused_as_a_whole(body: bytes):
    with pytest.raises(InvalidInput):
        parse("epss", body)


@given(damaged(BODY) | st.binary())
def test_whatever_comes_is_taken_or_refused(body: bytes):
    survives("epss", body)
