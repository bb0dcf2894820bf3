"""The composition root: settings → database → stages → engine → web; opened in this order, closed in reverse."""

from __future__ import annotations

import asyncio
import gc
import os
from collections.abc import AsyncGenerator, Coroutine, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Any, Final

from aiohttp import web

from citysec import log, memory, pipeline
from citysec.constituency import suffixes
from citysec.correlate import relook, telemetry
from citysec.db import Database
from citysec.engine import Engine
from citysec.errors import SettingsError
from citysec.feeds import publishers, restate, schedule, silence, standing
from citysec.feeds.publishers import Publishers
from citysec.outbox import Dispatcher, Performer, forget
from citysec.pipeline import Parts
from citysec.playbooks import respond
from citysec.settings import Settings
from citysec.suffixes import bundled
from citysec.tables.columns import now
from citysec.web.app import application
from citysec.web.context import AppContext

RETENTION: Final = timedelta(days=14)
"""How long finished work is kept for looking at; facts stay, this is only the record of hand-overs."""
HOUSEKEEPING_S: Final = 3600.0
CLOSE_S: Final = 2.0
"""How long open connections may take to finish when the service stops."""

_log: Final = log.get(__name__)


class Role(StrEnum):
    """What a process does.

    On PostgreSQL there may be several, of which one is `ALL` or `WORKER`: it has the engine, and all its runs.
    """

    ALL = "all"
    WEB = "web"
    WORKER = "worker"
    SCHEDULER = "scheduler"


@dataclass(frozen=True, slots=True)
class Service:
    """A running service; `url` is where it listens, None where it does not."""

    settings: Settings
    database: Database
    url: str | None


@asynccontextmanager
async def running(settings: Settings, role: Role = Role.ALL) -> AsyncGenerator[Service, None]:
    """Run the service while the block lasts.

    Raises:
        SettingsError: the database has no or another schema, or the port is taken.
        InvalidInput: the strategy or a feed definition is not legal.
    """
    memory.spare()
    parts = Parts.of(settings)
    async with (
        Database.opened(settings.app_database) as database,
        publishers.opened(settings, os.environ) as feeds,
        _working(parts, database, feeds, role),
        _listening(parts, database, feeds, role) as url,
    ):
        _log.info("service.started", url=url, role=role.value, city=settings.city)
        gc.collect()
        with memory.settled():
            yield Service(settings, database, url)
    _log.info("service.stopped")


@asynccontextmanager
async def _working(parts: Parts, database: Database, feeds: Publishers, role: Role) -> AsyncGenerator[None, None]:
    """Keep what this role does besides listening going."""
    tasks: list[Coroutine[Any, Any, None]] = []
    async with AsyncExitStack() as stack:
        if role in {Role.ALL, Role.WORKER}:
            engine = await stack.enter_async_context(_engine(parts, database, feeds))
            poll_s = parts.settings.work_poll_s
            tasks.append(respond.resume(database, engine))
            tasks.append(Dispatcher(database, engine.hand_over, engine.hand_over_again, poll_s).run())
            tasks.append(_keep_house(database, engine, parts.settings.telemetry_keep_hours))
        if role in {Role.ALL, Role.SCHEDULER}:
            tasks.append(_schedule(parts, database, feeds))
            tasks.append(silence.watch(database, feeds.definitions))
        await stack.enter_async_context(_together(tasks))
        yield


@asynccontextmanager
async def _engine(parts: Parts, database: Database, feeds: Publishers) -> AsyncGenerator[Engine, None]:
    settings = parts.settings
    performer = Performer(database, pipeline.stages(parts, feeds, lambda: engine))
    conductor = parts.conductor(database)
    async with Engine.running(settings.runs_database, settings.executor_id, performer, conductor) as engine:
        yield engine


@asynccontextmanager
async def _together(works: Sequence[Coroutine[Any, Any, None]]) -> AsyncGenerator[None, None]:
    """Keep `works` going while the block lasts; one that breaks ends the block."""
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(work) for work in works]
            yield
            for task in tasks:
                task.cancel()
    except BaseExceptionGroup as several:
        # A group is what the block's own error comes back as; alone, it says best what is wrong.
        raise several.exceptions[0] if len(several.exceptions) == 1 else several from None


@asynccontextmanager
async def _listening(
    parts: Parts, database: Database, feeds: Publishers, role: Role
) -> AsyncGenerator[str | None, None]:
    if role not in {Role.ALL, Role.WEB}:
        yield None
        return
    context = AppContext(
        settings=parts.settings,
        database=database,
        key=parts.key,
        incidents=parts.triage,
        advisories=parts.advising,
        feeds=feeds.definitions,
    )
    runner = web.AppRunner(application(context), access_log=None, handle_signals=False, shutdown_timeout=CLOSE_S)
    await runner.setup()
    try:
        yield await _listen(runner, parts.settings)
    finally:
        context.stopping.set()
        await runner.cleanup()


async def _listen(runner: web.AppRunner, settings: Settings) -> str:
    try:
        await web.TCPSite(runner, settings.host, settings.port).start()
    except OSError as err:
        raise SettingsError(f"cannot listen on {settings.host}:{settings.port}: {err.strerror}") from err
    host, port = runner.addresses[0][:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


async def _schedule(parts: Parts, database: Database, feeds: Publishers) -> None:
    """Bring what is stored in line with what judges it, then put feeds to work when they are due, until cancelled."""
    async with database.writing() as db:
        await suffixes.judge(db, bundled())
        await relook.begin(db, parts.vocabulary)
        await standing.enrol(db, feeds.definitions, now())
        await restate.begin(db, feeds.definitions)
    await schedule.run(database)


async def _keep_house(database: Database, engine: Engine, keep_hours: float) -> None:
    """Forget finished work when its time is over, until cancelled."""
    while True:
        await asyncio.sleep(HOUSEKEEPING_S)
        before = now() - RETENTION
        try:
            async with database.writing() as db:
                await forget(db, before)
                await telemetry.forget(db, now(), keep_hours)
            await engine.forget(before)
        except Exception as err:  # noqa: BLE001  (a worker loop: the database may be away for a while)
            _log.warning("housekeeping.failed", error=type(err).__name__)
