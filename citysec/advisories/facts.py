"""Read what is known of an incident from the side of one constituent."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from sqlalchemy import func
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession
from sqlmodel.sql.expression import SelectOfScalar

from citysec.access import policy
from citysec.advisories.compose import Evidence, Facts, Seen
from citysec.lookalikes.alike import alike
from citysec.software.particulars import particulars
from citysec.tables.incidents import Incident, IncidentMatch
from citysec.tables.matches import Match
from citysec.tables.register import Accountable, Asset, AssetOwner, Constituent, Service
from citysec.tables.sightings import Sighting


async def known(db: AsyncSession, incident: Incident, constituent: Constituent) -> Facts:
    """Return the incident with those of its open matches that concern `constituent`.

    They concern it by an asset that it owns, or by a service that it answers for on another's asset; then the asset
    itself is not read.
    """
    return Facts(
        reference=incident.ref,
        kind=incident.kind,
        severity=incident.severity,
        tlp=incident.tlp,
        aware_at=incident.aware_at,
        constituent_id=constituent.id,
        sector=constituent.sector,
        evidence=await _owned(db, incident.id, constituent.id)
        + await _served(db, incident.id, constituent.id)
        + await _sighted(db, incident.id, constituent.id),
    )


async def _owned(db: AsyncSession, incident_id: str, constituent_id: str) -> list[Evidence]:
    query = (
        select(Match, Asset.value, Service.name, IncidentMatch.due_at)
        .join(IncidentMatch, col(IncidentMatch.match_id) == col(Match.id))
        .join(Asset, col(Asset.id) == col(Match.asset_id))
        .join(AssetOwner, col(AssetOwner.asset_id) == col(Asset.id))
        .outerjoin(Service, col(Service.id) == col(AssetOwner.service_id))
        .where(
            col(IncidentMatch.incident_id) == incident_id,
            col(AssetOwner.constituent_id) == constituent_id,
            col(Match.closed_at).is_(None),
            policy.told(),
        )
        .order_by(col(Match.id))
    )
    rows = await db.exec(query)
    return [_evidence(match, constituent_id, asset, service, due_at) for match, asset, service, due_at in rows]


async def _served(db: AsyncSession, incident_id: str, constituent_id: str) -> list[Evidence]:
    query = (
        select(Match, Service.name, IncidentMatch.due_at)
        .join(IncidentMatch, col(IncidentMatch.match_id) == col(Match.id))
        .join(AssetOwner, col(AssetOwner.asset_id) == col(Match.asset_id))
        .join(Service, col(Service.id) == col(AssetOwner.service_id))
        .join(Accountable, col(Accountable.service_id) == col(Service.id))
        .where(
            col(IncidentMatch.incident_id) == incident_id,
            col(Accountable.constituent_id) == constituent_id,
            col(Match.asset_id).not_in(_assets_of(constituent_id)),
            col(Match.closed_at).is_(None),
            policy.told(),
        )
        .order_by(col(Match.id), col(Service.name))
    )
    each = {(match.id, service): (match, due_at) for match, service, due_at in await db.exec(query)}
    return [_evidence(match, constituent_id, None, service, due) for (_, service), (match, due) in each.items()]


async def _sighted(db: AsyncSession, incident_id: str, constituent_id: str) -> list[Evidence]:
    """Return what the constituent's own machines reported."""
    often = (func.min(Sighting.first_seen), func.max(Sighting.last_seen), func.sum(Sighting.count))
    query = (
        select(Match, *often)
        .join(IncidentMatch, col(IncidentMatch.match_id) == col(Match.id))
        .join(Sighting, col(Sighting.match_id) == col(Match.id))
        .where(
            col(IncidentMatch.incident_id) == incident_id,
            col(Match.constituent_id) == constituent_id,
            col(Match.closed_at).is_(None),
        )
        .group_by(col(Match.id))
        .order_by(col(Match.id))
    )
    return [
        replace(_evidence(match, constituent_id, None, None, None), seen=Seen(first, last, int(count)))
        for match, first, last, count in await db.exec(query)
    ]


def _assets_of(constituent_id: str) -> SelectOfScalar[int]:
    return select(AssetOwner.asset_id).where(col(AssetOwner.constituent_id) == constituent_id)


def _evidence(
    match: Match, constituent_id: str, asset: str | None, service: str | None, due_at: datetime | None
) -> Evidence:
    return Evidence(
        id=match.id,
        constituent_id=constituent_id,
        asset=asset,
        service=service,
        indicator=match.indicator_value,
        relation=match.relation,
        certain=match.certain,
        feed=match.feed,
        confidence=match.confidence,
        tlp=match.tlp,
        matched_at=match.matched_at,
        about=particulars(match.about),
        alike=alike(match.about),
        due_at=due_at,
    )
