"""The table of announced prefixes in the database: what a file would change for registered systems, and changing it.

One table counts at a time. It says which addresses an asset of kind `asn` stands for.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

import msgspec
from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from citysec.access import audit
from citysec.announced import META, Origin, shares_of
from citysec.constituency import register
from citysec.constituency.announcements import Lines, table, usable
from citysec.db import alone
from citysec.observable import AssetKind
from citysec.routing import Announcement, Share
from citysec.tables.announced import AnnouncedPrefix
from citysec.tables.columns import now
from citysec.tables.register import Asset, AssetOwner
from citysec.tables.work import Meta

_LOCK: Final = "announced"
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


async def apply(db: AsyncSession, change: Change, lines: Lines, actor: str) -> None:
    """Put the table in the place of the present one, and have the systems concerned matched again.

    Args:
        db: a writing session, that of `plan`.
        change: of `plan`.
        lines: the same lines.
        actor: account name, for the audit.
    """
    await alone(db, _LOCK)
    connection = await db.connection()
    await connection.execute(delete(AnnouncedPrefix))
    await _store(connection, usable(lines()))
    await _counts(db, change, actor)


async def remove(db: AsyncSession, actor: str) -> Change:
    """Take the table away: no address is announced by anybody any more, as far as is known here."""
    await alone(db, _LOCK)
    change = Change(None, 0, await _concerns(db, await _registered(db), {}))
    await (await db.connection()).execute(delete(AnnouncedPrefix))
    await _counts(db, change, actor)
    return change


async def _counts(db: AsyncSession, change: Change, actor: str) -> None:
    """Have what has changed count from now on, for the stored matches, too."""
    origin = change.origin
    await db.merge(Meta(name=META, value=msgspec.json.encode(origin).decode() if origin else ""))
    await register.revise(db)
    register.again(db, [concern.asset_id for concern in change.concerns])
    facts = {"source": origin.source, "dated": f"{origin.dated}", "prefixes": origin.prefixes} if origin else {}
    concerned = {"systems": [concern.system for concern in change.concerns]}
    await audit.record(db, actor, "prefixes.import" if origin else "prefixes.remove", "prefixes", facts | concerned)


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


async def _store(connection: AsyncConnection, announced: Iterable[Announcement]) -> None:
    """Insert each announcement once, the certain ones first: they outweigh a set that names the same system."""
    unsure: list[Announcement] = []
    part: list[Announcement] = []
    for one in announced:
        (part if one.certain else unsure).append(one)
        if len(part) == _ROWS:
            await _insert(connection, part)
            part.clear()
    await _insert(connection, part)
    for start in range(0, len(unsure), _ROWS):
        await _insert(connection, unsure[start : start + _ROWS])


async def _insert(connection: AsyncConnection, announced: Sequence[Announcement]) -> None:
    """Insert those that are not there yet."""
    if announced:
        values = "?, ?, ?" if connection.dialect.name == "sqlite" else "$1, $2, $3"
        statement = f"INSERT INTO announced_prefix (key, system, certain) VALUES ({values}) ON CONFLICT DO NOTHING"  # noqa: S608
        await connection.exec_driver_sql(statement, [(one.key, one.system, one.certain) for one in announced])
