"""How long expressions may be tried: RE2 is linear, yet large ones may take 10 µs a character. Pure."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from citysec.errors import NotEvaluable

Clock = Callable[[], float]


def _standing() -> float:
    return 0.0


STANDING: Final[Clock] = _standing
"""With this one there is always time left."""


@dataclass(frozen=True, slots=True)
class Share:
    """Seconds of CPU: of the first, of those after many that have taken too much, and beside that for each byte."""

    first: float
    least: float
    for_each_byte: float


EXPRESSION: Final = Share(0.02, 0.005, 30e-9)  # others take a tenth of that
PATTERN: Final = Share(0.5, 0.1, 200e-9)  # no small expression takes more than 150 ns a byte
"""Of all expressions of a pattern, compiled and tried on all that is registered."""


class Patience:
    """The CPU time that each of several may take; the more have taken too much, the less the next may.

    `spent` is how many have.

    Args:
        size: bytes of the text that expressions are tried on.
        clock: tells the CPU time of this thread, in seconds.
        share: what is fair.
    """

    def __init__(self, size: int, clock: Clock, share: Share = EXPRESSION) -> None:
        self.spent = 0
        self._size, self._clock, self._share = size, clock, share
        self._left = self._until = 0.0
        self._over = False

    def begin(self) -> None:
        """Let the next one have its time, from now on."""
        fair = max(self._share.first / (1 + self.spent), self._share.least)
        self._left = fair + self._size * self._share.for_each_byte
        self._until = self._clock() + self._left
        self._over = False

    @contextmanager
    def resumed(self) -> Generator[None]:
        """Count only the time within, of the one that has begun; others of its expressions had theirs.

        Raises:
            NotEvaluable: none is left, in the beginning or later.
        """
        started = self._clock()
        self._until = started + self._left
        try:
            if self._left < 0:
                self._give_up()
            yield
        finally:
            self._left -= self._clock() - started

    def __call__(self) -> None:
        """Do nothing while there is time left.

        Raises:
            NotEvaluable: there is none.
        """
        if self._clock() > self._until:
            self._give_up()

    def _give_up(self) -> None:
        self.spent += not self._over
        self._over = True
        raise NotEvaluable.at("", "the expression takes too long")
