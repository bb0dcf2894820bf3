"""The durable engine: what it has accepted is carried to its end, over crashes and restarts. On DBOS, as is `host`.

Two kinds of things are durable. A piece of *work* is called until it says that it is done; a *run* is a conversation:
a function that takes steps, waits for messages, and after a restart goes on behind its last recorded step.

DBOS keeps one instance and one registry per process, so one engine may be open at a time; a second one after the first
is closed is fine. It lives on a thread and a loop of its own (`host`); everything that is ours runs on the service's
loop, where our database connections live.
"""
# pyright: basic

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Generator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, TypeAlias, TypeVar, cast

from citysec import log
from citysec.errors import Conflict
from citysec.host import DBOS, GRACE_S, Host, SetWorkflowID, WorkflowStatus, error
from citysec.loops import HomeLoop, Load, post

JsonValue: TypeAlias = "bool | int | float | str | list[JsonValue] | dict[str, JsonValue] | None"
Perform: TypeAlias = Callable[[str], Awaitable[float | None]]
"""Does the work of an id; None when it is done, or the seconds after which to be called again.

It is called at least once, and again after a crash, a restart or an exception: it must be idempotent by id.
"""
Drive: TypeAlias = Callable[["Journal", str], Awaitable[None]]
"""Conducts the run of an id. It runs on the engine's loop and is replayed after a restart: it decides by what the
journal gives it, and touches the service, a clock or chance in steps only."""

PAUSES_S: Final = tuple(min(0.5 * 2**n, 60.0) for n in range(128))
"""Pauses between attempts at what raises, two hours in all; after the last attempt the work or the run has failed."""
BUSY: Final = 2000
"""How much work may be in progress, pauses not counted, before `hand_over` waits."""

_STARTING: Final = 8
_WORK: Final = "work"
_RUN: Final = "run"
_FAILED: Final = ["ERROR", "MAX_RECOVERY_ATTEMPTS_EXCEEDED"]
_FORGET_BATCH: Final = 500

_log: Final = log.get(__name__)
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Unfinished:
    """Work or a run that has failed for good: nothing happens until a person acts. `kind` is `work` or `run`."""

    kind: str
    id: str
    error: str
    failed_at: datetime


class Journal:
    """What a run knows of its own past: what is recorded is given again instead of done again.

    A replay must make the same calls in the same order.
    """

    def __init__(self, service: HomeLoop, steps: Load, run_id: str, pauses_s: Sequence[float]) -> None:
        self._service, self._steps, self._run_id, self._pauses_s = service, steps, run_id, pauses_s

    async def step(self, name: str, act: Callable[[], Awaitable[JsonValue]]) -> JsonValue:
        """Call `act` on the service's loop, at least once, and record what it returns.

        What `act` raises is unexpected: it is called again after a pause, and when it keeps raising the run has failed.
        An outcome that the run shall know of is returned, not raised.
        """

        async def insist() -> JsonValue:
            return await _insist(lambda: self._service.call(act), self._pauses_s, f"{self._run_id}/{name}")

        with self._steps:
            return await DBOS.run_step_async({"name": name}, insist)

    async def receive(self, timeout_s: float) -> JsonValue | None:
        """Return the oldest message not received yet; None when none came in time. The time runs on over restarts."""
        return await DBOS.recv_async(timeout_seconds=timeout_s)

    async def now(self) -> datetime:
        """Return the present instant; in a replay the instant of the first time."""
        return datetime.fromisoformat(await DBOS.run_step_async({"name": "now"}, _now))


class Engine:
    """An open engine; `running` opens it."""

    def __init__(self, service: HomeLoop, perform: Perform, drive: Drive, pauses_s: Sequence[float]) -> None:
        self._service, self._perform, self._drive, self._pauses_s = service, perform, drive, pauses_s
        self._load, self._steps = Load(BUSY), Load(1)
        self._runs: dict[str, asyncio.Task[Any]] = {}
        self._flows: dict[str, Callable[[str], Coroutine[Any, Any, None]]] = {}
        self._loop: asyncio.AbstractEventLoop

    @classmethod
    @asynccontextmanager
    async def running(
        cls, database_url: str, executor_id: str, perform: Perform, drive: Drive, pauses_s: Sequence[float] = PAUSES_S
    ) -> AsyncGenerator[Engine, None]:
        """Open the engine and go on with everything that this executor has not finished.

        When the block ends, calls under way have a moment to finish; what remains is left to the next start.

        Args:
            database_url: SQLAlchemy URL, `sqlite:///…` or `postgresql+psycopg://…`.
            executor_id: unique among the processes on this database, the same at each start of this one.
            perform: called on the caller's loop.
            drive: called on the engine's loop.
            pauses_s: between attempts at what raises.

        Raises:
            SettingsError: the database cannot be opened.
        """
        service = HomeLoop()
        engine = cls(service, perform, drive, pauses_s)
        thread = Host(database_url, executor_id, engine._register)
        try:
            engine._loop = await thread.start()
            try:
                yield engine
            finally:
                await service.close(GRACE_S)
                await engine._settle(GRACE_S)
        finally:
            await thread.stop()

    async def hand_over(self, work_ids: Sequence[str]) -> None:
        """Accept work: each id once, however often it is handed over. Waits while too much is in progress."""
        await self._call(lambda: self._begin_all(work_ids))

    async def hand_over_again(self, work_ids: Sequence[str]) -> None:
        """Accept work that may have been lost, or have failed for good: that is tried anew."""
        await self._call(lambda: self._begin_anew(work_ids))

    async def start(self, run_id: str) -> None:
        """Begin the run of `run_id`, unless it has begun before."""
        await self._call(lambda: self._begin(_RUN, run_id))

    async def send(self, run_id: str, message: JsonValue, *, key: str) -> None:
        """Give a run a message to receive; of messages with the same `key` the first one counts.

        Raises:
            Conflict: the run was never started.
        """
        destination = _flow_id(_RUN, run_id)
        try:
            await self._call(lambda: DBOS.send_async(destination, message, idempotency_key=key))
        except error.DBOSNonExistentWorkflowError as err:
            raise Conflict(f"run {run_id} was never started") from err

    async def cancel(self, run_id: str) -> None:
        """End a run where it stands; one that another process conducts ends before its next step."""
        await self._call(lambda: self._cancel(run_id))

    async def forget(self, before: datetime) -> int:
        """Delete what has finished, failed or been cancelled before `before`, and return how much that was.

        A forgotten id counts as never seen.
        """
        return await self._call(lambda: _forget(before.astimezone(UTC).isoformat()))

    async def unfinished(self) -> list[Unfinished]:
        """Return what has failed for good, the newest first, at most 1,000."""
        query = {"status": _FAILED, "limit": 1000, "sort_desc": True, "load_input": False}
        found = await self._call(lambda: DBOS.list_workflows_async(**query))
        return [_unfinished(status) for status in found]

    async def _settle(self, grace_s: float) -> None:
        """Give the steps whose calls have returned a moment to be recorded."""
        with suppress(TimeoutError):
            async with asyncio.timeout(grace_s):
                await self._call(self._steps.light)

    async def _call(self, begin: Callable[[], Coroutine[Any, Any, _T]]) -> _T:
        # Shielded: a start cut off after its record is written would rest until the next start of the process.
        return await asyncio.shield(asyncio.wrap_future(post(begin(), self._loop)))

    def _register(self) -> None:
        # DBOS wants plain functions, and their signature in what it records.
        async def work(work_id: str) -> None:
            await self._work(work_id)

        async def run(run_id: str) -> None:
            await self._run(run_id)

        self._flows = {
            name: DBOS.workflow(name=name, max_recovery_attempts=None)(function)
            for name, function in ((_WORK, work), (_RUN, run))
        }

    async def _begin(self, kind: str, id_: str) -> None:
        with SetWorkflowID(_flow_id(kind, id_)):
            await DBOS.start_workflow_async(self._flows[kind], id_)

    async def _begin_all(self, work_ids: Sequence[str]) -> None:
        turns = asyncio.Semaphore(_STARTING)

        async def begin(work_id: str) -> None:
            async with turns:
                await self._load.light()
                await self._begin(_WORK, work_id)

        async with asyncio.TaskGroup() as starts:
            for work_id in work_ids:
                starts.create_task(begin(work_id))

    async def _begin_anew(self, work_ids: Sequence[str]) -> None:
        flow_ids = [_flow_id(_WORK, work_id) for work_id in work_ids]
        failed = await DBOS.list_workflows_async(workflow_ids=flow_ids, status=_FAILED, load_input=False)
        await DBOS.delete_workflows_async([status.workflow_id for status in failed])
        await self._begin_all(work_ids)

    async def _work(self, work_id: str) -> None:
        """Call `perform` until it is done.

        Neither calls nor pauses are recorded, which makes work three times cheaper than a run's steps. So it is called
        again right after a restart, pause or not; whoever must not be early keeps the time with the work.
        """
        with _failing(_WORK, work_id):
            while True:
                pause_s = await _insist(lambda: self._attempt(work_id), self._pauses_s, work_id)
                if pause_s is None:
                    return
                await asyncio.sleep(pause_s)

    async def _attempt(self, work_id: str) -> float | None:
        with self._load:
            return await self._service.call(lambda: self._perform(work_id))

    async def _run(self, run_id: str) -> None:
        self._runs[run_id] = cast("asyncio.Task[Any]", asyncio.current_task())
        try:
            with _failing(_RUN, run_id):
                await self._drive(Journal(self._service, self._steps, run_id, self._pauses_s), run_id)
        finally:
            self._runs.pop(run_id, None)

    async def _cancel(self, run_id: str) -> None:
        await DBOS.cancel_workflow_async(_flow_id(_RUN, run_id))
        if (task := self._runs.get(run_id)) is not None:
            task.cancel()


async def _insist(act: Callable[[], Awaitable[_T]], pauses_s: Sequence[float], what: str) -> _T:
    for pause_s in pauses_s:
        try:
            return await act()
        except Exception as err:  # noqa: BLE001  (the worker loop: whatever a stage raises is tried again)
            _log.warning("work.retried", work=what, error=type(err).__name__, pause_s=pause_s)
        await asyncio.sleep(pause_s)
    return await act()


@contextmanager
def _failing(kind: str, id_: str) -> Generator[None, None, None]:
    try:
        yield
    except Exception:
        _log.exception("work.failed", kind=kind, work=id_)
        raise


async def _now() -> str:
    return datetime.now(UTC).isoformat()


async def _forget(before: str) -> int:
    forgotten = 0
    query = {"status": ["SUCCESS", "CANCELLED", *_FAILED], "completed_before": before, "limit": _FORGET_BATCH}
    while found := await DBOS.list_workflows_async(**query, load_input=False, load_output=False):
        await DBOS.delete_workflows_async([status.workflow_id for status in found])
        forgotten += len(found)
    return forgotten


def _flow_id(kind: str, id_: str) -> str:
    return f"{kind}:{id_}"


def _unfinished(status: WorkflowStatus) -> Unfinished:
    kind, _, id_ = status.workflow_id.partition(":")
    fault = f"{getattr(status.error, 'name', '')}: {status.error}"
    at_ms = status.completed_at or status.updated_at or 0
    return Unfinished(kind, id_, fault, datetime.fromtimestamp(at_ms / 1000, UTC))
