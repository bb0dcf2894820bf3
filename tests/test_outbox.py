"""The hand-over between stages, on SQLite and on PostgreSQL, with the durable engine behind it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Protocol

import pytest
from sqlmodel import select
from sqlmodel.ext.asyncio.session import AsyncSession

from citysec import outbox
from citysec.db import Database
from citysec.engine import Engine, Journal
from citysec.outbox import Dispatcher, Effect, Payload, Performer, Stage
from citysec.settings import Settings
from citysec.tables import Change, Meta, Outbox
from citysec.tables.columns import now
from tests.waiting import until


class At(Protocol):
    """Runs a dispatcher and an engine over this test's database with the stages given."""

    def __call__(self, stages: Mapping[str, Stage | Effect]) -> AbstractAsyncContextManager[Engine]: ...


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def settings(request: pytest.FixtureRequest, tmp_path: Path, sqlite_url: str) -> Settings:
    url = request.getfixturevalue("postgres_url") if request.param == "postgresql" else None
    return Settings(data_dir=tmp_path, database_url=url)


@pytest.fixture
async def database(settings: Settings) -> AsyncGenerator[Database, None]:
    async with Database.opened(settings.app_database) as database:
        yield database


@pytest.fixture
def at_work(settings: Settings, database: Database) -> At:
    @asynccontextmanager
    async def at_work(stages: Mapping[str, Stage | Effect]) -> AsyncGenerator[Engine, None]:
        performer = Performer(database, stages)
        async with (
            Engine.running(settings.runs_database, "local", performer, _silence, pauses_s=(0.01,)) as engine,
            _running(Dispatcher(database, engine.hand_over, engine.hand_over_again, poll_s=10)),
        ):
            yield engine

    return at_work


@asynccontextmanager
async def _running(*dispatchers: Dispatcher) -> AsyncGenerator[None, None]:
    async with asyncio.TaskGroup() as tasks:
        running = [tasks.create_task(dispatcher.run()) for dispatcher in dispatchers]
        yield
        for task in running:
            task.cancel()


async def _silence(journal: Journal, run_id: str) -> None:
    """Conduct no run."""


async def _add(database: Database, kind: str, **payload: str) -> str:
    async with database.writing() as db:
        return outbox.add(db, kind, payload)


async def _add_in_vain(database: Database) -> None:
    async with database.writing() as db:
        outbox.add(db, "remember", {"name": "never"})
        await db.flush()
        raise OSError("broken")


async def _row(database: Database, work_id: str) -> Outbox:
    async with database.reading() as db:
        return (await db.exec(select(Outbox).where(Outbox.id == work_id))).one()


async def _remember(db: AsyncSession, payload: Payload) -> None:
    db.add(Meta(name=payload["name"], value="1"))


async def _remembered(database: Database) -> set[str]:
    async with database.reading() as db:
        return set(await db.exec(select(Meta.name)))


async def test_work_is_done_when_its_transaction_commits(database: Database, at_work: At):
    async with at_work({"remember": Stage(_remember)}):
        work_id = await _add(database, "remember", name="x")
        await until(lambda: _remembered(database))
    row = await _row(database, work_id)
    assert row.done_at is not None
    assert row.error is None


async def test_work_of_a_transaction_that_fails_does_not_exist(database: Database, at_work: At):
    async with at_work({"remember": Stage(_remember)}):
        with pytest.raises(OSError, match="broken"):
            await _add_in_vain(database)
        await _add(database, "remember", name="next")
        await until(lambda: _remembered(database))
    assert await _remembered(database) == {"next"}


async def test_a_stage_puts_the_next_work_into_its_own_transaction(database: Database, at_work: At):
    async def hand_on(db: AsyncSession, payload: Payload) -> None:
        outbox.add(db, "remember", {"name": payload["name"] + "!"})

    async with at_work({"hand_on": Stage(hand_on), "remember": Stage(_remember)}):
        await _add(database, "hand_on", name="x")
        await until(lambda: _remembered(database))
    assert await _remembered(database) == {"x!"}


async def test_what_a_failing_stage_did_is_undone_and_done_again(database: Database, at_work: At):
    tries: list[str] = []

    async def stumble(db: AsyncSession, payload: Payload) -> None:
        tries.append("try")
        await _remember(db, {"name": f"try {len(tries)}"})
        await db.flush()
        if len(tries) == 1:
            raise OSError("not now")

    async with at_work({"stumble": Stage(stumble)}):
        work_id = await _add(database, "stumble")
        await until(lambda: _remembered(database))
    assert await _remembered(database) == {"try 2"}
    assert (await _row(database, work_id)).attempts == 1


async def test_calling_again_what_is_done_changes_nothing(database: Database):
    performer = Performer(database, {"remember": Stage(_remember)})
    work_id = await _add(database, "remember", name="x")
    await asyncio.gather(performer(work_id), performer(work_id), performer(work_id))
    assert await performer(work_id) is None
    assert await _remembered(database) == {"x"}


async def test_failing_work_shows_why_and_is_tried_anew_at_the_next_start(database: Database, at_work: At):
    async with at_work({}) as engine:
        work_id = await _add(database, "unheard_of")
        await until(engine.unfinished)
    row = await _row(database, work_id)
    assert (row.done_at, row.attempts, row.error) == (None, 2, "LookupError: there is no stage 'unheard_of'")
    async with at_work({"unheard_of": Effect(_nothing)}) as engine:
        await until(lambda: _is_done(database, work_id))
        assert await engine.unfinished() == []


async def _nothing(_database: Database, _payload: Payload) -> None:
    """Have no effect."""


async def _is_done(database: Database, work_id: str) -> bool:
    return (await _row(database, work_id)).done_at is not None


async def test_work_is_not_begun_before_it_is_due(database: Database, at_work: At):
    due_at = now() + timedelta(hours=1)
    async with at_work({"remember": Stage(_remember)}):
        async with database.writing() as db:
            later = outbox.add(db, "remember", {"name": "later"}, due_at=due_at)
        await _add(database, "remember", name="now")
        await until(lambda: _remembered(database))
    assert (await _row(database, later)).handed_over_at is None
    performer = Performer(database, {"remember": Stage(_remember)})
    assert 3590 < (await performer(later) or 0) <= 3600
    assert await _remembered(database) == {"now"}


async def test_an_effect_that_asks_for_it_is_called_again_and_the_row_keeps_the_time(database: Database):
    performer = Performer(database, {"ring": Effect(_in_an_hour)})
    work_id = await _add(database, "ring")
    assert await performer(work_id) == 3600
    assert 3590 < (await performer(work_id) or 0) <= 3600
    assert (await _row(database, work_id)).due_at > now() + timedelta(minutes=59)


async def _in_an_hour(_database: Database, _payload: Payload) -> float:
    return 3600


async def test_effects_that_hang_do_not_hold_up_stages(database: Database, at_work: At):
    async def hang(_database: Database, _payload: Payload) -> None:
        await asyncio.Event().wait()

    async with at_work({"hang": Effect(hang), "remember": Stage(_remember)}):
        async with database.writing() as db:
            for _ in range(2 * outbox.EFFECTS_AT_ONCE):
                outbox.add(db, "hang", {})
        await _add(database, "remember", name="x")
        await until(lambda: _remembered(database))


async def test_work_marked_but_lost_on_the_way_is_found_at_the_next_start(database: Database, at_work: At):
    work_id = await _add(database, "remember", name="x")
    lost: list[str] = []

    async def lose(work_ids: Sequence[str]) -> None:
        lost.extend(work_ids)

    async with _running(Dispatcher(database, lose, lose, poll_s=10)):
        await until(lambda: lost == [work_id])
    async with at_work({"remember": Stage(_remember)}):
        await until(lambda: _remembered(database))


async def test_work_that_the_engine_refuses_stays_waiting(
    database: Database, at_work: At, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(outbox, "STALL_S", 0.01)
    refusals: list[Sequence[str]] = []
    work_id = await _add(database, "remember", name="x")

    async def refuse(work_ids: Sequence[str]) -> None:
        refusals.append(work_ids)
        raise OSError("no room")

    async with _running(Dispatcher(database, refuse, refuse, poll_s=10)):
        await until(lambda: len(refusals) > 1)
    assert (await _row(database, work_id)).done_at is None
    async with at_work({"remember": Stage(_remember)}):
        await until(lambda: _remembered(database))


async def test_two_dispatchers_share_the_work(database: Database):
    taken: list[str] = []

    async def take(work_ids: Sequence[str]) -> None:
        taken.extend(work_ids)

    async with database.writing() as db:
        given = {outbox.add(db, "k", {}) for _ in range(3 * outbox.BATCH)}
    async with _running(*(Dispatcher(database, take, take, poll_s=0.01) for _ in range(2))):
        await until(lambda: len(taken) >= len(given))
    assert sorted(taken) == sorted(given)


async def test_what_was_done_long_ago_is_forgotten(database: Database):
    performer = Performer(database, {"remember": Stage(_remember)})
    done, undone = await _add(database, "remember", name="x"), await _add(database, "remember", name="y")
    await performer(done)
    async with database.writing() as db:
        await outbox.forget(db, now() + timedelta(seconds=1))
    async with database.reading() as db:
        assert list(await db.exec(select(Outbox.id))) == [undone]


async def test_old_changes_are_forgotten_but_the_newest(database: Database):
    for incident in "abc":
        async with database.writing() as db:
            outbox.announce(db, "incident", incident)
    async with database.writing() as db:
        await outbox.forget(db, now() + timedelta(seconds=1))
    async with database.reading() as db:
        assert list(await db.exec(select(Change.subject_id))) == ["c"]
