"""Advisories to the public: TLP:CLEAR and nothing else."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Final

from aiohttp import web
from sqlmodel import col, select

from citysec.access import policy
from citysec.errors import NotShared
from citysec.tables.advisories import Advisory
from citysec.web import context
from citysec.web.console.frame import show
from citysec.web.context import AppContext
from citysec.web.public.body import body_of
from citysec.web.views import PublicAdvisoriesView, PublicAdvisoryRow, PublicAdvisoryView

PAGE: Final = 25


def routes(_app: AppContext) -> Iterable[web.AbstractRouteDef]:
    """Return the routes of this module."""
    return (web.get("/advisories/", advisories), web.get("/advisories/{id}", advisory))


async def advisories(request: web.Request) -> web.Response:
    """List what the public is told, newest first."""
    standing = select(Advisory).where(policy.public_advisories(), ~col(Advisory.content)["withdrawn"].as_boolean())
    query = standing.order_by(col(Advisory.published_at).desc()).limit(PAGE + 1)
    before = _instant(request.query.get("before", ""))
    if before is not None:
        query = query.where(col(Advisory.published_at) < before)
    async with context.of(request).database.reading() as db:
        found = (await db.exec(query)).all()
    shown = found[:PAGE]
    view = PublicAdvisoriesView(
        advisories=tuple(
            PublicAdvisoryRow(
                id=a.id, title=a.subject, severity=a.severity, published_at=a.published_at, what=body_of(a).content.what
            )
            for a in shown
        ),
        next_page=f"/advisories/?before={shown[-1].published_at.timestamp()}" if len(found) > PAGE else None,
    )
    return await show(request, view)


async def advisory(request: web.Request) -> web.Response:
    """Show one as it is now: the address of any revision leads to the newest."""
    asked = select(Advisory.incident_id).where(policy.public_revisions(), Advisory.id == request.match_info["id"])
    query = select(Advisory).where(policy.public_advisories(), col(Advisory.incident_id).in_(asked))
    async with context.of(request).database.reading() as db:
        found = (await db.exec(query)).first()
    if found is None:
        raise NotShared("a public advisory")
    return await show(request, PublicAdvisoryView(id=found.id, advisory=body_of(found)))


def _instant(text: str) -> datetime | None:
    try:
        return datetime.fromtimestamp(float(text), tz=UTC)
    except (ValueError, OverflowError, OSError):
        return None
