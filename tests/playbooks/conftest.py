"""An incident in a city whose playbooks write everything they do on its timeline."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from citysec.db import Database
from citysec.engine import Engine
from citysec.errors import Conflict
from citysec.playbooks.actions import Hands
from citysec.playbooks.approve import approve
from citysec.playbooks.deeds import Deed, Does
from citysec.playbooks.drive import Conductor
from citysec.playbooks.timeline import tell
from citysec.tables.incidents import Incident, TimelineEntry
from citysec.tables.playbooks import Question, Run, RunStep
from citysec.tables.register import Constituent
from tests.playbooks.score import document
from tests.waiting import until

INCIDENT = "c0ffee"
NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
async def city(request: pytest.FixtureRequest, sqlite_url: str) -> AsyncGenerator[Database, None]:
    """A database with one borough and its open incident `INCIDENT`."""
    url = sqlite_url
    if request.param == "postgresql":
        url = request.getfixturevalue("postgres_url").replace("postgresql://", "postgresql+asyncpg://")
    async with Database.opened(url) as db:
        await _open_incident(db)
        yield db


async def _open_incident(db: Database) -> None:
    borough = Constituent(slug="camden", name="Camden", kind="borough", sector="local-government")
    async with db.writing() as session:
        session.add(borough)
        await session.flush()
        session.add(incident(borough.id))


def incident(constituent_id: str | None, incident_id: str = INCIDENT) -> Incident:
    return Incident(
        id=incident_id,
        ref=f"LDN-2026-{incident_id}",
        constituent_id=constituent_id,
        threat="t",
        kind="phishing",
        title="Phishing",
        severity="high",
        state="open",
        confidence=80,
        tlp=1,
        aware_at=NOON,
        updated_at=NOON,
    )


async def _advise(db: AsyncSession, deed: Deed) -> None:
    await tell(db, deed.incident_id, "advisory", deed.word("audience"))


async def _escalate(db: AsyncSession, deed: Deed) -> None:
    await tell(db, deed.incident_id, "escalated", deed.word("reason"))


async def _note(db: AsyncSession, deed: Deed) -> None:
    if deed.word("text") == "impossible":
        raise Conflict("impossible")
    await tell(db, deed.incident_id, "note", deed.word("text"), actor=deed.actor)


HANDS: Hands = {Does.ADVISE: _advise, Does.ESCALATE: _escalate, Does.NOTE: _note}


@dataclass(frozen=True)
class Runs:
    """Ways to begin runs in a city and to look at them."""

    db: Database
    folder: Path

    @asynccontextmanager
    async def engine(self) -> AsyncGenerator[Engine, None]:
        async def nothing(work_id: str) -> None:
            raise AssertionError(work_id)

        conductor = Conductor(self.db, HANDS, {"Duty coordinator": "coordinator"})
        url = f"sqlite:///{self.folder / 'runs.db'}"
        async with Engine.running(url, "test", nothing, conductor.drive, pauses_s=(0.01,)) as engine:
            yield engine

    async def add(self, steps: Mapping[str, Mapping[str, Any]], **properties: Any) -> str:
        """Approve a playbook of `steps`, and add a run of it for `INCIDENT`."""
        content = json.dumps(document(steps, INCIDENT, **properties)).encode()
        async with self.db.writing() as session:
            playbook = await approve(session, content, "test")
            run = Run(incident_id=INCIDENT, playbook_id=playbook.id or 0)
            session.add(run)
        return run.id

    async def ended(self, run_id: str) -> Run:
        async def over() -> bool:
            async with self.db.reading() as session:
                return (await session.get_one(Run, run_id)).ended_at is not None

        await until(over)
        async with self.db.reading() as session:
            return await session.get_one(Run, run_id)

    async def asked(self) -> Question:
        async def there() -> bool:
            return bool(await self.questions())

        await until(there)
        return (await self.questions())[0]

    async def questions(self) -> list[Question]:
        async with self.db.reading() as session:
            return list(await session.exec(select(Question)))

    async def notes(self, *kinds: str) -> list[str]:
        """The timeline, of these kinds, `note` when none is named."""
        query = select(TimelineEntry.text).where(col(TimelineEntry.kind).in_(kinds or ("note",)))
        async with self.db.reading() as session:
            return list(await session.exec(query.order_by(col(TimelineEntry.id))))

    async def steps(self) -> list[tuple[str, str]]:
        """The steps people see, in order: kind and state."""
        query = select(RunStep.kind, RunStep.state).order_by(col(RunStep.position))
        async with self.db.reading() as session:
            return list(await session.exec(query))


@pytest.fixture
def runs(city: Database, tmp_path: Path) -> Runs:
    return Runs(city, tmp_path)
