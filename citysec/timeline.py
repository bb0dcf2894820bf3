"""An incident's timeline: what every stage writes into it, and who may read that."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from sqlmodel.ext.asyncio.session import AsyncSession

from citysec import outbox
from citysec.access import audit
from citysec.access.policy import SERVICE
from citysec.db import append
from citysec.tables.columns import now
from citysec.tables.incidents import Incident, TimelineEntry

CITY_ONLY: Final = {"audience": "city"}
"""Data that marks an entry as one that only the city's own team may read."""


def write(
    db: AsyncSession,
    incident: Incident,
    kind: str,
    text: str,
    *,
    actor: str = SERVICE,
    data: Mapping[str, Any] | None = None,
) -> None:
    """Write one line in the caller's transaction, and tell live views; whoever changes something audits it besides."""
    incident.updated_at = at = now()
    db.add(incident)
    entry = {"incident_id": incident.id, "at": at, "kind": kind, "text": text, "actor": actor, "data": dict(data or {})}
    append(db, TimelineEntry, entry)
    outbox.announce(db, "incident", incident.id, incident.constituent_id)


async def enter(
    db: AsyncSession,
    incident: Incident,
    kind: str,
    text: str,
    *,
    actor: str = SERVICE,
    data: Mapping[str, Any] | None = None,
) -> None:
    """Write one line and audit it as `incident.<kind>`."""
    write(db, incident, kind, text, actor=actor, data=data)
    await audit.record(db, actor, f"incident.{kind}", f"incident:{incident.id}", data)
