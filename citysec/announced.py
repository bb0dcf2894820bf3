"""The table of announced prefixes that is stored: what of it is left to some systems, and who says so."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import date, datetime
from typing import Final

import msgspec
from sqlalchemy import ColumnElement, and_, or_, select
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from citysec.observable import inside, is_single
from citysec.routing import Announcement, Share, outermost, shares
from citysec.tables.announced import AnnouncedPrefix
from citysec.tables.work import Meta

META: Final = "announced"
"""Name of the `Meta` row that says what the table is."""

_NUMBERS: Final = 500  # numbers in one statement
_RANGES: Final = 50  # ranges in one statement

_COLUMNS: Final = (col(AnnouncedPrefix.key), col(AnnouncedPrefix.system), col(AnnouncedPrefix.certain))


class Origin(msgspec.Struct, frozen=True):
    """What the table is.

    Args:
        source: who says so, in a few words.
        dated: of which day it is.
        prefixes: how many announcements it holds.
        imported_at: since when it counts.
    """

    source: str
    dated: date
    prefixes: int
    imported_at: datetime

    @property
    def said(self) -> str:
        """It, to stand behind "according to"."""
        return f"{self.source} of {self.dated.day} {self.dated:%B %Y}"


async def origin(db: AsyncSession) -> Origin | None:
    """Return what the stored table is, None where there is none."""
    row = await db.get(Meta, META, populate_existing=True)
    return msgspec.json.decode(row.value, type=Origin) if row and row.value else None


async def shares_of(db: AsyncSession, systems: Collection[int]) -> dict[int, tuple[Share, ...]]:
    """Return system -> what the table leaves to it; systems to which it leaves nothing are not in it."""
    mine = await _announced(db, systems)
    if not mine:
        return {}
    every = sorted(mine | await _inside(db, outermost({one.key for one in mine})))
    found = {system: shares(system, every) for system in {one.system for one in mine}}
    return {system: left for system, left in found.items() if left}


async def _announced(db: AsyncSession, systems: Collection[int]) -> set[Announcement]:
    numbers, connection, found = sorted(systems), await db.connection(), set[Announcement]()
    for start in range(0, len(numbers), _NUMBERS):
        part = col(AnnouncedPrefix.system).in_(numbers[start : start + _NUMBERS])
        found.update(Announcement(*row) for row in await connection.execute(select(*_COLUMNS).where(part)))
    return found


async def _inside(db: AsyncSession, keys: Iterable[str]) -> set[Announcement]:
    """Return what is announced inside these prefixes."""
    wider = [inside(key) for key in keys if not is_single(key)]
    connection, found = await db.connection(), set[Announcement]()
    for start in range(0, len(wider), _RANGES):
        part = or_(*(_between(low, high) for low, high in wider[start : start + _RANGES]))
        found.update(Announcement(*row) for row in await connection.execute(select(*_COLUMNS).where(part)))
    return found


def _between(low: str, high: str) -> ColumnElement[bool]:
    return and_(col(AnnouncedPrefix.key) >= low, col(AnnouncedPrefix.key) < high)
