"""The work that follows from what feeds bring."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from sqlmodel.ext.asyncio.session import AsyncSession

from citysec import outbox

WORK: Final = 1000
"""Objects that one piece of work names at most."""


def hand_on(db: AsyncSession, *, shared: Collection[int] = (), correlated: Collection[int] = ()) -> None:
    """Write the work for objects that have changed: to be shared otherwise, to match otherwise."""
    for kind, objects in (("correlate", correlated), ("share", shared)):
        ids = sorted(objects)
        for start in range(0, len(ids), WORK):
            outbox.add(db, kind, {"objects": ids[start : start + WORK]})
