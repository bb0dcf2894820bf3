"""Where an indicator touches more than is kept as matches."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from sqlalchemy import ColumnElement, func
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from citysec.access import policy
from citysec.access.policy import Principal
from citysec.tables.incidents import Incident, IncidentMatch
from citysec.tables.matches import Capped, Match
from citysec.tables.register import Constituent
from citysec.web import views as v
from citysec.web.console.lookup import address

SHOWN: Final = 5
"""Rows of one page, those with most first; the API lists all."""


async def of_constituent(db: AsyncSession, principal: Principal, constituent_id: str) -> tuple[v.CappedRow, ...]:
    """Return the indicators that touch more of a constituent than is kept."""
    return await _rows(db, principal, [constituent_id])


async def of_incidents(db: AsyncSession, principal: Principal, incident_ids: Sequence[str]) -> tuple[v.CappedRow, ...]:
    """Return where the indicators that incidents rest on touch more of their constituents than is kept."""
    named = col(Incident.id).in_(incident_ids)
    constituents = (await db.exec(select(Incident.constituent_id).where(named).distinct())).all()
    linked = select(Match.indicator_id).join(IncidentMatch, col(IncidentMatch.match_id) == col(Match.id))
    within = linked.where(col(IncidentMatch.incident_id).in_(incident_ids))
    return await _rows(db, principal, [one for one in constituents if one], col(Capped.indicator_id).in_(within))


async def _rows(
    db: AsyncSession, principal: Principal, constituent_ids: Sequence[str], *where: ColumnElement[bool]
) -> tuple[v.CappedRow, ...]:
    said = (
        select(func.min(Match.indicator_value))
        .where(col(Match.indicator_id) == col(Capped.indicator_id), policy.matches(principal))
        .scalar_subquery()
    )
    query = (
        select(Capped, Constituent.slug, Constituent.name, said)
        .join(Constituent, col(Constituent.id) == col(Capped.constituent_id))
        .where(col(Capped.constituent_id).in_(constituent_ids), policy.capped(principal), *where)
        .order_by(col(Capped.touched).desc(), col(Capped.indicator_id), col(Constituent.slug))
        .limit(SHOWN)
    )
    return tuple(
        v.CappedRow(
            value=value or row.indicator_id,
            owner=v.Named(slug=slug, name=name),
            kept=row.kept,
            touched=row.touched,
            why=address(row.indicator_id, slug),
        )
        for row, slug, name, value in (await db.exec(query)).all()
    )
