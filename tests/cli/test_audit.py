"""`citysec audit`."""

from __future__ import annotations

import json
from pathlib import Path

from sqlmodel import col, update
from sqlmodel.ext.asyncio.session import AsyncSession

from citysec.tables import AuditEntry
from tests.cli.conftest import Run, written


async def _forge(session: AsyncSession) -> None:
    await session.exec(update(AuditEntry).where(col(AuditEntry.seq) == 1).values(actor="nobody"))


def test_a_whole_chain_verifies(data: Path, run: Run):
    verified = run("audit", "verify")
    answer = json.loads(verified.stdout)
    assert (verified.exit_code, answer["ok"], answer["first_broken"]) == (0, True, None)
    assert answer["entries"] > 0


def test_a_forged_entry_is_named(data: Path, run: Run):
    written(data, _forge)
    verified = run("audit", "verify")
    assert (verified.exit_code, json.loads(verified.stdout)) == (1, {"ok": False, "entries": 0, "first_broken": 1})
