"""Feeds, the audit chain, and who the caller is."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from pydantic import Field
from sqlmodel import col, select

from citysec import outbox
from citysec.access import audit, policy
from citysec.access.policy import Role, Scope
from citysec.errors import NotShared
from citysec.tables.access import AuditEntry
from citysec.tables.columns import new_id
from citysec.tables.feeds import Feed
from citysec.tables.register import Constituent
from citysec.web.api.operation import Call, Nothing
from citysec.web.api.paging import Keyset, page
from citysec.web.api.values import Label, Out, Page, Paging


class MeOut(Out):
    """Who the caller is, and what its credentials are good for."""

    name: str
    role: Role
    constituent: Annotated[str | None, Field(description="Slug; null is the city's own team.")]
    clearance: Label
    scopes: list[Scope]


class FeedOut(Out):
    """One feed and how its polls went."""

    name: str
    enabled: bool
    attempted_at: datetime | None
    succeeded_at: datetime | None
    next_at: datetime | None
    failures: int
    error: str | None
    objects: int
    rejects: int


class WorkOut(Out):
    """Work that will be done soon."""

    id: str


class AuditOut(Out):
    """One link of the audit chain."""

    seq: int
    at: datetime
    actor: str
    action: str
    subject: str
    data: dict[str, Any]
    previous: str
    digest: str


_FEEDS: Keyset[Feed] = Keyset((col(Feed.name),), lambda row: (row.name,))
_ENTRIES: Keyset[AuditEntry] = Keyset((col(AuditEntry.seq),), lambda row: (row.seq,))


async def me(call: Call[Nothing, Nothing]) -> MeOut:
    """Who the caller is."""
    who = call.principal
    slug = (await call.db.exec(select(Constituent.slug).where(Constituent.id == who.constituent_id))).first()
    return MeOut(name=who.name, role=who.role, constituent=slug, clearance=who.clearance, scopes=sorted(who.scopes))


async def list_feeds(call: Call[Paging, Nothing]) -> Page[FeedOut]:
    """List feeds, by name."""
    return await page(call, select(Feed), _FEEDS, FeedOut.model_validate)


async def poll_feed(call: Call[Nothing, Nothing]) -> WorkOut:
    """Have a feed polled now; the answer does not wait for it."""
    feed = await call.db.get(Feed, call.path["feed"])
    if feed is None:
        raise NotShared
    work = outbox.add(call.db, "poll", {"feed": feed.name, "tick": f"asked-{new_id()}"})
    await audit.record(call.db, call.principal.name, "feed.poll", f"feed:{feed.name}")
    return WorkOut(id=work)


async def list_audit(call: Call[Paging, Nothing]) -> Page[AuditOut]:
    """List the audit chain from its beginning."""
    statement = select(AuditEntry).where(policy.audit_entries(call.principal))
    return await page(call, statement, _ENTRIES, AuditOut.model_validate)
