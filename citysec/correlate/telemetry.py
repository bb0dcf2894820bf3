"""Telemetry: what a constituent's machines report, taken in by parts and compared with all indicators.

What touches no indicator is forgotten at once: it is never written anywhere, unless the settings keep it for a while.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import islice
from typing import Final

from sqlmodel import col, delete
from sqlmodel.ext.asyncio.session import AsyncSession

from citysec.correlate import kept
from citysec.correlate.observing import record
from citysec.correlate.sifting import Sifted, sift
from citysec.correlate.sighted import Sighted, Telling
from citysec.db import Database
from citysec.errors import Problem
from citysec.patterning.evaluation.observed import microseconds
from citysec.tables.sightings import Report
from citysec.telemetry import Seen
from citysec.telemetry.reading import Item

PART: Final = 20_000
"""Observations that are looked at together; of the others before them only those are held that touch an indicator."""
SHOWN: Final = 100
"""Faults that an answer names; their number is exact."""
AHEAD: Final = timedelta(days=1)
"""How far a clock may be ahead of ours."""
REMEMBERED: Final = timedelta(days=7)
"""How long the same batch counts as sent already."""
_FUTURE: Final = "seen_at lies in the future"


@dataclass(slots=True)
class Taken:
    """What came of observations: how many there were, what is wrong with some, and what is left of the others.

    `all` of them are held only where they are to be kept.
    """

    received: int = 0
    rejected: int = 0
    faults: list[Problem] = field(default_factory=list[Problem])
    left: Sifted = field(default_factory=Sifted)
    all: list[Seen] = field(default_factory=list[Seen])

    def add(self, items: Iterable[Item], latest: int) -> list[Seen]:
        """Count items, and return those that are observations that can be used."""
        usable: list[Seen] = []
        for item in items:
            if isinstance(item, Problem):
                self._reject(item)
            elif item.last > latest:
                self._reject(Problem(item.at, _FUTURE))
            else:
                usable.append(item)
        self.received += len(usable)
        return usable

    def _reject(self, fault: Problem) -> None:
        self.rejected += 1
        if len(self.faults) < SHOWN:
            self.faults.append(fault)


async def take_in(database: Database, items: Iterable[Item], at: datetime, *, keep: bool = False) -> Taken:
    """Return what of `items` touches an indicator, and what is wrong with others; nothing is written.

    With `keep`, all that can be used is held, to be written down with it.

    Raises:
        InvalidInput: from `items`.
    """
    taken, latest, waiting = Taken(), microseconds(at + AHEAD), iter(items)
    seen: list[Seen] = []
    while part := await asyncio.to_thread(_part, waiting, taken, latest):
        async with database.reading() as db:
            found = await sift(db, part)
        seen += found.seen
        taken.all += part if keep else ()
        for object_id, facts in found.objects.items():
            taken.left.objects.setdefault(object_id, set()).update(facts)
    taken.left.seen = seen
    return taken


def _part(waiting: Iterator[Item], taken: Taken, latest: int) -> list[Seen]:
    """Return the next observations, none at the end."""
    while items := list(islice(waiting, PART)):
        if found := taken.add(items, latest):
            return found
    return []


def batch_id(*parts: str | bytes) -> str:
    """Return what names a batch by who sent what for whom."""
    digest = hashlib.sha256()
    for part in parts:
        octets = part.encode() if isinstance(part, str) else part
        digest.update(len(octets).to_bytes(8, "big") + octets)
    return digest.hexdigest()


async def write_down(db: AsyncSession, taken: Taken, telling: Telling, batch: str) -> list[Sighted]:
    """Write down what was seen, and what is to be kept, of the batch named `batch`.

    Args:
        db: the caller's transaction.
        taken: of `take_in`.
        telling: who says so.
        batch: its `batch_id`.
    """
    found = await record(db, taken.left, telling)
    await kept.keep(db, taken.all, telling.constituent_id, batch, telling.at)
    return found


async def forget(db: AsyncSession, at: datetime, keep_hours: float) -> None:
    """Forget what was kept for `keep_hours`, and which batches have come that are too old to be sent again."""
    await kept.forget(db, at, keep_hours)
    await db.exec(delete(Report).where(col(Report.at) < at - REMEMBERED))
