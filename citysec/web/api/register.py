"""The register: constituents, their public services, their assets."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime
from typing import Annotated, Any

from pydantic import Field
from sqlmodel import col, select

from citysec.access import policy
from citysec.errors import NotShared
from citysec.tables.register import Accountable, Asset, AssetOwner, Constituent, Service
from citysec.web.api.operation import Call, Nothing
from citysec.web.api.paging import Keyset, page
from citysec.web.api.values import Label, Name, Out, Page, Paging


class ConstituentOut(Out):
    """A body we serve."""

    slug: str
    name: str
    kind: str
    sector: str
    gss_code: str | None
    ods_code: str | None
    clearance: Label


class ServiceOut(Out):
    """A public service, with those of the constituents accountable for it that the reader may know of."""

    slug: str
    name: str
    criticality: int
    operator: str | None
    accountable: Annotated[list[str], Field(description="Slugs.")]


class OwnershipOut(Out):
    """A constituent owns an asset; `ref` is its own id for it."""

    ref: str
    constituent: str
    service: str | None
    criticality: int
    exposed: bool
    verified: Annotated[bool, Field(description="Somebody has made sure that it is the owner's.")]
    registered_at: datetime


class AssetOut(Out):
    """A registered name, address or mailbox, with those of its owners that the reader may know of."""

    id: int
    kind: str
    value: str
    scope: str
    owners: list[OwnershipOut]


class AssetQuery(Paging):
    """Which assets."""

    constituent: Annotated[Name | None, Field(description="Slug.")] = None
    kind: Name | None = None


_CONSTITUENTS: Keyset[Constituent] = Keyset((col(Constituent.slug),), lambda row: (row.slug,))
_SERVICES: Keyset[Service] = Keyset((col(Service.slug),), lambda row: (row.slug,))
_ASSETS: Keyset[Asset] = Keyset((col(Asset.id),), lambda row: (row.id or 0,))


async def list_constituents(call: Call[Paging, Nothing]) -> Page[ConstituentOut]:
    """List constituents, by slug."""
    statement = select(Constituent).where(policy.constituents(call.principal))
    return await page(call, statement, _CONSTITUENTS, ConstituentOut.model_validate)


async def get_constituent(call: Call[Nothing, Nothing]) -> ConstituentOut:
    """One constituent."""
    found = select(Constituent).where(Constituent.slug == call.path["slug"], policy.constituents(call.principal))
    constituent = (await call.db.exec(found)).first()
    if constituent is None:
        raise NotShared
    return ConstituentOut.model_validate(constituent)


async def list_services(call: Call[Paging, Nothing]) -> Page[ServiceOut]:
    """List public services, by slug."""
    rows = await page(call, select(Service).where(policy.services(call.principal)), _SERVICES, lambda row: row)
    statement = (
        select(Accountable.service_id, Constituent.slug)
        .join(Constituent)
        .where(col(Accountable.service_id).in_([row.id for row in rows.items]), policy.accountable(call.principal))
        .order_by(Constituent.slug)
    )
    accountable: dict[str, list[str]] = defaultdict(list)
    for service_id, slug in await call.db.exec(statement):
        accountable[service_id].append(slug)
    items = [ServiceOut.model_validate({**r.model_dump(), "accountable": accountable[r.id]}) for r in rows.items]
    return Page(items=items, next=rows.next)


async def list_assets(call: Call[AssetQuery, Nothing]) -> Page[AssetOut]:
    """List assets, in the order of their registration."""
    statement = select(Asset).where(policy.assets(call.principal))
    if call.query.kind is not None:
        statement = statement.where(Asset.kind == call.query.kind)
    if call.query.constituent is not None:
        theirs = select(AssetOwner.asset_id).join(Constituent).where(Constituent.slug == call.query.constituent)
        statement = statement.where(col(Asset.id).in_(theirs.where(policy.owners(call.principal))))
    rows = await page(call, statement, _ASSETS, lambda row: row)
    return Page(items=await _with_owners(call, rows.items), next=rows.next)


async def get_asset(call: Call[Nothing, Nothing]) -> AssetOut:
    """One asset."""
    found = select(Asset).where(Asset.id == int(call.path["asset"]), policy.assets(call.principal))
    asset = (await call.db.exec(found)).first()
    if asset is None:
        raise NotShared
    return (await _with_owners(call, [asset]))[0]


async def _with_owners(call: Call[Any, Any], assets: list[Asset]) -> list[AssetOut]:
    statement = (
        select(AssetOwner, Constituent.slug, Service.slug)
        .join(Constituent)
        .outerjoin(Service, col(Service.id) == col(AssetOwner.service_id))
        .where(col(AssetOwner.asset_id).in_([asset.id for asset in assets]), policy.owners(call.principal))
        .order_by(Constituent.slug)
    )
    owners: dict[int | None, list[dict[str, object]]] = defaultdict(list)
    for owner, constituent, service in await call.db.exec(statement):
        owners[owner.asset_id].append({**owner.model_dump(), "constituent": constituent, "service": service})
    return [AssetOut.model_validate({**asset.model_dump(), "owners": owners[asset.id]}) for asset in assets]
