"""Everything citysec raises on purpose.

CitysecError
├── SettingsError           the operator must change the configuration
├── InvalidInput            the sender must change what was sent; carries every problem with its place (400, 422)
│   └── NotEvaluable            a legal pattern that is not evaluated here: keep it, show it, never execute it
├── FeedError               one feed failed; the others carry on
│   ├── FeedUnreachable         poll again later
│   ├── FeedMalformed           not worth retrying until the publisher changes
│   └── FeedRefused             the publisher wants other credentials: a person must act
├── DeliveryError           one delivery failed
│   ├── DeliveryDeferred        try again later
│   └── DeliveryRefused         the receiver said no for good
├── PlaybookRefused         this playbook must not start
├── Unauthenticated         nobody is signed in (401)
├── TooManyAttempts         wait before trying again (429)
├── NotShared               absent, or above the reader's clearance: the two look the same (404, never 403)
├── Forbidden               the reader sees the thing but may not do this to it (403)
└── Conflict                the record changed under the caller (409)
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self


class CitysecError(Exception):
    """Root of the tree; caught only where work ends: the web middleware, the command line, the worker loop."""


class SettingsError(CitysecError):
    """The operator must change the configuration."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with an input: `at` names the place (line, field, JSON pointer), `message` the fault."""

    at: str
    message: str

    def __str__(self) -> str:
        return f"{self.at}: {self.message}" if self.at else self.message


class InvalidInput(CitysecError):
    """The sender must change what was sent.

    Args:
        problems: at least one, in the order of the input.
    """

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(map(str, self.problems)))

    @classmethod
    def at(cls, place: str, message: str) -> Self:
        """Return the error for one problem."""
        return cls((Problem(place, message),))


class NotEvaluable(InvalidInput):
    """A legal pattern asks for what is not evaluated here, or for too much: keep it, show it, never execute it."""


class FeedError(CitysecError):
    """One feed failed; the others carry on."""


class FeedUnreachable(FeedError):
    """The publisher did not answer in time or answered with a fault of its own: poll again later.

    Args:
        retry_after_s: what the publisher asked for, where it did.
    """

    def __init__(self, reason: str, *, retry_after_s: float | None = None) -> None:
        self.retry_after_s = retry_after_s
        super().__init__(reason)


class FeedMalformed(FeedError):
    """What came is not what the feed's kind says: not worth retrying until the publisher changes."""


class FeedRefused(FeedError):
    """The publisher wants other credentials, or the address is not allowed: a person must act."""


class DeliveryError(CitysecError):
    """One delivery failed."""


class DeliveryDeferred(DeliveryError):
    """The receiver is not there now: try again later.

    Args:
        retry_after_s: what the receiver asked for, where it did.
    """

    def __init__(self, reason: str, *, retry_after_s: float | None = None) -> None:
        self.retry_after_s = retry_after_s
        super().__init__(reason)


class DeliveryRefused(DeliveryError):
    """The receiver said no for good: the delivery is a dead letter until a person replays it."""


class PlaybookRefused(CitysecError):
    """This playbook must not start: unknown step or command kinds, not approved, revoked, not valid now."""


class Unauthenticated(CitysecError):
    """Nobody is signed in, or the credentials are wrong."""


class TooManyAttempts(CitysecError):
    """Too many in too short a time: wait before trying again.

    Args:
        wait_s: for how long.
    """

    def __init__(self, wait_s: float) -> None:
        self.wait_s = wait_s
        super().__init__(f"too many attempts; try again in {math.ceil(wait_s)} s")


class NotShared(CitysecError):
    """Absent, or not for this reader: the two look the same."""


class Forbidden(CitysecError):
    """The reader sees the thing but may not do this to it."""


class Conflict(CitysecError):
    """The record changed under the caller, or the change is not legal in its present state."""
