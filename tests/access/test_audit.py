"""The audit chain."""

from __future__ import annotations

import pytest
from sqlmodel import col, update

from citysec.access import audit
from citysec.db import Database
from citysec.tables import AuditEntry


@pytest.fixture
async def chain(db: Database) -> Database:
    async with db.writing() as session:
        for number in range(3):
            await audit.record(session, "ada", "incident.close", f"incident:{number}", {"n": number})
    return db


async def test_an_untouched_chain_verifies(chain: Database):
    async with chain.reading() as session:
        assert await audit.first_broken(session) == (3, None)


@pytest.mark.parametrize("field", ["actor", "action", "subject", "previous", "digest"])
async def test_a_changed_entry_is_named(chain: Database, field: str):
    async with chain.writing() as session:
        await session.exec(update(AuditEntry).where(col(AuditEntry.seq) == 2).values({field: "forged"}))
    async with chain.reading() as session:
        assert (await audit.first_broken(session))[1] == 2


async def test_a_removed_entry_is_noticed(chain: Database):
    async with chain.writing() as session:
        await session.delete(await session.get_one(AuditEntry, 2))
    async with chain.reading() as session:
        assert (await audit.first_broken(session))[1] == 3
