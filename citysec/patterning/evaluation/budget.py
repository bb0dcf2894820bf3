"""How much work one evaluation may take: patterns and observations come from outside."""

from __future__ import annotations

from typing import Final

from citysec.errors import NotEvaluable

MAX_STEPS: Final = 1_000_000
"""Steps that an evaluation may take beside those in proportion to its observations."""
STEPS_PER_OBSERVATION: Final = 300
SEARCHED: Final = 32
"""Characters times instructions that are a step for larger ones: RE2 may have to try each instruction on each."""


class Budget:
    """Steps that are left: a step is one value looked at, or one binding tried; a large expression takes more."""

    __slots__ = ("left",)

    def __init__(self, observations: int = 0) -> None:
        self.left = MAX_STEPS + STEPS_PER_OBSERVATION * observations

    def spend(self, steps: int = 1) -> None:
        """Take `steps`.

        Raises:
            NotEvaluable: they are more than are left.
        """
        self.left -= steps
        if self.left < 0:
            raise NotEvaluable.at("", "the pattern takes more steps to evaluate than are allowed")
