"""The table of announced prefixes in the database: what a file would change for registered systems, and changing it.

One table counts at a time. It says which addresses an asset of kind `asn` stands for.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

import msgspec
from sqlalchemy import and_, delete, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from citysec.access import audit
from citysec.announced import META, Origin, origin, shares_of
from citysec.constituency import register
from citysec.constituency.announcements import Lines, table, usable
from citysec.db import Database, alone
from citysec.errors import Conflict
from citysec.observable import AssetKind
from citysec.routing import Announcement, Share
from citysec.tables.announced import AnnouncedPrefix
from citysec.tables.columns import now
from citysec.tables.register import Asset, AssetOwner
from citysec.tables.work import Meta

EDITION: Final = "announced.edition"
"""Name of the `Meta` row with the number of the last edition."""
_LOCK: Final = "announced"
_INTO: Final = "INSERT INTO announced_prefix (edition, key, system, certain) VALUES"
_INSERT: Final = {
    "sqlite": f"{_INTO} (?, ?, ?, ?) ON CONFLICT DO NOTHING",
    "postgresql": f"{_INTO} ($1, $2, $3, $4) ON CONFLICT DO NOTHING",
}
_ROWS: Final = 5000  # in one statement


@dataclass(frozen=True, slots=True)
class Concern:
    """A registered system whose prefixes change, or what other systems take out of them."""

    asset_id: int
    system: int
    before: tuple[Share, ...]
    after: tuple[Share, ...]


@dataclass(frozen=True, slots=True)
class Change:
    """What another table would change.

    Args:
        origin: of the table; None where it is taken away.
        too_wide: announcements left out for their width (`routing.WIDEST`).
        concerns: registered systems for which it says something else.
    """

    origin: Origin | None
    too_wide: int
    concerns: tuple[Concern, ...]


async def plan(db: AsyncSession, lines: Lines, source: str, dated: date) -> Change:
    """Return what putting a table in the place of the present one would change; nothing is changed.

    Raises:
        InvalidInput: lines are bad; the first are named, and all counted.
    """
    systems = await _registered(db)
    read = table(lines, systems)
    found = Origin(source, dated, read.prefixes, now())
    return Change(found, read.too_wide, await _concerns(db, systems, read.shares))


async def apply(database: Database, change: Change, lines: Lines, actor: str) -> None:
    """Put the table in the place of the present one, and have the systems concerned matched again.

    Its rows are written in many short transactions, so that nobody waits for millions of them, and count by the last.

    Args:
        database: nobody else of this process need be kept out of it.
        change: of `plan`.
        lines: the same lines.
        actor: account name, for the audit.

    Raises:
        Conflict: meanwhile another table was taken in.
    """
    if change.origin is None:
        return
    async with database.writing() as db:
        edition = await _next_edition(db)
    for part in _parts(usable(lines())):
        async with database.writing() as db:
            await _insert(await db.connection(), edition, part)
    async with database.writing() as db:
        await alone(db, _LOCK)
        present, systems = await origin(db), await _registered(db)
        if present and present.edition > edition:
            raise Conflict("another table of prefixes was taken in meanwhile")
        concerns = await _concerns(db, systems, await shares_of(db, systems, edition))
        table = msgspec.structs.replace(change.origin, edition=edition, imported_at=now())
        await _counts(db, Change(table, change.too_wide, concerns), actor)
    await _forget(database, edition)


async def remove(database: Database, actor: str) -> Change:
    """Take the table away: no address is announced by anybody any more, as far as is known here."""
    async with database.writing() as db:
        await alone(db, _LOCK)
        change = Change(None, 0, await _concerns(db, await _registered(db), {}))
        present = await origin(db)
        await _counts(db, change, actor)
    if present is not None:
        await _forget(database, present.edition + 1)  # another that comes in just now counts when it is whole
    return change


async def _next_edition(db: AsyncSession) -> int:
    """Return a number that no edition has had."""
    await alone(db, _LOCK)
    row = await db.get(Meta, EDITION, populate_existing=True)
    edition = int(row.value) + 1 if row else 1
    await db.merge(Meta(name=EDITION, value=str(edition)))
    await db.flush()
    return edition


async def _forget(database: Database, edition: int) -> None:
    """Delete the rows of earlier editions, also of those that were never finished."""
    row = (col(AnnouncedPrefix.edition), col(AnnouncedPrefix.key))
    while True:
        async with database.writing() as db:
            connection = await db.connection()
            old = select(*row).where(row[0] < edition).order_by(*row).limit(_ROWS)
            found = (await connection.execute(old)).all()
            if not found:
                return
            last, key = found[-1]
            gone = or_(row[0] < last, and_(row[0] == last, row[1] <= key))
            await connection.execute(delete(AnnouncedPrefix).where(gone))


async def _counts(db: AsyncSession, change: Change, actor: str) -> None:
    """Have what has changed count from now on, for the stored matches, too."""
    table = change.origin
    await db.merge(Meta(name=META, value=msgspec.json.encode(table).decode() if table else ""))
    await register.revise(db)
    register.again(db, [concern.asset_id for concern in change.concerns])
    facts = {"source": table.source, "dated": f"{table.dated}", "prefixes": table.prefixes} if table else {}
    concerned = {"systems": [concern.system for concern in change.concerns]}
    await audit.record(db, actor, "prefixes.import" if table else "prefixes.remove", "prefixes", facts | concerned)


async def _registered(db: AsyncSession) -> dict[int, int]:
    """Return number -> asset id of the autonomous systems that somebody owns."""
    query = select(col(Asset.key), col(Asset.id)).join(AssetOwner, col(AssetOwner.asset_id) == col(Asset.id))
    rows = await (await db.connection()).execute(query.where(col(Asset.kind) == AssetKind.ASN).distinct())
    return {int(key): asset_id or 0 for key, asset_id in rows}


async def _concerns(
    db: AsyncSession, systems: Mapping[int, int], after: Mapping[int, tuple[Share, ...]]
) -> tuple[Concern, ...]:
    before = await shares_of(db, systems)
    return tuple(
        Concern(asset_id, system, was, will)
        for system, asset_id in sorted(systems.items())
        if (was := before.get(system, ())) != (will := after.get(system, ()))
    )


def _parts(announced: Iterable[Announcement]) -> Iterator[list[Announcement]]:
    """Yield them in parts, the certain ones first: they outweigh a set that names the same system."""
    unsure: list[Announcement] = []
    part: list[Announcement] = []
    for one in announced:
        (part if one.certain else unsure).append(one)
        if len(part) == _ROWS:
            yield part
            part = []
    yield part
    yield from (unsure[start : start + _ROWS] for start in range(0, len(unsure), _ROWS))


async def _insert(connection: AsyncConnection, edition: int, announced: Sequence[Announcement]) -> None:
    """Insert those that are not there yet."""
    if announced:
        rows = [(edition, one.key, one.system, one.certain) for one in announced]
        await connection.exec_driver_sql(_INSERT[connection.dialect.name], rows)
