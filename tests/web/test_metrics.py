"""Numbers for monitoring."""

from __future__ import annotations

from datetime import timedelta

from citysec import outbox
from citysec.db import Database
from citysec.tables.columns import now
from citysec.tables.work import Outbox
from citysec.web.metrics import Metrics


async def test_work_that_was_written_while_the_question_was_on_its_way_waits(db: Database):
    later = now() + timedelta(hours=1)
    async with db.writing() as writing:
        writing.add(Outbox(kind="triage", payload={}, created_at=later, due_at=later))
        outbox.add(writing, "clock", {}, due_at=later)
    async with db.reading() as reading:
        said = (await Metrics().text(reading)).decode()
    assert 'citysec_work_waiting{kind="triage"} 1.0' in said
    assert 'kind="clock"' not in said
    assert "citysec_work_oldest_seconds 0.0" in said
