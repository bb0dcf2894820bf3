"""Where a TAXII collection has been read to."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from citysec.errors import FeedMalformed
from citysec.feeds.walk import Page, RepeatedPage, Walk, advanced, by_date, instant, resumed

NOON = "2026-06-01T12:00:00.000000Z"
ONE = "2026-06-01T13:00:00.123Z"


def _page(digest: str, *, more: bool = True, next_: str | None = None, last: str | None = None) -> Page:
    return Page(more=more, next=next_, last=last, digest=digest)


def test_a_walk_follows_next_with_the_same_date():
    walk = advanced(resumed({"mark": NOON}, 600), _page("1", next_="n1", last=ONE))
    assert (walk.after, walk.next, walk.mark) == ("2026-06-01T11:50:00.000000Z", "n1", NOON)


def test_without_next_it_goes_on_by_date_in_the_servers_own_text():
    walk = advanced(Walk(), _page("1", last=ONE))
    assert (walk.after, walk.next) == (ONE, None)


def test_the_mark_moves_only_at_the_end():
    walk = advanced(Walk(), _page("1", next_="n", last=ONE))
    assert walk.mark is None
    assert advanced(walk, _page("2", more=False)) == Walk(mark=ONE)


def test_the_mark_never_goes_back():
    assert advanced(Walk(mark=ONE), _page("1", more=False, last=NOON)).mark == ONE
    assert advanced(Walk(mark=NOON), _page("1", more=False)).mark == NOON


def test_a_walk_that_broke_off_is_taken_up_where_it_stood():
    walk = advanced(Walk(mark=NOON, after=NOON), _page("1", next_="n", last=ONE))
    assert resumed(walk.cursor(), 600) == walk


def test_the_same_page_twice_stops():
    walk = advanced(Walk(), _page("1", next_="n", last=ONE))
    with pytest.raises(RepeatedPage):
        advanced(walk, _page("1", next_="n", last=ONE))


@pytest.mark.parametrize("last", [None, NOON])
def test_more_without_a_way_on_stops(last: str | None):
    with pytest.raises(FeedMalformed, match="neither"):
        advanced(Walk(after=NOON), _page("1", last=last))


def test_the_detour_goes_by_the_last_date():
    assert by_date(Walk(under_way=True, next="n")) is None
    detour = by_date(Walk(under_way=True, next="n", last=ONE))
    assert detour is not None
    assert (detour.after, detour.next) == (ONE, None)


@pytest.mark.parametrize("cursor", [{}, {"etag": '"1"'}, {"mark": 1}, {"next": ["a"]}])
def test_a_cursor_of_another_kind_starts_anew(cursor: dict[str, Any]):
    assert resumed(cursor, 600) == Walk()


@pytest.mark.parametrize("text", ["", "undefined", "null", "yesterday", "12"])
def test_what_is_no_time_is_none(text: str):
    assert instant(text) is None


@given(st.datetimes(min_value=instant("1971-01-01").replace(tzinfo=None)), st.floats(0, 7 * 86400))  # pyright: ignore[reportOptionalMemberAccess]
def test_a_poll_begins_before_the_mark(at: Any, overlap_s: float):
    mark = at.isoformat() + "Z"
    begun = instant(resumed({"mark": mark}, overlap_s).after)
    found = instant(mark)
    assert begun is not None
    assert found is not None
    assert begun <= found
