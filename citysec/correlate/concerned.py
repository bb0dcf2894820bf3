"""By which assets a constituent is concerned."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from sqlalchemy import ColumnElement, or_, select
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from citysec.correlate.batches import batches
from citysec.tables.register import Accountable, Asset, AssetOwner, Service

_IDS: Final = 500  # ids in one statement


@dataclass(frozen=True, slots=True)
class Concerned:
    """An asset by which a constituent is concerned: its own, or one that carries a service that it answers for.

    `services` are the services' names. It is `verified` where somebody has made sure whose it is.
    """

    id: int
    kind: str
    value: str
    owned: bool
    verified: bool
    services: tuple[str, ...] = ()


async def concerned_by(db: AsyncSession, asset_ids: Iterable[int], constituent_id: str) -> list[Concerned]:
    """Return those of the assets by which the constituent is concerned."""
    query = (
        select(
            col(Asset.id),
            col(Asset.kind),
            col(Asset.value),
            col(AssetOwner.constituent_id) == constituent_id,
            col(AssetOwner.verified),
            col(Service.name),
        )
        .join(AssetOwner, col(AssetOwner.asset_id) == col(Asset.id))
        .outerjoin(Service, col(Service.id) == col(AssetOwner.service_id))
        .where(concerns(constituent_id))
        .order_by(col(Asset.id), col(Service.name))
    )
    connection, found = await db.connection(), dict[int, Concerned]()
    for part in batches(sorted(asset_ids), _IDS):
        rows = await connection.execute(query.where(col(Asset.id).in_(part)))
        for asset_id, kind, value, owned, verified, service in rows:
            known = found.get(asset_id or 0)
            services = dict.fromkeys((*(known.services if known else ()), *((service,) if service else ())))
            whose, sure = bool(owned), bool(verified)
            if known is not None and known.owned == whose:
                sure = sure or known.verified
            elif known is not None and known.owned:  # its own claim decides
                whose, sure = True, known.verified
            found[asset_id or 0] = Concerned(asset_id or 0, kind, value, whose, sure, tuple(services))
    return list(found.values())


def concerns(constituent_id: str) -> ColumnElement[bool]:
    """Return which `AssetOwner` rows concern a constituent: its own, and those with a service that it answers for."""
    answers = select(col(Accountable.service_id)).where(col(Accountable.constituent_id) == constituent_id)
    return or_(col(AssetOwner.constituent_id) == constituent_id, col(AssetOwner.service_id).in_(answers))
