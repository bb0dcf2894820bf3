"""Which names the allow list exempts: they look like registered ones, and a person says that they are harmless."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from citysec.correlate.batches import batches
from citysec.observable import parents, reverse_labels
from citysec.tables.lookalikes import AllowedName

_IDS: Final = 500  # keys in one statement


async def allowed(db: AsyncSession, names: Collection[str]) -> dict[str, AllowedName]:
    """Return those of the names that are on the list, or below a name that is, with the entry."""
    above = {name: [(key := reverse_labels(name)), *parents(key)] for name in names}
    entries: dict[str, AllowedName] = {}
    for part in batches(sorted({key for keys in above.values() for key in keys}), _IDS):
        entries |= {row.key: row for row in await db.exec(select(AllowedName).where(col(AllowedName.key).in_(part)))}
    hits = {name: next((entries[key] for key in keys if key in entries), None) for name, keys in above.items()}
    return {name: entry for name, entry in hits.items() if entry is not None}
