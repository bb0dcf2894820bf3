"""What constituents' machines saw, as pages say it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import func
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from citysec.access import policy
from citysec.access.policy import Principal
from citysec.advisories.words import defanged, moment, often
from citysec.tables.matches import Match
from citysec.tables.register import Constituent
from citysec.tables.sightings import Sighting
from citysec.tlp import TLP
from citysec.web import views as v
from citysec.web.console.lookup import address

SHOWN: Final = 50


async def sighted_at(db: AsyncSession, matches: Sequence[Match]) -> tuple[dict[str, v.Named], dict[str, str]]:
    """Return constituent -> its name, and match -> how often it was seen and when, of those that were sighted."""
    seen = [match for match in matches if match.constituent_id is not None]
    if not seen:
        return {}, {}
    bodies = select(Constituent).where(col(Constituent.id).in_({match.constituent_id for match in seen}))
    homes = {body.id: v.Named(slug=body.slug, name=body.name) for body in await db.exec(bodies)}
    counted = (
        select(
            Sighting.match_id,
            func.sum(Sighting.count),
            func.min(Sighting.first_seen),
            func.max(Sighting.last_seen),
        )
        .where(col(Sighting.match_id).in_([match.id for match in seen]))
        .group_by(col(Sighting.match_id))
    )
    return homes, {match: said(int(count), first, last) for match, count, first, last in await db.exec(counted)}


async def sightings_of(db: AsyncSession, principal: Principal, body: Constituent) -> tuple[v.SightingRow, ...]:
    """Return what a constituent's own machines saw, as far as `principal` may know, the newest first."""
    query = (
        select(Sighting, Match)
        .join(Match, col(Match.id) == col(Sighting.match_id))
        .where(col(Match.constituent_id) == body.id, policy.matches(principal))
        .order_by(col(Sighting.last_seen).desc(), col(Sighting.id))
        .limit(SHOWN)
    )
    return tuple(
        v.SightingRow(
            day=sighting.day,
            value=defanged(match.indicator_value),
            seen=said(sighting.count, sighting.first_seen, sighting.last_seen),
            tlp=TLP(max(match.tlp, sighting.tlp)),
            why=address(match.indicator_id, body.slug),
            certain=match.certain,
            note=sighting.note or "",
        )
        for sighting, match in await db.exec(query)
    )


def said(count: int, first: datetime, last: datetime) -> str:
    """Return how often something was seen, and when, for instance `3 times from … to …`."""
    when = f"on {moment(first)}" if first == last else f"from {moment(first)} to {moment(last)}"
    return f"{often(count)}, {when}"
