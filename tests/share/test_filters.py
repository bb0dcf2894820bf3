"""What TAXII parameters mean."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from citysec.errors import InvalidInput
from citysec.share import filters
from citysec.share.filters import Filters, parse

FIELDS = ("id", "type", "version", "spec_version")
NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)


def test_nothing_asked_is_the_last_version_of_everything():
    assert parse({}, FIELDS) == Filters()


@pytest.mark.parametrize(
    "text",
    ["2026-06-01T12:00:00Z", "2026-06-01T12:00:00.0Z", "2026-06-01T12:00:00.000000Z", "2026-06-01t12:00:00.000000999z",
     "2026-06-01T14:00:00.000+02:00", "2026-06-01T14:00:00 02:00", "2026-06-01T10:30:00-01:30"],
)  # fmt: skip
def test_times_are_read_leniently(text: str):
    assert filters.instant("added_after", text) == NOON


@pytest.mark.parametrize(
    ("query", "place"),
    [
        ({"limit": ["0"]}, "limit"), ({"limit": ["-1"]}, "limit"), ({"limit": ["1.5"]}, "limit"),
        ({"limit": ["abc"]}, "limit"), ({"limit": [""]}, "limit"), ({"limit": ["1", "2"]}, "limit"),
        ({"added_after": ["yesterday"]}, "added_after"), ({"added_after": ["2026-06-01"]}, "added_after"),
        ({"added_after": ["2026-02-30T00:00:00Z"]}, "added_after"), ({"next": ["\0"]}, "next"),
        ({"added_after": ["0001-01-01T00:00:00+23:59"]}, "added_after"),
        ({"match[version]": ["all,first"]}, "match[version]"), ({"match[version]": ["soon"]}, "match[version]"),
        ({"match[type]": ["a,,b"]}, "match[type]"), ({"match[type]": ["a,a"]}, "match[type]"),
        ({"match[id]": ["a", "b"]}, "match[id]"), ({"match[spec_version]": ["3.0"]}, "match[spec_version]"),
    ],
)  # fmt: skip
def test_a_malformed_parameter_is_named(query: dict[str, list[str]], place: str):
    with pytest.raises(InvalidInput) as refused:
        parse(query, FIELDS)
    assert [p.at for p in refused.value.problems] == [place]


def test_unknown_parameters_and_fields_the_endpoint_does_not_have_are_ignored():
    assert parse({"colour": ["red"], "match[colour]": [""], "match[id]": ["x"]}, ("type",)) == Filters()


def test_a_limit_above_ours_is_ours():
    assert parse({"limit": ["1" + "0" * 30]}, FIELDS).limit == filters.GREATEST_LIMIT


def test_values_are_alternatives():
    asked = parse({"match[type]": ["indicator,malware"], "match[version]": ["first,2026-06-01T12:00:00Z"]}, FIELDS)
    assert (asked.types, asked.versions) == (("indicator", "malware"), ("first", NOON))


@given(st.dictionaries(st.sampled_from(["limit", "added_after", "next", "match[id]", "match[version]"]),
                       st.lists(st.text(), max_size=2)))  # fmt: skip
def test_whatever_is_sent_it_is_read_or_refused(query: dict[str, list[str]]):
    with suppress(InvalidInput):
        assert 1 <= parse(query, FIELDS).limit <= filters.GREATEST_LIMIT


@given(st.integers(0, 253_402_300_799_999_999))
def test_dates_survive_being_written(microseconds: int):
    text = filters.timestamp(microseconds)
    assert len(text) == len("2026-06-01T12:00:00.000000Z")
    assert filters.microseconds(filters.instant("added_after", text)) == microseconds
