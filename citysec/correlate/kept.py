"""Observations that are kept for a while, where the settings say so: looked at again for what is said only later.

They are looked at for indicators that have not been seen at their constituent yet: what has, was counted when it came.
Only facts are kept, so what is said of other properties finds nothing in them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import ColumnElement, Select, and_, delete, func, or_, select, text, true
from sqlmodel import col
from sqlmodel import select as rows_of
from sqlmodel.ext.asyncio.session import AsyncSession

from citysec.blocks import within
from citysec.bulk import insert_many
from citysec.correlate.batches import batches
from citysec.db import dialect
from citysec.observable import Kind, Observable
from citysec.patterning import Atom, Op
from citysec.tables.columns import indexable
from citysec.tables.sightings import Observed
from citysec.telemetry import Fact, Seen

_IDS: Final = 500  # ids in one statement
_MOST: Final = 10_000
"""Observations of a constituent that are looked at again for one indicator: the newest."""


async def keep(db: AsyncSession, seen: Iterable[Seen], constituent_id: str, batch: str, at: datetime) -> None:
    """Keep the facts of observations, save those that are too long for an index."""
    rows: list[dict[str, Any]] = [
        {
            "constituent_id": constituent_id,
            "observation": f"{batch}:{one.at}",
            "type": fact.type,
            "role": fact.role,
            "kind": fact.found.kind.value,
            "key": fact.found.key,
            "value": fact.found.value,
            "first_seen": one.first,
            "last_seen": one.last,
            "count": one.number,
            "told_at": at,
        }
        for one in seen
        for fact in one.facts
        if indexable(fact.found.key)
    ]
    await insert_many(db, Observed, rows)


async def forget(db: AsyncSession, at: datetime, keep_hours: float) -> None:
    """Forget what has been kept for `keep_hours`, so that nothing of it is left in the database's pages."""
    if dialect(db) == "sqlite":
        await (await db.connection()).execute(text("PRAGMA secure_delete = ON"))
    await db.exec(delete(Observed).where(col(Observed.told_at) <= at - timedelta(hours=keep_hours)))


async def any_kept(db: AsyncSession) -> bool:
    """Return whether anything is kept."""
    return (await db.exec(rows_of(Observed.id).limit(1))).first() is not None


async def speaking_of(
    db: AsyncSession, atoms: Sequence[Atom], constituent_id: str | None = None
) -> Mapping[str, list[Seen]]:
    """Return constituent -> the kept observations that have a fact in common with `atoms`.

    Args:
        db: a session.
        atoms: of an indicator; expressions find nothing.
        constituent_id: only of that constituent; None is of all.
    """
    alike = [_alike(atom) for atom in atoms if atom.op not in {Op.LIKE, Op.MATCHES}]
    if not alike:
        return {}
    here = true() if constituent_id is None else col(Observed.constituent_id) == constituent_id
    connection, names = await db.connection(), set[str]()
    for part in batches(alike, 100):
        names.update((await connection.execute(_newest(and_(here, or_(*part))))).scalars())
    return await _observations(db, names)


def _newest(where: ColumnElement[bool]) -> Select[str]:
    """Return what asks for the newest observations of each constituent: who has many hides nobody else's."""
    body, name = col(Observed.constituent_id), col(Observed.observation)
    rank = func.row_number().over(partition_by=body, order_by=func.max(col(Observed.id)).desc())
    found = select(name, rank.label("rank")).where(where).group_by(body, name).subquery()
    return select(found.c.observation).where(found.c.rank <= _MOST)


def _alike(atom: Atom) -> Any:
    kind, key = col(Observed.kind) == atom.kind.value, col(Observed.key)
    if atom.kind is not Kind.IP:
        return and_(kind, key == atom.key)
    low, high = within(atom.key)  # as one range: with OR, SQLite reads all addresses that are kept
    return and_(kind, key >= low, key < high)


async def _observations(db: AsyncSession, names: Collection[str]) -> Mapping[str, list[Seen]]:
    rows: dict[str, list[Observed]] = {}
    for part in batches(sorted(names), _IDS):
        found = rows_of(Observed).where(col(Observed.observation).in_(part)).order_by(col(Observed.id))
        for row in await db.exec(found):
            rows.setdefault(row.observation, []).append(row)
    seen: dict[str, list[Seen]] = {}
    for name, several in rows.items():
        first = several[0]
        facts = tuple(Fact(row.type, Observable(Kind(row.kind), row.key, row.value), row.role) for row in several)
        seen.setdefault(first.constituent_id, []).append(
            Seen(name, first.first_seen, first.last_seen, first.count, facts)
        )
    return seen
