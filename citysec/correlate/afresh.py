"""The whole register against all that is stored, as after a restore or an upgrade that has changed the rules."""

from __future__ import annotations

from sqlalchemy import select
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from citysec import outbox
from citysec.correlate.assets import whole_register
from citysec.correlate.search import scan
from citysec.tables.matches import Match


async def concerned(db: AsyncSession) -> list[int]:
    """Return the row ids of all objects that touch an asset, may do so, or have an open match; sorted.

    What only looks like a registered name is not among them: that has its own index (`lookalikes`).
    """
    index = (await whole_register(db)).index
    found = {object_id async for object_id in scan(db, index)}
    matched = select(col(Match.object_id)).where(col(Match.closed_at).is_(None)).distinct()
    return sorted(found.union((await (await db.connection()).execute(matched)).scalars()))


def hand_on(db: AsyncSession, object_ids: list[int]) -> None:
    """Have these objects correlated again: matches are opened, changed and closed as if all were new."""
    outbox.add_parts(db, "correlate", "objects", object_ids)
