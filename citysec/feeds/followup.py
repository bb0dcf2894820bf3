"""The work that follows from what feeds bring."""

from __future__ import annotations

from collections.abc import Collection

from sqlmodel.ext.asyncio.session import AsyncSession

from citysec import outbox


def hand_on(db: AsyncSession, *, shared: Collection[int] = (), correlated: Collection[int] = ()) -> None:
    """Write the work for objects that have changed: to be shared otherwise, to match otherwise."""
    outbox.add_parts(db, "correlate", "objects", sorted(correlated))
    outbox.add_parts(db, "share", "objects", sorted(shared))
