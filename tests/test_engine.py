"""The durable engine, on SQLite and on PostgreSQL."""

from __future__ import annotations

import asyncio
import gc
import threading
import time
from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Protocol

import psycopg
import pytest

from citysec.engine import PAUSES_S, Drive, Engine, Journal, JsonValue, Perform
from citysec.errors import Conflict, SettingsError
from tests.processes import launched
from tests.waiting import until


class Open(Protocol):
    """Opens an engine on this test's database."""

    def __call__(
        self, perform: Perform = ..., drive: Drive = ..., executor_id: str = ...
    ) -> AbstractAsyncContextManager[Engine]: ...


async def nothing(work_id: str) -> None:
    """Do work that needs nothing done."""


async def silence(journal: Journal, run_id: str) -> None:
    """Conduct a run that has nothing to say."""


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def runs_database(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'runs.db'}"
    url: str = request.getfixturevalue("postgres_url")
    return url.replace("postgresql://", "postgresql+psycopg://")


@pytest.fixture
def opened(runs_database: str) -> Open:
    @asynccontextmanager
    async def open_(
        perform: Perform = nothing, drive: Drive = silence, executor_id: str = "local"
    ) -> AsyncGenerator[Engine, None]:
        async with Engine.running(runs_database, executor_id, perform, drive, pauses_s=(0.01, 0.02)) as engine:
            yield engine

    return open_


_OTHERS = """
    SELECT count(*) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'
"""


def test_a_run_outlives_two_hours_without_a_database() -> None:
    assert sum(PAUSES_S) >= 2 * 3600
    assert max(PAUSES_S) <= 60


async def test_work_handed_over_twice_is_performed_once(opened: Open) -> None:
    done: Counter[str] = Counter()

    async def perform(work_id: str) -> None:
        done[work_id] += 1

    async with opened(perform) as engine:
        await engine.hand_over(["a", "b", "a"])
        await engine.hand_over(["b"])
        await until(lambda: done.keys() == {"a", "b"})
        await engine.hand_over(["a", "c"])
        await until(lambda: "c" in done)
    assert done == {"a": 1, "b": 1, "c": 1}


async def test_work_is_performed_on_the_loop_of_the_service(opened: Open) -> None:
    seen: list[tuple[asyncio.AbstractEventLoop, threading.Thread]] = []

    async def perform(work_id: str) -> None:
        seen.append((asyncio.get_running_loop(), threading.current_thread()))

    async with opened(perform) as engine:
        await engine.hand_over(["a"])
        await until(lambda: seen)
    assert seen == [(asyncio.get_running_loop(), threading.current_thread())]


async def test_work_that_asks_for_it_is_called_again_when_it_says(opened: Open) -> None:
    pauses = iter([0.3, 0.0, None])
    calls: list[float] = []

    async def perform(work_id: str) -> float | None:
        calls.append(time.monotonic())
        return next(pauses)

    async with opened(perform) as engine:
        await engine.hand_over(["a"])
        await until(lambda: len(calls) == 3)
    assert calls[1] - calls[0] >= 0.3


async def test_work_that_raises_is_tried_again(opened: Open) -> None:
    calls: list[str] = []

    async def perform(work_id: str) -> None:
        calls.append(work_id)
        if len(calls) < 3:
            raise OSError("not now")

    async with opened(perform) as engine:
        await engine.hand_over(["a"])
        await until(lambda: len(calls) == 3)
        assert await engine.unfinished() == []


async def test_work_that_keeps_raising_fails_in_sight(opened: Open) -> None:
    async def perform(work_id: str) -> None:
        raise OSError("the disk is full")

    async with opened(perform) as engine:
        await engine.hand_over(["a"])
        await until(engine.unfinished)
        [failed] = await engine.unfinished()
    assert (failed.kind, failed.id, failed.error) == ("work", "a", "OSError: the disk is full")


async def test_closing_is_quick_and_leaves_the_rest_to_the_next_start(
    opened: Open, caplog: pytest.LogCaptureFixture
) -> None:
    begun: set[str] = set()

    async def perform(work_id: str) -> float | None:
        begun.add(work_id)
        return 3600 if work_id == "pausing" else await asyncio.sleep(3600)

    async def drive(journal: Journal, run_id: str) -> None:
        begun.add(run_id)
        await journal.receive(3600)

    async with opened(perform, drive) as engine:
        await engine.hand_over(["pausing", "working"])
        await engine.start("waiting")
        await until(lambda: len(begun) == 3)
        closing = time.perf_counter()
    assert time.perf_counter() - closing < 5
    assert [record for record in caplog.records if record.levelname == "ERROR"] == []
    begun.clear()
    async with opened(perform, drive) as engine:
        await until(lambda: begun == {"pausing", "working", "waiting"})
        assert await engine.unfinished() == []


async def test_a_call_about_to_end_is_let_end_at_closing(opened: Open) -> None:
    calls: list[str] = []

    async def perform(work_id: str) -> None:
        calls.append("begun")
        await asyncio.sleep(0.2)
        calls.append("ended")

    async with opened(perform) as engine:
        await engine.hand_over(["a"])
        await until(lambda: calls)
    async with opened(perform) as engine:
        await engine.hand_over(["a"])
    assert calls == ["begun", "ended"]


async def test_a_run_goes_on_behind_its_last_recorded_step(opened: Open) -> None:
    acts: list[str] = []

    async def drive(journal: Journal, run_id: str) -> None:
        async def act() -> JsonValue:
            acts.append(run_id)
            return {"acts": len(acts)}

        assert await journal.step("ask", act) == {"acts": 1}
        began = await journal.now()
        acts.append(str(await journal.receive(3600)))
        assert (await journal.now()) > began

    async with opened(drive=drive) as engine:
        await engine.start("r")
        await engine.start("r")
        await until(lambda: acts == ["r"])
    async with opened(drive=drive) as engine:
        await engine.send("r", {"yes": True}, key="1")
        await until(lambda: acts == ["r", "{'yes': True}"])


async def test_a_message_with_the_same_key_is_received_once(opened: Open) -> None:
    heard: list[JsonValue] = []

    async def drive(journal: Journal, run_id: str) -> None:
        heard.extend([await journal.receive(0.5) for _ in range(3)])

    async with opened(drive=drive) as engine:
        await engine.start("r")
        await engine.send("r", "first", key="1")
        await engine.send("r", "again", key="1")
        await engine.send("r", "other", key="2")
        await until(lambda: heard)
    assert heard == ["first", "other", None]


async def test_a_message_to_no_run_is_a_conflict(opened: Open) -> None:
    async with opened() as engine:
        with pytest.raises(Conflict):
            await engine.send("nobody", "hello", key="1")


async def test_a_step_that_raises_is_tried_again(opened: Open) -> None:
    acts: list[str] = []

    async def act() -> JsonValue:
        acts.append("act")
        if len(acts) < 3:
            raise OSError("not now")
        return len(acts)

    async def drive(journal: Journal, run_id: str) -> None:
        acts.append(f"done at {await journal.step('try', act)}")

    async with opened(drive=drive) as engine:
        await engine.start("r")
        await until(lambda: acts[-1:] == ["done at 3"])


async def test_a_run_that_raises_fails_in_sight(opened: Open) -> None:
    async def drive(journal: Journal, run_id: str) -> None:
        raise ValueError("no such step")

    async with opened(drive=drive) as engine:
        await engine.start("r")
        await until(engine.unfinished)
        [failed] = await engine.unfinished()
    assert (failed.kind, failed.id, failed.error) == ("run", "r", "ValueError: no such step")


async def test_a_cancelled_run_does_not_come_back(opened: Open) -> None:
    events: list[str] = []

    async def drive(journal: Journal, run_id: str) -> None:
        events.append("begun")
        try:
            await journal.receive(3600)
        finally:
            events.append("ended")

    async with opened(drive=drive) as engine:
        await engine.start("r")
        await until(lambda: events)
        await engine.cancel("r")
        await until(lambda: events == ["begun", "ended"])
    async with opened(drive=drive) as engine:
        await engine.start("r")
        assert await engine.unfinished() == []
    assert events == ["begun", "ended"]


async def test_work_may_start_and_send_to_runs(opened: Open) -> None:
    heard: list[JsonValue] = []
    engines: list[Engine] = []

    async def perform(work_id: str) -> None:
        await engines[0].start("r")
        await engines[0].send("r", "from the work", key=work_id)

    async def drive(journal: Journal, run_id: str) -> None:
        heard.append(await journal.receive(5))

    async with opened(perform, drive) as engine:
        engines.append(engine)
        await engine.hand_over(["a"])
        await until(lambda: heard == ["from the work"])


async def test_what_finished_long_ago_is_forgotten(opened: Open) -> None:
    done: Counter[str] = Counter()

    async def perform(work_id: str) -> float | None:
        done[work_id] += 1
        return 3600 if work_id == "open" else None

    async with opened(perform) as engine:
        await engine.hand_over(["a", "b", "open"])
        await until(lambda: len(done) == 3)
    async with opened(perform) as engine:
        assert await engine.forget(datetime.now(UTC) - timedelta(days=1)) == 0
        forgotten = 0

        async def both_are() -> bool:  # the end of what was done may be recorded only now
            nonlocal forgotten
            forgotten += await engine.forget(datetime.now(UTC) + timedelta(seconds=1))
            return forgotten == 2

        await until(both_are)
        await engine.hand_over(["a"])
        await until(lambda: done["a"] == 2)


async def test_a_thousand_pieces_of_work_are_all_done(opened: Open) -> None:
    done: Counter[str] = Counter()
    work = [f"w{n}" for n in range(1000)]

    async def perform(work_id: str) -> None:
        done[work_id] += 1

    async with opened(perform) as engine:
        await engine.hand_over(work)
        await until(lambda: len(done) == 1000, timeout_s=60)
    assert done == Counter(work)


@pytest.mark.postgres
async def test_closing_in_the_midst_leaves_nothing_open(postgres_url: str) -> None:
    url = postgres_url.replace("postgresql://", "postgresql+psycopg://")
    for attempt in range(5):
        done: list[str] = []

        async def perform(work_id: str, done: list[str] = done) -> None:
            done.append(work_id)

        async with Engine.running(url, "local", perform, silence, pauses_s=()) as engine, asyncio.TaskGroup() as tasks:
            handing = tasks.create_task(engine.hand_over([f"{attempt}-{n}" for n in range(200)]))
            await until(lambda: len(done) > 5)  # noqa: B023  (awaited within its turn)
            handing.cancel()
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        await until(lambda: connection.execute(_OTHERS).fetchall() == [(0,)])


async def test_closing_while_what_was_left_is_taken_up_again_drops_nothing(opened: Open) -> None:
    begun: set[str] = set()
    work = {f"w{n}" for n in range(300)}

    async def perform(work_id: str) -> float | None:
        begun.add(work_id)
        return 3600

    async with opened(perform) as engine:
        await engine.hand_over(sorted(work))
    for _ in range(3):
        begun.clear()
        async with opened(perform):
            await until(lambda: begun)
    gc.collect()  # whatever was handed to a loop that had ended is complained of now
    begun.clear()
    async with opened(perform):
        await until(lambda: begun == work)


async def test_a_database_that_cannot_be_opened_is_the_operators_matter() -> None:
    with pytest.raises(SettingsError):
        async with Engine.running("sqlite:////nowhere/at/all.db", "local", nothing, silence):
            pass


async def test_after_kill_9_everything_unfinished_goes_on(runs_database: str, tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    with launched("tests.engine_worker:main", runs_database, str(trace), "first") as first:
        await until(lambda: {"first pausing", "first working", "first recorded r"} <= _lines(trace), timeout_s=30)
        first.kill()
    with launched("tests.engine_worker:main", runs_database, str(trace), "second"):
        await until(lambda: {"second pausing", "second working", "second heard r"} <= _lines(trace), timeout_s=30)
    assert "second asked r" not in _lines(trace)


def _lines(file: Path) -> set[str]:
    return set(file.read_text().splitlines()) if file.exists() else set()
