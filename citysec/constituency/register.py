"""The register in the database: as lines, planned changes to it, and changing it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, TypeVar, cast

from sqlalchemy import ColumnElement, Result, delete, func, insert, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from citysec import outbox
from citysec.access import audit
from citysec.constituency.lines import Line
from citysec.constituency.plan import Mode, Organisation, Plan, compare, resolve
from citysec.db import alone
from citysec.errors import Conflict
from citysec.observable import AssetKind, Kind, Observable, Scope
from citysec.tables.columns import now
from citysec.tables.register import Asset, AssetOwner, Constituent, Service
from citysec.tables.work import Meta

REVISION: Final = "register.revision"
"""The `Meta` row that counts changes of the register: who keeps an index of assets in memory watches it."""

BATCH: Final = 500  # ids in one statement, assets in one piece of work

_T = TypeVar("_T")
_AssetKey = tuple[str, str, str]
_ASSET_ID: Final[ColumnElement[int]] = cast("ColumnElement[int]", col(Asset.id))
_IDENTITY: Final = (col(Asset.kind), col(Asset.key), col(Asset.scope), _ASSET_ID)


async def export(db: AsyncSession) -> list[Line]:
    """Return the whole register, ordered by id; every line says its service."""
    query = (
        select(
            col(AssetOwner.ref),
            col(Constituent.name),
            col(Constituent.sector),
            col(Asset.kind),
            col(Asset.scope),
            col(Asset.key_kind),
            col(Asset.key),
            col(Asset.value),
            col(AssetOwner.criticality),
            func.coalesce(col(Service.slug), ""),
            col(AssetOwner.exposed),
            col(AssetOwner.verified),
        )
        .join(Asset, col(Asset.id) == col(AssetOwner.asset_id))
        .join(Constituent, col(Constituent.id) == col(AssetOwner.constituent_id))
        .outerjoin(Service, col(Service.id) == col(AssetOwner.service_id))
    )
    rows = await (await db.connection()).execute(query)
    return sorted(map(_line, rows), key=lambda line: line.ref)


def _line(row: Sequence[Any]) -> Line:
    ref, organisation, sector, kind, scope, key_kind, key, value, criticality, service, exposed, verified = row
    return Line(
        ref=ref,
        organisation=organisation,
        sector=sector,
        kind=AssetKind(kind),
        scope=Scope(scope),
        asset=Observable(Kind(key_kind), key, value),
        criticality=criticality,
        service=service,
        exposed=exposed,
        verified=verified,
    )


async def plan_import(db: AsyncSession, lines: Sequence[Line], mode: Mode = Mode.MERGE) -> Plan[Line]:
    """Return what importing `lines` would change; nothing is changed.

    Args:
        db: any session; the one that applies the plan, where it is to be applied.
        lines: as `lines.parse` returns them.
        mode: what the file means by leaving something out.

    Raises:
        InvalidInput: lines name unknown organisations or services, or another sector: every bad line is named.
    """
    connection = await db.connection()
    organisations = await connection.execute(select(col(Constituent.name), col(Constituent.sector)))
    services = await connection.execute(select(col(Service.slug)))
    known = [Organisation(name, sector) for name, sector in organisations]
    return compare(await export(db), resolve(lines, known, services.scalars()), mode)


async def apply(db: AsyncSession, plan: Plan[Line], actor: str) -> None:
    """Change the register as planned, in the caller's transaction.

    Matches that the change makes or ends follow from work `retro`, which names every asset that was added, changed or
    removed. An asset that nobody owns any more stays, for its matches to point at.

    Args:
        db: a writing session.
        plan: of `plan_import`.
        actor: account name, for the audit.

    Raises:
        Conflict: the register has changed since the plan was made.
    """
    if plan.is_empty:
        return
    connection = await db.connection()
    old = [change.before for change in plan.changed] + list(plan.removed)
    new = [change.after for change in plan.changed] + list(plan.added)
    try:
        removed = await _remove(connection, old)
        dates = {change.after.ref: removed[change.before.ref].registered_at for change in plan.changed}
        placed = await _place(connection, new, dates)
    except (IntegrityError, KeyError) as err:
        raise Conflict("the register has changed since this was planned: plan again") from err
    await _follow_up(db, plan, actor, {owned.asset_id for owned in removed.values()} | placed)


@dataclass(frozen=True, slots=True)
class _Owned:
    asset_id: int
    registered_at: datetime


async def _remove(connection: AsyncConnection, lines: Iterable[Line]) -> dict[str, _Owned]:
    """Take lines out and return what they owned; changed ones are put back, for ids and assets may be exchanged."""
    removed: dict[str, _Owned] = {}
    for refs in _batches([line.ref for line in lines]):
        chosen = col(AssetOwner.ref).in_(refs)
        query = select(col(AssetOwner.ref), col(AssetOwner.asset_id), col(AssetOwner.registered_at)).where(chosen)
        owned = await connection.execute(query)
        removed |= {ref: _Owned(asset_id, at) for ref, asset_id, at in owned}
        await connection.execute(delete(AssetOwner).where(chosen))
    return removed


async def _place(connection: AsyncConnection, lines: Sequence[Line], dates: Mapping[str, datetime]) -> set[int]:
    """Put lines in, with their earlier dates where they had one, and return the ids of their assets."""
    if not lines:
        return set()
    constituents = await connection.execute(select(col(Constituent.name), col(Constituent.id)))
    services = await connection.execute(select(col(Service.slug), col(Service.id)))
    constituent_ids, service_ids = dict(constituents.all()), dict(services.all())
    asset_ids = await _assets(connection, lines)
    rows = [
        {
            "ref": line.ref,
            "asset_id": asset_ids[_asset_key(line)],
            "constituent_id": constituent_ids[line.organisation],
            "service_id": service_ids[line.service] if line.service else None,
            "criticality": line.criticality,
            "exposed": bool(line.exposed),
            "verified": line.verified is not False,
            "registered_at": dates.get(line.ref) or now(),
        }
        for line in lines
    ]
    await connection.execute(insert(AssetOwner), rows)
    return {asset_ids[_asset_key(line)] for line in lines}


async def _assets(connection: AsyncConnection, lines: Iterable[Line]) -> dict[_AssetKey, int]:
    """Return the id of every asset there is, those of `lines` included."""
    known = _by_key(await connection.execute(select(*_IDENTITY)))
    missing = {
        key: {"kind": line.kind, "value": line.asset.value, "scope": line.scope}
        | {"key_kind": line.asset.kind, "key": line.asset.key}
        for line in lines
        if (key := _asset_key(line)) not in known
    }
    if missing:
        known |= _by_key(await connection.execute(insert(Asset).returning(*_IDENTITY), list(missing.values())))
    return known


def _by_key(assets: Result[str, str, str, int]) -> dict[_AssetKey, int]:
    return {(kind, key, scope): asset_id for kind, key, scope, asset_id in assets}


def _asset_key(line: Line) -> _AssetKey:
    return line.kind, line.asset.key, line.scope


async def _follow_up(db: AsyncSession, plan: Plan[Line], actor: str, asset_ids: set[int]) -> None:
    again(db, asset_ids)
    counts = {"added": len(plan.added), "changed": len(plan.changed), "removed": len(plan.removed)}
    await audit.record(db, actor, "register.import", "register", counts)
    for constituent_id in await _concerned(db, plan):
        outbox.announce(db, "constituent", constituent_id, constituent_id)
    await revise(db)


def again(db: AsyncSession, asset_ids: Iterable[int]) -> None:
    """Have these assets matched again, and triage look anew at whom their matches concern."""
    outbox.add_parts(db, "retro", "assets", sorted(asset_ids), most=BATCH)


async def carriers(db: AsyncSession, service_ids: Sequence[str]) -> set[int]:
    """Return the ids of the assets that carry one of the services."""
    query = select(col(AssetOwner.asset_id)).where(col(AssetOwner.service_id).in_(service_ids))
    return set((await (await db.connection()).execute(query)).scalars())


async def _concerned(db: AsyncSession, plan: Plan[Line]) -> Iterable[str]:
    lines = (*plan.added, *plan.removed, *(line for change in plan.changed for line in (change.before, change.after)))
    names = sorted({line.organisation for line in lines})
    query = select(col(Constituent.id)).where(col(Constituent.name).in_(names))
    return (await (await db.connection()).execute(query)).scalars().all()


async def revise(db: AsyncSession) -> None:
    """Count a change of the register (`REVISION`); whoever changes assets or their owners calls it."""
    await alone(db, REVISION)
    await db.flush()
    row = await db.get(Meta, REVISION, populate_existing=True) or Meta(name=REVISION, value="0")
    row.value = str(int(row.value) + 1)
    db.add(row)


def _batches(items: Sequence[_T]) -> Iterator[list[_T]]:
    for start in range(0, len(items), BATCH):
        yield list(items[start : start + BATCH])
