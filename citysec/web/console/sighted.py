"""What constituents' machines saw, as pages say it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import func
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from citysec.advisories.words import moment, often
from citysec.tables.matches import Match
from citysec.tables.register import Constituent
from citysec.tables.sightings import Sighting
from citysec.web import views as v


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


def said(count: int, first: datetime, last: datetime) -> str:
    """Return how often something was seen, and when, for instance `3 times from … to …`."""
    when = f"on {moment(first)}" if first == last else f"from {moment(first)} to {moment(last)}"
    return f"{often(count)}, {when}"
