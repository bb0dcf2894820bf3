"""Instants as publishers write them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from citysec.feeds.formats.times import instant, of_mail, reader

NOON = datetime(2024, 2, 29, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    "value",
    [1709208000, 1709208000.0, "1709208000", "2024-02-29T12:00:00Z", "2024-02-29 12:00", " 2024-02-29T14:00:00+02:00 "],
)
def test_an_instant_is_read_in_utc(value: object):
    assert instant(value) == NOON


@pytest.mark.parametrize("value", [None, True, "", "soon", "0", "0001-01-01", "9999-12-31", 1e300, float("nan"), []])
def test_what_is_no_instant_or_an_absurd_one_is_none(value: object):
    assert instant(value) is None


@pytest.mark.parametrize("value", ["Thu, 29 Feb 2024 12:00:00 GMT", "29 Feb 2024 14:00 +0200", "2024-02-29T12:00:00Z"])
def test_an_instant_of_a_mail_is_read_in_utc(value: str):
    assert of_mail(value) == NOON


@pytest.mark.parametrize(
    ("text", "forms"),
    [
        ("29-02-2024 12:00", ("%d-%m-%Y", "%d-%m-%Y %H:%M")),
        ("2024-02-29 12:00:00 UTC", ()),
        ("1709208000000", ()),
        ("2024-02-29T12:00:00Z", ("%d-%m-%Y",)),
    ],
)
def test_a_cell_is_read_by_the_forms_that_are_declared(text: str, forms: tuple[str, ...]):
    assert reader(forms)(text) == NOON


@given(st.text() | st.floats() | st.integers() | st.from_regex(r"[0-9:+TZ -]{4,30}"))
def test_whatever_comes_is_an_aware_instant_or_none(value: object):
    for found in (instant(value), of_mail(str(value)), reader(("%d-%m-%Y", "%y%z"))(str(value))):
        assert found is None or found.utcoffset() is not None
