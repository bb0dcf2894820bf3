"""How long expressions may be tried: RE2 is linear, yet large ones may take 10 µs a character. Pure."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from citysec.errors import NotEvaluable

Clock = Callable[[], float]


def _standing() -> float:
    return 0.0


STANDING: Final[Clock] = _standing
"""With this one there is always time left."""
_FIRST_S: Final = 0.02
_LEAST_S: Final = 0.005
_FOR_EACH_BYTE_S: Final = 30e-9  # others take a tenth of that


class Patience:
    """The CPU time that each of several expressions may take; the more have taken too much, the less the next may.

    Args:
        size: bytes of the text that each of them is tried on.
        clock: tells the CPU time of this thread, in seconds.
    """

    def __init__(self, size: int, clock: Clock) -> None:
        self._clock = clock
        self._for_text = size * _FOR_EACH_BYTE_S
        self._spent = 0
        self._until = 0.0

    def begin(self) -> None:
        """Let the next expression have its time."""
        fair = max(_FIRST_S / (1 + self._spent), _LEAST_S)
        self._until = self._clock() + fair + self._for_text

    def __call__(self) -> None:
        """Do nothing while there is time left.

        Raises:
            NotEvaluable: there is none.
        """
        if self._clock() > self._until:
            self._spent += 1
            raise NotEvaluable.at("", "the expression takes too long")
