"""What playbooks write into the timeline of an incident that they know by its id."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlmodel.ext.asyncio.session import AsyncSession

from citysec.access.policy import SERVICE
from citysec.tables.incidents import Incident
from citysec.timeline import enter


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
    incident = await db.get_one(Incident, incident_id)
    await enter(db, incident, kind, text, actor=actor, data=data)
    return incident
