"""The table of announced prefixes that is stored: what of it is left to some systems, and who says so."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import date, datetime
from typing import Final

import msgspec
from sqlalchemy import ColumnElement, and_, or_, select
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from citysec.blocks import around, inside, is_single, parse_network_key
from citysec.routing import Announcement, Share, outermost, shares
from citysec.tables.announced import AnnouncedPrefix
from citysec.tables.work import Meta

META: Final = "announced"
"""Name of the `Meta` row that says what the table is."""

_NUMBERS: Final = 500  # numbers in one statement
_RANGES: Final = 50  # ranges in one statement

_KEY: Final = col(AnnouncedPrefix.key)
_COLUMNS: Final = (_KEY, col(AnnouncedPrefix.system), col(AnnouncedPrefix.certain))


class Origin(msgspec.Struct, frozen=True):
    """What the table is.

    Args:
        source: who says so, in a few words.
        dated: of which day it is.
        prefixes: how many announcements it holds.
        imported_at: since when it counts.
        edition: of its rows.
    """

    source: str
    dated: date
    prefixes: int
    imported_at: datetime
    edition: int = 0

    @property
    def said(self) -> str:
        """It, to stand behind "according to"."""
        return f"{self.source} of {self.dated.day} {self.dated:%B %Y}"


async def origin(db: AsyncSession) -> Origin | None:
    """Return what the stored table is, None where there is none."""
    row = await db.get(Meta, META, populate_existing=True)
    return msgspec.json.decode(row.value, type=Origin) if row and row.value else None


async def shares_of(
    db: AsyncSession, systems: Collection[int], edition: int | None = None
) -> dict[int, tuple[Share, ...]]:
    """Return system -> what the table leaves to it, the one that counts or another edition.

    Systems to which it leaves nothing are not in it.
    """
    if not systems:
        return {}
    if edition is None:
        table = await origin(db)
        edition = table.edition if table else 0
    mine = await _announced(db, edition, systems)
    every = sorted(mine | await _inside(db, edition, outermost({one.key for one in mine})))
    found = {system: shares(system, every) for system in {one.system for one in mine}}
    return {system: left for system, left in found.items() if left}


async def announcing(db: AsyncSession, key: str) -> list[Announcement]:
    """Return the announcements of prefixes around the block `key`, the longest last."""
    table = await origin(db)
    here = (col(AnnouncedPrefix.edition) == (table.edition if table else 0), _KEY.in_(list(around(key))))
    rows = await (await db.connection()).execute(select(*_COLUMNS).where(*here).order_by(_KEY))
    return sorted((Announcement(*row) for row in rows), key=lambda one: parse_network_key(one.key)[1])


async def _announced(db: AsyncSession, edition: int, systems: Collection[int]) -> set[Announcement]:
    numbers, connection, found = sorted(systems), await db.connection(), set[Announcement]()
    query = select(*_COLUMNS).where(col(AnnouncedPrefix.edition) == edition)
    for start in range(0, len(numbers), _NUMBERS):
        part = col(AnnouncedPrefix.system).in_(numbers[start : start + _NUMBERS])
        found.update(Announcement(*row) for row in await connection.execute(query.where(part)))
    return found


async def _inside(db: AsyncSession, edition: int, keys: Iterable[str]) -> set[Announcement]:
    """Return what is announced inside these prefixes."""
    wider = [inside(key) for key in keys if not is_single(key)]
    connection, found = await db.connection(), set[Announcement]()
    for start in range(0, len(wider), _RANGES):
        part = or_(*(_between(edition, low, high) for low, high in wider[start : start + _RANGES]))
        found.update(Announcement(*row) for row in await connection.execute(select(*_COLUMNS).where(part)))
    return found


def _between(edition: int, low: str, high: str) -> ColumnElement[bool]:
    return and_(col(AnnouncedPrefix.edition) == edition, low <= _KEY, high > _KEY)
