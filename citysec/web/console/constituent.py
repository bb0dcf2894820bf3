"""A constituent's own page."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Final

from aiohttp import web
from sqlalchemy import func
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from citysec.access import policy
from citysec.access.policy import Principal
from citysec.errors import NotShared
from citysec.tables.advisories import Advisory
from citysec.tables.incidents import Incident
from citysec.tables.register import Asset, AssetOwner, Constituent, Contact, Service
from citysec.tlp import TLP
from citysec.web import context
from citysec.web import views as v
from citysec.web.console.capped import of_constituent
from citysec.web.console.frame import show
from citysec.web.console.live import follow
from citysec.web.console.rows import advisory_rows, incident_rows
from citysec.web.console.sighted import sightings_of
from citysec.web.context import AppContext

ASSETS: Final = 200
ADVISORIES: Final = 100


def routes(_app: AppContext) -> Iterable[web.AbstractRouteDef]:
    """Return the routes of this module."""
    return (web.get("/constituents/{slug}", constituent),)


async def constituent(request: web.Request) -> web.Response:
    """Show a constituent to its own people and to the city's team."""
    principal, events = context.principal(request), await follow(request)
    async with context.of(request).database.reading() as db:
        body = await _find(db, principal, request.match_info["slug"])
        view = await _view(db, principal, body)
    return await show(request, view, events=events)


async def _find(db: AsyncSession, principal: Principal, slug: str) -> Constituent:
    query = select(Constituent).where(col(Constituent.slug) == slug, policy.constituents(principal))
    body = (await db.exec(query)).first()
    if body is None:
        raise NotShared(f"constituent {slug}")
    return body


async def _view(db: AsyncSession, principal: Principal, body: Constituent) -> v.ConstituentView:
    incidents = (
        select(Incident)
        .where(
            col(Incident.constituent_id) == body.id,
            policy.incidents(principal),
            col(Incident.open_key).is_not(None),
        )
        .order_by(col(Incident.aware_at).desc())
    )
    advisories = (
        select(Advisory)
        .where(col(Advisory.constituent_id) == body.id, policy.advisories(principal))
        .order_by(col(Advisory.published_at).desc())
        .limit(ADVISORIES)
    )
    contacts = select(Contact).where(col(Contact.constituent_id) == body.id).order_by(col(Contact.name))
    owned = select(func.count()).select_from(AssetOwner).where(col(AssetOwner.constituent_id) == body.id)
    return v.ConstituentView(
        slug=body.slug,
        name=body.name,
        kind=body.kind,
        sector=body.sector,
        clearance=TLP(body.clearance),
        incidents=await incident_rows(db, principal, (await db.exec(incidents)).all()),
        advisories=await advisory_rows(db, (await db.exec(advisories)).all()),
        assets=await _assets(db, principal, body),
        contacts=tuple(
            v.ContactRow(name=c.name, role=c.role, channel=c.channel, address=c.address, active=c.active)
            for c in (await db.exec(contacts)).all()
        ),
        assets_total=(await db.exec(owned)).one(),
        sightings=await sightings_of(db, principal, body),
        capped=await of_constituent(db, principal, body.id),
    )


async def _assets(db: AsyncSession, principal: Principal, body: Constituent) -> tuple[v.AssetRow, ...]:
    query = (
        select(Asset, AssetOwner, col(Service.name))
        .join(AssetOwner, col(AssetOwner.asset_id) == col(Asset.id))
        .join(Service, col(Service.id) == col(AssetOwner.service_id), isouter=True)
        .where(col(AssetOwner.constituent_id) == body.id)
        .order_by(col(AssetOwner.criticality).desc(), col(Asset.kind), col(Asset.value))
        .limit(ASSETS)
    )
    rows = (await db.exec(query)).all()
    others = await _other_owners(db, principal, body, {asset.id or 0 for asset, _, _ in rows})
    return tuple(
        v.AssetRow(
            kind=asset.kind,
            value=asset.value,
            scope=asset.scope,
            service=service or "",
            criticality=owner.criticality,
            verified=owner.verified,
            also_of=tuple(others[asset.id or 0]),
        )
        for asset, owner, service in rows
    )


async def _other_owners(
    db: AsyncSession, principal: Principal, body: Constituent, asset_ids: set[int]
) -> dict[int, list[v.Named]]:
    query = (
        select(AssetOwner.asset_id, Constituent.slug, Constituent.name)
        .join(Constituent, col(Constituent.id) == col(AssetOwner.constituent_id))
        .where(
            col(AssetOwner.asset_id).in_(asset_ids),
            col(AssetOwner.constituent_id) != body.id,
            policy.owners(principal),
        )
        .order_by(col(Constituent.name))
    )
    others: dict[int, list[v.Named]] = defaultdict(list)
    for asset_id, slug, name in await db.exec(query):
        others[asset_id].append(v.Named(slug=slug, name=name))
    return others
