"""What advisories write into an incident's timeline, and whom they tell that something has changed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from sqlmodel.ext.asyncio.session import AsyncSession

from citysec import outbox
from citysec.tables.advisories import Advisory
from citysec.tables.columns import now
from citysec.tables.incidents import Incident, TimelineEntry

SERVICE: Final = "citysec"
"""The actor of what the service does by itself."""

CITY_ONLY: Final = {"audience": "city"}
"""Marks an entry that only the city's own team may read."""


def enter(
    db: AsyncSession, incident: Incident, text: str, *, actor: str = SERVICE, data: Mapping[str, Any] | None = None
) -> None:
    """Write one line of the timeline of `incident` in the caller's transaction."""
    line = TimelineEntry(
        incident_id=incident.id, at=now(), kind="advisory", text=text, actor=actor, data=dict(data or {})
    )
    db.add(line)
    outbox.announce(db, "incident", incident.id, incident.constituent_id)


def changed(db: AsyncSession, advisory: Advisory) -> None:
    """Tell live views that `advisory`, its deliveries or its answers have changed."""
    outbox.announce(db, "advisory", advisory.id, advisory.constituent_id)
