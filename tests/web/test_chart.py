"""The drawing of a feed's last polls."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from citysec.web.chart import LEFT, SLOTS, Outcome, chart
from tests.web.sample_names import NOW

_counts = st.integers(0, 10**9)
OUTCOMES = st.lists(st.builds(Outcome, at=st.just(NOW), new=_counts, gone=_counts, failed=st.booleans()), max_size=50)


def _polls(*new: int, gone: int = 0) -> list[Outcome]:
    return [Outcome(NOW + timedelta(hours=n), number, gone, failed=False) for n, number in enumerate(new)]


@pytest.mark.parametrize("polls", [[], _polls(5)])
def test_one_poll_alone_is_not_drawn(polls: list[Outcome]):
    assert chart(polls) is None


def test_the_last_polls_are_drawn_the_newest_on_the_right():
    many = chart(_polls(*range(40)))
    assert many
    assert (len(many.bars), many.since, many.until) == (SLOTS, NOW + timedelta(hours=10), NOW + timedelta(hours=39))
    assert [bar.x for bar in many.bars] == sorted(bar.x for bar in many.bars)


def test_heights_follow_the_number_of_digits_in_both_directions():
    drawn = chart(_polls(0, 1, 100, 10_000, gone=100))
    assert drawn
    nothing, one, hundred, most = [bar.up for bar in drawn.bars]
    assert nothing == 0 < one < hundred
    assert most == pytest.approx(2 * hundred, abs=0.2)
    assert {bar.down for bar in drawn.bars} == {hundred}
    assert [line.said for line in drawn.lines] == ["10", "100", "1k", "10k"]


@given(OUTCOMES)
def test_everything_lies_within_the_drawing(outcomes: list[Outcome]):
    drawn = chart(outcomes)
    for bar in drawn.bars if drawn else ():
        assert drawn
        assert bar.x >= LEFT
        assert bar.x + bar.width <= drawn.width
        assert bar.up <= drawn.base
        assert drawn.base + bar.down <= drawn.height
