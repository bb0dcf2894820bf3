"""Where a TAXII collection has been read to."""

from __future__ import annotations

from itertools import chain, cycle
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from citysec.errors import FeedMalformed
from citysec.feeds.walk import Page, RepeatedPage, Walk, advanced, by_date, instant, resumed

NOON = "2026-06-01T12:00:00.000000Z"
ONE, JUST_BEFORE = "2026-06-01T13:00:00.123Z", "2026-06-01T13:00:00.122000Z"


def _page(digest: str, *, more: bool = True, next_: str | None = None, last: str | None = None) -> Page:
    return Page(more=more, next=next_, last=last, digest=digest)


def test_a_walk_follows_next_with_the_same_date():
    walk = advanced(resumed({"mark": NOON}, 600), _page("1", next_="n1", last=ONE))
    assert (walk.after, walk.next, walk.mark) == ("2026-06-01T11:50:00.000000Z", "n1", NOON)


def test_without_next_it_goes_on_from_just_before_the_last_date():
    walk = advanced(Walk(), _page("1", last=ONE))
    assert (walk.after, walk.next) == (JUST_BEFORE, None)


def test_a_page_of_one_date_is_asked_for_again_wider_and_passed_over_where_that_does_not_help():
    walk = advanced(Walk(), _page("1", last=ONE))
    seen = [walk := advanced(walk, _page(digest, last=ONE)) for digest in ("2", "3", "3")]
    assert [(step.after, step.wide, step.passed) for step in seen] == [
        (JUST_BEFORE, 4, None), (JUST_BEFORE, 16, None), (ONE, 1, ONE),
    ]  # fmt: skip
    with pytest.raises(RepeatedPage):
        advanced(walk, _page("3", last=ONE))
    assert advanced(walk, _page("4", last="2026-06-02T00:00:00Z")).passed is None


@given(
    st.lists(
        st.tuples(st.sampled_from("123"), st.sampled_from([NOON, ONE]), st.sampled_from([None, "n"])),
        min_size=30,
        max_size=30,
    )
)
def test_no_server_keeps_it_going_for_ever(pages: list[tuple[str, str, str | None]]):
    def follow() -> None:
        walk = Walk()
        for digest, last, next_ in pages * 20:
            walk = advanced(walk, _page(digest, next_=next_, last=last))

    with pytest.raises(RepeatedPage):
        follow()


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


@pytest.mark.parametrize(("straight", "round_"), [(0, 2), (3, 5), (100, 7), (1, 300)])
def test_a_round_is_found_out_wherever_it_begins_and_however_long_it_is(straight: int, round_: int):
    asked = list[int]()

    def follow() -> None:
        walk = Walk()
        for place in chain(range(straight), cycle(range(straight, straight + round_))):
            asked.append(place)
            walk = advanced(walk, _page(str(place), next_="n", last=ONE))

    with pytest.raises(RepeatedPage):
        follow()
    assert straight + round_ < len(asked) <= 4 * (straight + round_)


def test_many_pages_of_one_date_are_no_round():
    walk = Walk()
    for number in range(5000):
        walk = advanced(walk, _page(str(number), next_="n", last=ONE))
    assert resumed(walk.cursor(), 600) == walk


def test_more_without_a_way_on_stops():
    with pytest.raises(FeedMalformed, match="neither"):
        advanced(Walk(after=NOON), _page("1"))


def test_the_detour_goes_by_the_last_date():
    assert by_date(Walk(under_way=True, next="n")) is None
    detour = by_date(Walk(under_way=True, next="n", last=ONE))
    assert detour is not None
    assert (detour.after, detour.next) == (JUST_BEFORE, None)


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
