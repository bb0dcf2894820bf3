"""What a feed's word is worth, and for how long."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from citysec.feeds import trust
from citysec.feeds.definition import BundleFeed
from citysec.tables.feeds import word_ends

DAY_S = 86400


@pytest.mark.parametrize(
    ("sure", "floor", "speed", "days"),
    [(100, 0, 1, 10), (100, 50, 1, 5), (100, 50, 2, 2.5), (40, 50, 1, 0), (0, 0, 1, 0)],
)
def test_confidence_decays_as_in_misps_polynomial(
    bundle_feed: BundleFeed, sure: int, floor: int, speed: float, days: float
):
    feed = bundle_feed.model_copy(update={"lifetime_days": 10, "floor": floor, "decay_speed": speed})
    assert trust.lasts_s(feed, sure, "[url:value = 'x']") == days * DAY_S


@pytest.mark.parametrize(
    ("pattern", "days"),
    [("[url:value = 'x']", 3), (" ( [ file:name = 'x'] )", 10), ("", 10), ("[urls:value = 'x']", 10)],
)
def test_each_kind_of_observable_may_have_its_own_lifetime(bundle_feed: BundleFeed, pattern: str, days: int):
    feed = bundle_feed.model_copy(update={"lifetime_days": 10, "lifetimes": {"url": 3.0}})
    assert trust.lasts_s(feed, 50, pattern) == days * DAY_S


@given(st.datetimes(timezones=st.just(UTC)), st.floats(0, 36500 * DAY_S))
def test_what_was_fresh_at_any_hour_ends_on_one_day(fresh_at: datetime, lasts_s: float):
    morning = fresh_at.replace(hour=0, minute=0, second=0, microsecond=1)
    end = word_ends(None, None, fresh_at, lasts_s, None)
    assert end is None or end >= fresh_at
    if lasts_s and fresh_at > morning:
        assert end == word_ends(None, None, morning, lasts_s, None)


def test_what_lasts_for_no_time_never_counts():
    noon = datetime(2026, 6, 1, 12, tzinfo=UTC)
    assert word_ends(None, None, noon, 0, None) == word_ends(None, 0, None, 0, noon) == noon
