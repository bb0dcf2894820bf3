"""What a feed's word is worth: pure arithmetic on its definition."""

from __future__ import annotations

from typing import Final

from citysec.feeds.definition import Definition, Reliability, Semantics

WEIGHTS: Final = {
    Reliability.A: 1.0,
    Reliability.B: 0.8,
    Reliability.C: 0.6,
    Reliability.D: 0.4,
    Reliability.E: 0.2,
    Reliability.F: 0.5,
}
"""How much of an object's confidence a feed of that letter carries over; F is no verdict, so it lies in the middle."""
STANDING_DAYS: Final = 30.0
"""How long what a list had counts when the list comes no more, where its definition does not say."""


def confidence(feed: Definition, stated: int | None) -> int:
    """Return how sure we are, 0 to 100, of an object whose creator states `stated`; None is unspecified, not 0."""
    return round(WEIGHTS[feed.reliability] * (feed.confidence if stated is None else stated))


def lasts_s(feed: Definition, sure: int, pattern: str | None) -> float | None:
    """Return how many seconds the feed's word on what it is `sure` of counts after it was fresh; None is for ever.

    Confidence falls as `sure · (1 - (t/τ)^(1/δ))`, the polynomial of MISP's decay models, τ being the feed's lifetime
    for what the pattern first looks for and δ its decay speed; it counts until it meets the feed's floor.
    """
    lifetime = feed.lifetimes.get(_kind(pattern or ""), days(feed))
    if lifetime is None:
        return None
    left = max(0.0, 1 - feed.floor / sure) if sure else 0.0
    return lifetime * 86400 * left**feed.decay_speed


def days(feed: Definition) -> float | None:
    """Return the feed's lifetime in days for what it names no other for; None is for ever."""
    return feed.lifetime_days or (STANDING_DAYS if feed.semantics is Semantics.SNAPSHOT else None)


def _kind(pattern: str) -> str:
    """Return the type of the first object that a STIX pattern looks for, for instance `url`."""
    return pattern.lstrip("[( \t\n").partition(":")[0]
