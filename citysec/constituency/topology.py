"""Who shares what with whom: owners of assets, and services that several constituents answer for."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import TypeVar

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from citysec.tables.register import Accountable, AssetOwner, Service

_K = TypeVar("_K", int, str)


@dataclass(frozen=True, slots=True)
class SharedService:
    """A service that at least two constituents answer for.

    Args:
        constituents: the ids of all of them.
    """

    id: str
    slug: str
    name: str
    operator: str | None
    criticality: int
    constituents: frozenset[str]


def drawn_in(services: Iterable[SharedService], touched: Collection[str]) -> frozenset[str]:
    """Return the constituents that share a service with one of `touched` and are not among them. Pure."""
    sharing = (service.constituents for service in services if not service.constituents.isdisjoint(touched))
    return frozenset[str]().union(*sharing).difference(touched)


async def owners_of(db: AsyncSession, asset_ids: Iterable[int]) -> dict[int, frozenset[str]]:
    """Return the ids of the constituents that own each asset; an asset that nobody owns is left out."""
    query = select(AssetOwner.asset_id, AssetOwner.constituent_id).where(col(AssetOwner.asset_id).in_(set(asset_ids)))
    return _grouped((await db.exec(query)).all())


async def services_of_assets(db: AsyncSession, asset_ids: Iterable[int]) -> dict[int, frozenset[str]]:
    """Return the ids of the services that each asset carries; an asset that carries none is left out."""
    query = select(AssetOwner.asset_id, col(AssetOwner.service_id)).where(
        col(AssetOwner.asset_id).in_(set(asset_ids)), col(AssetOwner.service_id).is_not(None)
    )
    return _grouped((asset, service) for asset, service in (await db.exec(query)).all() if service is not None)


async def sharing(db: AsyncSession, constituent_ids: Iterable[str]) -> tuple[SharedService, ...]:
    """Return the shared services that any of these constituents answers for, the most critical first."""
    theirs = select(Accountable.service_id).where(col(Accountable.constituent_id).in_(set(constituent_ids)))
    query = select(Service, Accountable.constituent_id).where(
        col(Service.id) == Accountable.service_id, col(Service.id).in_(theirs)
    )
    rows = (await db.exec(query)).all()
    accountable = _grouped((service.id, constituent) for service, constituent in rows)
    services = {service.id: service for service, _ in rows}
    shared = [_shared(services[key], them) for key, them in accountable.items() if len(them) > 1]
    return tuple(sorted(shared, key=lambda service: (-service.criticality, service.slug)))


def _shared(service: Service, constituents: frozenset[str]) -> SharedService:
    return SharedService(
        id=service.id,
        slug=service.slug,
        name=service.name,
        operator=service.operator,
        criticality=service.criticality,
        constituents=constituents,
    )


def _grouped(pairs: Iterable[tuple[_K, str]]) -> dict[_K, frozenset[str]]:
    groups: defaultdict[_K, set[str]] = defaultdict(set)
    for key, value in pairs:
        groups[key].add(value)
    return {key: frozenset(values) for key, values in groups.items()}
