"""When a delivery that failed is tried again, and when it is given up. Pure."""

from __future__ import annotations

from typing import Final

ATTEMPTS: Final = 10
"""So often a message is tried; with the usual waits between them that is more than four hours."""

FIRST_S: Final = 30.0
_LONGEST_S: Final = 4 * 3600.0


def wait_s(attempts: int, asked_s: float | None = None, first_s: float = FIRST_S) -> float | None:
    """Return how long to wait after failed attempt number `attempts`, None when it was the last.

    Args:
        attempts: from 1.
        asked_s: how long the receiver wants us to wait at least; more than the longest wait is not granted.
        first_s: wait after the first attempt; each further one is twice as long.
    """
    if attempts >= ATTEMPTS:
        return None
    return min(max(first_s * 2 ** (attempts - 1), asked_s or 0.0), _LONGEST_S)
