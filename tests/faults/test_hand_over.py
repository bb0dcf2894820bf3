"""Killed with -9 at any hand-over between stages and started again, the service comes to the same end."""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from sqlmodel import select

from citysec import outbox
from citysec.db import Database
from citysec.settings import Settings
from citysec.tables import Meta, Outbox
from tests.faults.points import HAND_OVERS, Moment, Point, inserting
from tests.processes import Program, launched
from tests.waiting import until

PIECES = ("a", "b", "c")
POINTS = HAND_OVERS | {
    f"{kind}-put-out:{moment}": inserting("outbox", moment, kind) for kind in ("tell", "converse") for moment in Moment
}


@pytest.fixture
def sqlite(tmp_path: Path, sqlite_url: str) -> Settings:
    return Settings(data_dir=tmp_path)


@pytest.fixture
def postgresql(tmp_path: Path, postgres_url: str) -> Settings:
    return Settings(data_dir=tmp_path, database_url=postgres_url)


@pytest.mark.parametrize("point", POINTS.values(), ids=POINTS)
async def test_a_kill_changes_nothing_on_sqlite(sqlite: Settings, point: Point):
    await _work_through_a_kill(sqlite, point)


@pytest.mark.postgres
@pytest.mark.parametrize("point", HAND_OVERS.values(), ids=HAND_OVERS)
async def test_a_kill_changes_nothing_on_postgresql(postgresql: Settings, point: Point):
    await _work_through_a_kill(postgresql, point)


async def test_work_survives_the_loss_of_the_engines_database(sqlite: Settings):
    await _work_through_a_kill(sqlite, POINTS["tell-put-out:after-commit"], lost="citysec-runs.db*")


@pytest.mark.postgres
async def test_two_processes_on_one_database_share_the_work(postgresql: Settings):
    await _give_work(postgresql)
    with _chain(postgresql, "one") as one, _chain(postgresql, "other") as other:
        await _all_done(postgresql)
        one.stop()
        other.stop()
    assert sorted((postgresql.data_dir / "told").read_text().split()) == sorted(PIECES)


async def _work_through_a_kill(settings: Settings, point: Point, lost: str = "nothing") -> None:
    await _give_work(settings)
    with _chain(settings, "local", point) as program:
        await program.killed_itself()
    for file in settings.data_dir.glob(lost):
        file.unlink()
    with _chain(settings, "local") as program:
        await _all_done(settings)
        program.stop()
    assert set((settings.data_dir / "told").read_text().split()) == set(PIECES)


def _chain(settings: Settings, executor: str, point: Point | None = None) -> AbstractContextManager[Program]:
    url = [settings.database_url] if settings.database_url else []
    return launched("tests.faults.chain:main", str(settings.data_dir), executor, *url, point=point)


async def _give_work(settings: Settings) -> None:
    async with Database.opened(settings.app_database) as database, database.writing() as db:
        for piece in PIECES:
            outbox.add(db, "first", {"n": piece})


async def _all_done(settings: Settings) -> None:
    """Wait until all that the pieces entail is done."""
    expected = sorted(f"{what} {n}" for what in ("first", "told", "ran") for n in PIECES)

    async def done() -> bool:
        async with database.reading() as db:
            undone = list(await db.exec(select(Outbox.id).where(Outbox.done_at == None)))  # noqa: E711
            return not undone and sorted(await db.exec(select(Meta.name))) == expected

    async with Database.opened(settings.app_database) as database:
        await until(done, timeout_s=30, every_s=0.05)
