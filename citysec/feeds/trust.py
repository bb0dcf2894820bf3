"""What a feed's word is worth: pure arithmetic on its definition."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from citysec.feeds.definition import Definition, Reliability

WEIGHTS: Final = {
    Reliability.A: 1.0,
    Reliability.B: 0.8,
    Reliability.C: 0.6,
    Reliability.D: 0.4,
    Reliability.E: 0.2,
    Reliability.F: 0.5,
}
"""How much of an object's confidence a feed of that letter carries over; F is no verdict, so it lies in the middle."""


def confidence(feed: Definition, stated: int | None) -> int:
    """Return how sure we are, 0 to 100, of an object whose creator states `stated`; None is unspecified, not 0."""
    return round(WEIGHTS[feed.reliability] * (feed.confidence if stated is None else stated))


def expiry(feed: Definition, since: datetime | None, stated: datetime | None) -> datetime | None:
    """Return when an indicator stops to count: when its creator says, else a lifetime after `since`; None is never."""
    if stated is not None or feed.lifetime_days is None or since is None:
        return stated
    try:
        return since + timedelta(days=feed.lifetime_days)
    except OverflowError:
        return None
