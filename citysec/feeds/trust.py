"""What a feed's word is worth: pure arithmetic on its definition."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
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


def decayed(feed: Definition, sure: int, pattern: str | None, seen: datetime | None) -> datetime | None:
    """Return when the feed's word on what was last seen at `seen` counts no more; None is never.

    Confidence falls as `sure · (1 - (t/τ)^(1/δ))`, the polynomial of MISP's decay models, τ being the feed's lifetime
    for what the pattern first looks for and δ its decay speed; it counts until it meets the feed's floor.
    """
    days = feed.lifetimes.get(_kind(pattern or ""), feed.lifetime_days)
    if days is None or seen is None:
        return None
    left = max(0.0, 1 - feed.floor / sure) if sure else 0.0
    try:
        return seen + timedelta(days=days * left**feed.decay_speed)
    except OverflowError:
        return None


def _kind(pattern: str) -> str:
    """Return the type of the first object that a STIX pattern looks for, for instance `url`."""
    return pattern.lstrip("[( \t\n").partition(":")[0]


def end_of_day(at: datetime) -> datetime:
    """Return the end of the day of `at` in UTC: lists that repeat themselves renew what they say once a day."""
    return at.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
