"""Changing the allow list of names that look like registered ones.

What it says counts for the names below, too, and for the matches that stand: they end, and come back when it is taken
back.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select
from sqlmodel import col
from sqlmodel import select as rows_of
from sqlmodel.ext.asyncio.session import AsyncSession

from citysec import outbox
from citysec.access import audit
from citysec.correlate.reconcile import LOCK
from citysec.correlate.subjects import inside
from citysec.db import alone
from citysec.errors import Conflict, InvalidInput
from citysec.lookalikes.names import parts
from citysec.observable import Observable, domain_name
from citysec.tables.columns import now
from citysec.tables.feeds import IndicatorKey
from citysec.tables.lookalikes import AllowedName


async def listed(db: AsyncSession) -> Sequence[AllowedName]:
    """Return the list, the newest first."""
    return (await db.exec(rows_of(AllowedName).order_by(col(AllowedName.at).desc(), col(AllowedName.key)))).all()


async def allow(db: AsyncSession, text: str, note: str, actor: str) -> AllowedName:
    """Put a name on the list; the matches of lookalikes by it and by names below it end.

    Args:
        db: a writing session.
        text: the name.
        note: why.
        actor: who does it.

    Raises:
        InvalidInput: `text` is no name, or one that many share.
        Conflict: it is on the list already.
    """
    name = _name(text)
    if parts(name.value) is None:
        raise InvalidInput.at("name", f"{name.value} is a public suffix: what is below it has many owners")
    await alone(db, LOCK)
    if await db.get(AllowedName, name.key) is not None:
        raise Conflict(f"{name.value} is allowed already")
    entry = AllowedName(key=name.key, note=note.strip(), by=actor, at=now())
    db.add(entry)
    await audit.record(db, actor, "lookalike.allow", f"lookalike:{name.value}", {"note": entry.note})
    await _again(db, name.key)
    return entry


async def disallow(db: AsyncSession, text: str, actor: str) -> AllowedName:
    """Take a name off the list, and return what stood there; the matches that it had ended come back.

    Raises:
        InvalidInput: it is not on the list.
    """
    name = _name(text)
    await alone(db, LOCK)
    entry = await db.get(AllowedName, name.key)
    if entry is None:
        raise InvalidInput.at("name", f"{name.value} is not on the allow list")
    await db.delete(entry)
    await audit.record(db, actor, "lookalike.disallow", f"lookalike:{name.value}", {"note": entry.note})
    await _again(db, name.key)
    return entry


def _name(text: str) -> Observable:
    try:
        return domain_name(text)
    except InvalidInput as err:
        raise InvalidInput.at("name", err.problems[0].message) from err


async def _again(db: AsyncSession, key: str) -> None:
    """Have what speaks of the name, or of names below it, correlated again."""
    query = select(col(IndicatorKey.object_id)).where(inside(key)).distinct()
    ids = (await (await db.connection()).execute(query)).scalars().all()
    outbox.add_parts(db, "correlate", "objects", sorted(ids))
