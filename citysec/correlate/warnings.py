"""The warning lists that count, read from the database.

The index of them is kept in memory, one per database and process, until its revision (a `Meta` row that every change of
a list renews) is another one.
"""

from __future__ import annotations

from typing import Final
from weakref import WeakKeyDictionary

from sqlalchemy import Connection, Engine, select
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from citysec.correlate.listing import Effect, Entry, EntryKind, concerns
from citysec.correlate.warned import Warner, WarningIndex
from citysec.tables.columns import new_id
from citysec.tables.warnings import WarningEntry, WarningList
from citysec.tables.work import Meta

REVISION: Final = "warnings.revision"
"""Name of the `Meta` row that is another one after each change of a list."""

_PART: Final = 5000  # entries that are read at once

_kept: WeakKeyDictionary[Engine | Connection, tuple[str, WarningIndex]] = WeakKeyDictionary()


async def current(db: AsyncSession) -> WarningIndex:
    """Return the lists that are enabled, from memory if none has changed since."""
    revision = await db.get(Meta, REVISION, populate_existing=True)
    wanted, database = revision.value if revision else "", db.get_bind()
    known, index = _kept.get(database, (None, None))
    if index is None or known != wanted:
        index = await load(db)
        _kept[database] = wanted, index
    return index


async def load(db: AsyncSession, but: str = "") -> WarningIndex:
    """Return the lists that are enabled, without the one named `but`."""
    index = WarningIndex()
    named = (col(WarningList.name), col(WarningList.effect), col(WarningList.attributes))
    connection = await db.connection()
    enabled = select(*named).where(col(WarningList.enabled), col(WarningList.name) != but)
    for name, effect, attributes in (await connection.execute(enabled.order_by(col(WarningList.name)))).all():
        warner = Warner(name, Effect(effect), concerns(attributes))
        listed = select(col(WarningEntry.kind), col(WarningEntry.key)).where(col(WarningEntry.list_name) == name)
        async with connection.stream(listed) as rows:
            async for part in rows.partitions(_PART):
                index.add(warner, (Entry(EntryKind(kind), key) for kind, key in part))
    return index


async def revise(db: AsyncSession) -> None:
    """Give the lists another `REVISION`; whoever changes one calls it.

    It is no number: one that was rolled back would come again, for other lists.
    """
    await db.merge(Meta(name=REVISION, value=new_id()))
