"""Killed with -9 while a list is read, what is missing from it counts once for each reading that has ended."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlmodel import col, func, select

from citysec.db import Database
from citysec.feeds.ingest import BATCH
from citysec.tables import Assertion
from tests.faults.points import Moment, Point, inserting, updating
from tests.processes import launched

DEFINITION = """\
name = "list"
title = "List"
publisher = "Test"
licence = "none"
kind = "document"
path = "../list.txt"
semantics = "snapshot"
format = "list"
"""
LINES = [f"198.51.{n >> 8}.{n & 255}" for n in range(BATCH + 2)]


async def _poll(data: Path, point: Point | None = None) -> None:
    with launched("citysec.cli:main", "feeds", "poll", "list", "--data", str(data), point=point) as program:
        await (program.killed_itself() if point else program.ended())


async def _gone(url: str) -> int:
    async with Database.opened(url) as database, database.reading() as db:
        gone = select(func.count()).select_from(Assertion).where(col(Assertion.gone_at).is_not(None))
        return (await db.exec(gone)).one()


@pytest.mark.parametrize(
    ("point", "ended"),
    [
        (inserting("poll_run", Moment.AFTER_COMMIT), 0),
        (updating("assertion", "missed", Moment.BEFORE_COMMIT), 0),
        (updating("assertion", "missed", Moment.AFTER_COMMIT), 1),
        (updating("feed", "succeeded_at", Moment.BEFORE_COMMIT), 1),
    ],
    ids=["begun", "not-judged", "judged", "not-noted"],
)
async def test_a_reading_counts_with_its_last_batch(tmp_path: Path, sqlite_url: str, point: Point, ended: int):
    (tmp_path / "feeds").mkdir()
    (tmp_path / "feeds" / "list.toml").write_text(DEFINITION)
    (tmp_path / "list.txt").write_text("\n".join(LINES))
    await _poll(tmp_path)
    (tmp_path / "list.txt").write_text("\n".join(LINES[1:]))
    await _poll(tmp_path, point)
    found = list[int]()
    for _ in range(2):
        await _poll(tmp_path)
        found.append(await _gone(sqlite_url))
    assert found == [ended, 1]
