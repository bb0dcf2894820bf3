"""By when an answer is wanted, and when to remind. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True)
class Deadline:
    """For one severity: how long a constituent may take to answer, and how often it is reminded meanwhile."""

    answer_within: timedelta
    reminders: int


Deadlines = Mapping[str, Deadline]
"""Severity -> deadline; the strategy has one for each."""


def due_at(published_at: datetime, deadline: Deadline, number: int) -> datetime:
    """Return when reminder `number` is due; the number after the last one is the moment the answer is overdue.

    The reminders divide the time to answer into equal parts: with two in three hours they come after one and two.
    """
    return published_at + deadline.answer_within * number / (deadline.reminders + 1)
