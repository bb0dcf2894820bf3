"""What playbooks write into an incident's timeline."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from sqlmodel.ext.asyncio.session import AsyncSession

from citysec import outbox
from citysec.access import audit
from citysec.tables.columns import now
from citysec.tables.incidents import Incident, TimelineEntry

SERVICE: Final = "citysec"
"""The actor of what the service does by itself."""


async def tell(
    db: AsyncSession,
    incident_id: str,
    kind: str,
    text: str,
    *,
    actor: str = SERVICE,
    data: Mapping[str, Any] | None = None,
) -> Incident:
    """Write one line of the incident's timeline, audit it, and tell live views; return the incident."""
    at, incident = now(), await db.get_one(Incident, incident_id)
    incident.updated_at = at
    db.add(incident)
    db.add(TimelineEntry(incident_id=incident_id, at=at, kind=kind, text=text, actor=actor, data=dict(data or {})))
    await audit.record(db, actor, f"incident.{kind}", f"incident:{incident_id}", data)
    outbox.announce(db, "incident", incident_id, incident.constituent_id)
    return incident
