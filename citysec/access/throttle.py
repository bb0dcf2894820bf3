"""Slows down whoever guesses passwords: a bucket of attempts per key that refills with time."""

from __future__ import annotations

from collections import OrderedDict
from typing import Final

_KEYS: Final = 10_000


class Throttle:
    """Buckets of `burst` attempts, each refilled at one attempt per `refill_s` seconds.

    Only the buckets used last are remembered: memory stays bounded whatever is thrown at us.
    """

    def __init__(self, burst: int, refill_s: float) -> None:
        self._burst, self._refill_s = burst, refill_s
        self._full_at: OrderedDict[str, float] = OrderedDict()

    def wait_s(self, key: str, at: float) -> float:
        """Return how many seconds `key` must wait for its next attempt at `at`; 0 means go on."""
        used = max(self._full_at.get(key, at) - at, 0.0)
        return max(used - (self._burst - 1) * self._refill_s, 0.0)

    def use(self, key: str, at: float) -> None:
        """Take one attempt out of the bucket of `key`."""
        self._full_at[key] = max(self._full_at.get(key, at), at) + self._refill_s
        self._full_at.move_to_end(key)
        while len(self._full_at) > _KEYS:
            self._full_at.popitem(last=False)

    def give_back(self, key: str) -> None:
        """Put the last attempt back: it was a right one."""
        if key in self._full_at:
            self._full_at[key] -= self._refill_s
