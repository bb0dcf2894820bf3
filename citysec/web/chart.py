"""The drawing of a feed's last polls: pure geometry, in units of the drawing.

Heights follow the number of digits: a first poll of a hundred thousand stands beside later ones of ten, and both can be
seen. The table beside the drawing has the numbers.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

SLOTS: Final = 30
ACROSS: Final = 330
"""Room for the bars."""
LEFT: Final = 30
"""Room for the figures beside the lines."""
TALL: Final = 112
"""Height of the tallest bar and the deepest one together."""
TOP: Final = 8
_GAP: Final = 4
_WIDEST: Final = 16


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one poll came to."""

    at: datetime
    new: int
    gone: int
    failed: bool


@dataclass(frozen=True, slots=True)
class Bar:
    """One poll: heights from the base line up and down; `failed` is marked at the base line."""

    x: float
    width: float
    up: float
    down: float
    failed: bool


@dataclass(frozen=True, slots=True)
class Line:
    """A line across with its figure."""

    y: float
    said: str


@dataclass(frozen=True, slots=True)
class Chart:
    """The drawing: `base` is where nothing has come and nothing gone."""

    bars: Sequence[Bar]
    lines: Sequence[Line]
    base: int
    width: int
    height: int
    since: datetime
    until: datetime


def chart(outcomes: Sequence[Outcome]) -> Chart | None:
    """Return the drawing of the last polls, given the oldest first; None where two are not there to be compared."""
    shown = outcomes[-SLOTS:]
    if len(shown) < 2:
        return None
    top = max(1, *(math.ceil(_size(one.new)) for one in shown))
    deepest = max(math.ceil(_size(one.gone)) for one in shown)
    unit, slot = TALL / (top + deepest), ACROSS / len(shown)
    width = min(slot - _GAP, _WIDEST)
    base = round(TOP + top * unit)
    bars = [
        Bar(
            x=round(LEFT + (place + 0.5) * slot - width / 2, 1),
            width=round(width, 1),
            up=round(_size(one.new) * unit, 1),
            down=round(_size(one.gone) * unit, 1),
            failed=one.failed,
        )
        for place, one in enumerate(shown)
    ]
    step = math.ceil(top / 4)
    lines = [Line(round(base - power * unit, 1), _figure(power)) for power in range(step, top + 1, step)]
    return Chart(bars, lines, base, LEFT + ACROSS, TOP + TALL + 4, shown[0].at, shown[-1].at)


def _size(number: int) -> float:
    """Return 0 for nothing, 1 for 10, 2 for 100 …, and in between for what is; a single one can still be seen."""
    return max(math.log10(number), 0.12) if number else 0.0


def _figure(power: int) -> str:
    thousands, rest = divmod(power, 3)
    return f"{10**rest}{['', 'k', 'M', 'G', 'T'][min(thousands, 4)]}"
