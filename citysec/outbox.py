"""Durable hand-over between stages.

Work is written in the transaction of the fact that causes it (`add`), given to the durable engine (`Dispatcher`), and
done (`Performer`). It reaches the engine at least once; marking it done in the transaction of its own effects makes
those effects happen exactly once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, TypeAlias

from sqlmodel import and_, col, delete, func, select, update
from sqlmodel.ext.asyncio.session import AsyncSession
from structlog.contextvars import bound_contextvars

from citysec import log
from citysec.db import Database, append
from citysec.tables.columns import new_id, now
from citysec.tables.work import Change, Outbox

BATCH: Final = 200
NAMED: Final = 2000
"""So many objects or matches one piece of work names at most: handing it over costs the same for few as for many."""
STAGES_AT_ONCE: Final = 8
EFFECTS_AT_ONCE: Final = 32
STALL_S: Final = 1.0
OVERDUE: Final = timedelta(minutes=5)
"""Work that is not done this long after it was due and handed over is handed over again."""

Payload: TypeAlias = dict[str, Any]
HandOver: TypeAlias = Callable[[Sequence[str]], Awaitable[None]]

_log: Final = log.get(__name__)


@dataclass(frozen=True, slots=True)
class Stage:
    """Work within one transaction, which also marks it done; it may not wait for anything but the database."""

    run: Callable[[AsyncSession, Payload], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Effect:
    """Work that reaches outside, between short transactions of its own; it must stand being done again.

    It returns None when it is done, or the seconds after which to be called again.
    """

    run: Callable[[Database, Payload], Awaitable[float | None]]


def add(
    db: AsyncSession,
    kind: str,
    payload: Mapping[str, Any],
    *,
    due_at: datetime | None = None,
    work_id: str | None = None,
) -> str:
    """Put work of `kind` into the caller's transaction and return its id.

    Args:
        db: the session of the caller; it commits.
        kind: a name of `pipeline.stages`.
        payload: ids, not objects; JSON.
        due_at: not before then; None is at once.
        work_id: for work that must exist once whatever happens; adding it twice is a conflict of keys.
    """
    at = now()
    work = Outbox(id=work_id or new_id(), kind=kind, payload=dict(payload), created_at=at, due_at=due_at or at)
    db.add(work)
    return work.id


def add_parts(db: AsyncSession, kind: str, name: str, ids: Sequence[int | str | None], *, most: int = NAMED) -> None:
    """Put work of `kind` for many things into the caller's transaction: `{name: [id …]}` for each part of them."""
    for start in range(0, len(ids), most):
        add(db, kind, {name: list(ids[start : start + most])})


def announce(db: AsyncSession, subject: str, subject_id: str, constituent_id: str | None = None) -> None:
    """Tell live views, when the caller's transaction commits, that `subject` has changed."""
    change = {"at": now(), "subject": subject, "subject_id": subject_id, "constituent_id": constituent_id}
    append(db, Change, change)


async def forget(db: AsyncSession, before: datetime) -> None:
    """Delete the work that was done, and the changes that were announced, before `before`.

    The newest change stays: SQLite counts on from it.
    """
    await db.exec(delete(Outbox).where(col(Outbox.done_at) < before))
    newest = select(func.max(Change.seq)).scalar_subquery()
    await db.exec(delete(Change).where(col(Change.at) < before, col(Change.seq) < newest))


class Dispatcher:
    """Gives work to the durable engine when it is due: at once after a commit of this process, else by looking.

    Work is marked before it is given away, so that several dispatchers on one database share it. What was marked and
    then lost, with this process or with the engine's database, is found at the next start or when it is overdue.

    Args:
        database: where the work is.
        hand_over: gives the ids of work to the engine.
        hand_over_again: the same for what may have failed for good meanwhile.
        poll_s: how often to look.
    """

    def __init__(self, database: Database, hand_over: HandOver, hand_over_again: HandOver, poll_s: float) -> None:
        self._database, self._poll_s = database, poll_s
        self._hand_over, self._hand_over_again = hand_over, hand_over_again
        self._since = self._sweep_at = now()

    async def run(self) -> None:
        """Dispatch until cancelled."""
        while True:
            self._database.committed.clear()
            try:
                await self._sweep()
                while batch := await self._take():
                    await self._give(batch)
            except Exception as err:  # noqa: BLE001  (a worker loop: the database may be away for a while)
                _log.warning("outbox.stalled", error=type(err).__name__)
                await asyncio.sleep(STALL_S)
            await self._doze()

    async def _doze(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(self._poll_s):
                await self._database.committed.wait()

    async def _take(self) -> list[str]:
        """Mark the next batch as handed over and return it."""
        waiting = and_(col(Outbox.done_at).is_(None), col(Outbox.handed_over_at).is_(None))
        due = select(Outbox.id).where(waiting, col(Outbox.due_at) <= now()).order_by(col(Outbox.due_at))
        async with self._database.reading() as db:
            if (await db.exec(due.limit(1))).first() is None:
                return []
        async with self._database.writing() as db:
            batch = list(await db.exec(due.limit(BATCH).with_for_update(skip_locked=True)))
            await db.exec(update(Outbox).where(col(Outbox.id).in_(batch)).values(handed_over_at=now()))
        return batch

    async def _give(self, batch: list[str]) -> None:
        try:
            await self._hand_over(batch)
        except Exception:
            async with self._database.writing() as db:
                await db.exec(update(Outbox).where(col(Outbox.id).in_(batch)).values(handed_over_at=None))
            raise

    async def _sweep(self) -> None:
        """From time to time hand over again what was due and handed over before the last time and is still not done."""
        at = now()
        if at < self._sweep_at:
            return
        undone = and_(col(Outbox.done_at).is_(None), col(Outbox.handed_over_at) < self._since)
        late = select(Outbox.id).where(undone, col(Outbox.due_at) < self._since).order_by(col(Outbox.due_at))
        async with self._database.reading() as db:
            ids = list(await db.exec(late))
        for start in range(0, len(ids), BATCH):
            await self._hand_over_again(ids[start : start + BATCH])
        self._since, self._sweep_at = at, at + OVERDUE


class Performer:
    """Does the work of an outbox row; called by the durable engine, at least once for each.

    How much is done at once is limited here and apart for the two sorts of work, so that receivers who do not answer
    cannot hold up what only needs the database.

    Args:
        database: where the work is.
        stages: what to do for each kind.
    """

    def __init__(self, database: Database, stages: Mapping[str, Stage | Effect]) -> None:
        self._database, self._stages = database, stages
        self._stage_turns = asyncio.Semaphore(STAGES_AT_ONCE)
        self._effect_turns = asyncio.Semaphore(EFFECTS_AT_ONCE)

    async def __call__(self, work_id: str) -> float | None:
        """Do the work of `work_id`; None when it is done, or the seconds after which to be called again."""
        async with self._database.reading() as db:
            work = await db.get(Outbox, work_id)
        if work is None or work.done_at is not None:
            return None
        if (early_s := (work.due_at - now()).total_seconds()) > 0:
            return early_s
        with bound_contextvars(work=work_id, kind=work.kind):
            try:
                return await self._do(work)
            except Exception as err:
                await self._note_failure(work_id, err)
                raise

    async def _do(self, work: Outbox) -> float | None:
        match self._stages.get(work.kind):
            case Stage(run):
                async with self._stage_turns, self._database.writing() as db:
                    if await _mark_done(db, work.id):
                        await run(db, work.payload)
                return None
            case Effect(run):
                async with self._effect_turns:
                    pause_s = await run(self._database, work.payload)
                await self._conclude(work.id, pause_s)
                return pause_s
            case None:
                raise LookupError(f"there is no stage {work.kind!r}")

    async def _conclude(self, work_id: str, pause_s: float | None) -> None:
        async with self._database.writing() as db:
            if pause_s is None:
                await _mark_done(db, work_id)
                return
            # The engine may call early, after a restart: the row keeps the time.
            due_at = now() + timedelta(seconds=pause_s)
            await db.exec(update(Outbox).where(col(Outbox.id) == work_id).values(due_at=due_at, error=None))

    async def _note_failure(self, work_id: str, err: Exception) -> None:
        noted = {"attempts": Outbox.attempts + 1, "error": f"{type(err).__name__}: {err}"}
        async with self._database.writing() as db:
            await db.exec(update(Outbox).where(col(Outbox.id) == work_id).values(noted))


async def _mark_done(db: AsyncSession, work_id: str) -> bool:
    """Mark work done; False when it was done already."""
    mine = update(Outbox).where(col(Outbox.id) == work_id, col(Outbox.done_at).is_(None))
    return (await db.exec(mine.values(done_at=now(), error=None).returning(col(Outbox.id)))).first() is not None
