"""Boroughs whose machines report what they see."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from citysec.correlate import telemetry
from citysec.correlate.sighted import Telling
from citysec.db import Database
from citysec.tables import Constituent
from citysec.telemetry import Form, read
from tests.correlate.city import City

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
LATER = NOON + timedelta(days=1)


async def populated(db: Database) -> City:
    """Return a city of two boroughs."""
    async with db.writing() as session:
        for slug in ("camden", "brent"):
            session.add(Constituent(id=slug, slug=slug, name=slug, kind="borough", sector="government"))
    return City(db)


def seen(minutes: float = 0, **facts: Any) -> dict[str, Any]:
    """Return a record of something seen so long after noon."""
    return {"seen_at": (NOON + timedelta(minutes=minutes)).isoformat()} | facts


async def tell(
    town: City, *records: dict[str, Any], body: str = "camden", keep: bool = False, at: datetime = LATER
) -> int:
    """Report records, and return how many indicators were seen."""
    content = json.dumps(records).encode()
    taken = await telemetry.take_in(town.db, read(content, Form.JSON), at, keep=keep)
    assert taken.faults == []
    async with town.db.writing() as session:
        batch = telemetry.batch_id(body, content)
        return len(await telemetry.write_down(session, taken, Telling(body, "siem", at), batch))
