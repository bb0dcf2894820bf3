"""What operators look at: feeds and the audit chain."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from aiohttp import web
from sqlmodel import col, func, select

from citysec.access import audit, policy
from citysec.access.policy import Action
from citysec.feeds import submit
from citysec.feeds.definition import Definition, FileFeed
from citysec.tables.access import AuditEntry
from citysec.tables.columns import now
from citysec.tables.feeds import Feed
from citysec.tables.matches import Unmatchable
from citysec.web import context
from citysec.web import views as v
from citysec.web.console.board import STALE
from citysec.web.console.frame import show
from citysec.web.console.live import follow
from citysec.web.context import AppContext

PAGE: Final = 100


def routes(_app: AppContext) -> Iterable[web.AbstractRouteDef]:
    """Return the routes of this module."""
    return (web.get("/feeds", feeds), web.get("/audit", audit_page))


async def feeds(request: web.Request) -> web.Response:
    """Show every feed with its health."""
    principal = context.principal(request)
    policy.demand(principal, Action.READ_CITY)
    app, events = context.of(request), await follow(request)
    async with app.database.reading() as db:
        rows = {f.name: f for f in (await db.exec(select(Feed))).all()}
        unmatchable = (await db.exec(select(func.count()).select_from(Unmatchable))).one()
    stands = ((d, rows.get(d.name) or Feed(name=d.name)) for d in app.feeds.values())
    may_submit = submit.FEED in app.feeds and policy.may(principal, Action.SUBMIT)
    view = v.FeedsView(feeds=tuple(_feed(d, f) for d, f in stands), may_submit=may_submit, unmatchable=unmatchable)
    return await show(request, view, events=events)


async def audit_page(request: web.Request) -> web.Response:
    """Show the newest entries of the chain, and whether all of it holds."""
    policy.demand(context.principal(request), Action.READ_AUDIT)
    before = request.query.get("before", "")
    query = select(AuditEntry).order_by(col(AuditEntry.seq).desc()).limit(PAGE + 1)
    if before.isascii() and before.isdecimal():
        query = query.where(col(AuditEntry.seq) < min(int(before), 2**62))
    async with context.of(request).database.reading() as db:
        entries = (await db.exec(query)).all()
        total, broken = await audit.first_broken(db)
    shown = entries[:PAGE]
    view = v.AuditView(
        entries=tuple(v.AuditRow(seq=e.seq, at=e.at, actor=e.actor, action=e.action, subject=e.subject) for e in shown),
        total=total,
        checked_at=now(),
        broken_at=broken,
        next_page=f"/audit?before={shown[-1].seq}" if len(entries) > PAGE else None,
    )
    return await show(request, view)


def _feed(definition: Definition, feed: Feed) -> v.FeedRow:
    return v.FeedRow(
        name=definition.name,
        title=definition.title,
        publisher=definition.publisher,
        kind=definition.kind,
        state=state(definition, feed),
        last_success_at=feed.succeeded_at,
        next_poll_at=feed.next_at if feed.enabled else None,
        objects=feed.objects,
        rejects=feed.rejects,
        problem=feed.error or suspicion(feed),
    )


def suspicion(feed: Feed) -> str:
    """Return why the feed's last list was not believed, without the command line's way to accept it."""
    return (feed.held or "").partition("; `")[0]


def state(definition: Definition, feed: Feed) -> str:
    """Return the word for how a feed stands (`words.FEED_STATES`)."""
    if isinstance(definition, FileFeed) and definition.by_hand:
        return "hand"
    if not feed.enabled:
        return "off"
    if feed.held is not None:
        return "held"
    if feed.failures:
        return "failing"
    if feed.succeeded_at is None:
        return "new"
    return "late" if feed.stale_since or feed.succeeded_at < now() - STALE else "healthy"
