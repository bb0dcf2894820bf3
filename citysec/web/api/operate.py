"""The audit chain, and who the caller is."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from pydantic import Field
from sqlmodel import col, select

from citysec.access import policy
from citysec.access.policy import Role, Scope
from citysec.tables.access import AuditEntry
from citysec.tables.register import Constituent
from citysec.tables.warnings import WarningList
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


class WarningListOut(Out):
    """One warning list, and what becomes of matches whose value is on it."""

    name: str
    title: str
    version: str
    description: str
    type: str
    effect: Annotated[str, Field(description="suppress, demote or annotate")]
    enabled: bool
    entries: int
    unread: Annotated[int, Field(description="Values that could not be read.")]
    imported_at: datetime


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


_LISTS: Keyset[WarningList] = Keyset((col(WarningList.name),), lambda row: (row.name,))
_ENTRIES: Keyset[AuditEntry] = Keyset((col(AuditEntry.seq),), lambda row: (row.seq,))


async def me(call: Call[Nothing, Nothing]) -> MeOut:
    """Who the caller is."""
    who = call.principal
    slug = (await call.db.exec(select(Constituent.slug).where(Constituent.id == who.constituent_id))).first()
    return MeOut(name=who.name, role=who.role, constituent=slug, clearance=who.clearance, scopes=sorted(who.scopes))


async def list_warning_lists(call: Call[Paging, Nothing]) -> Page[WarningListOut]:
    """List warning lists, by name."""
    return await page(call, select(WarningList), _LISTS, WarningListOut.model_validate)


async def list_audit(call: Call[Paging, Nothing]) -> Page[AuditOut]:
    """List the audit chain from its beginning."""
    statement = select(AuditEntry).where(policy.audit_entries(call.principal))
    return await page(call, statement, _ENTRIES, AuditOut.model_validate)
