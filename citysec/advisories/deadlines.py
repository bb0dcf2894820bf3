"""By when an answer is wanted, and when to remind. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True)
class Deadline:
    """For one severity: how long a constituent may take to answer, and when it is reminded meanwhile.

    Args:
        answer_within: from the moment of publishing.
        remind_after: likewise, in order, each before `answer_within`.
    """

    answer_within: timedelta
    remind_after: tuple[timedelta, ...] = ()


Deadlines = Mapping[str, Deadline]
"""Severity -> deadline; the strategy has one for each."""


def due_at(published_at: datetime, deadline: Deadline, number: int) -> datetime:
    """Return when reminder `number` (from 1) is due; the number after the last is when the answer is overdue."""
    moments = (*deadline.remind_after, deadline.answer_within)
    return published_at + moments[number - 1]
