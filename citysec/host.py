"""Where DBOS lives: a thread with an event loop of its own, and the database that DBOS keeps its records in.

The thread has two reasons: DBOS makes its database calls through its loop's default executor, which must not be the
service's; and ending that loop cancels whatever is under way without recording an outcome, which is just what leaves
it to the next start.
"""
# pyright: basic

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Generator
from concurrent.futures import Future
from contextlib import contextmanager
from typing import Any, Final
from weakref import WeakSet

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.exc import SQLAlchemyError

from citysec import memory
from citysec.errors import SettingsError

with memory.unloaded("psycopg", "errors"):  # 9 MB that SQLite has no need of
    from dbos import DBOS, DBOSPortableJSONSerializer, SetWorkflowID, WorkflowStatus, error

__all__ = ["DBOS", "GRACE_S", "POLL_S", "Host", "SetWorkflowID", "WorkflowStatus", "error"]

APPLICATION_VERSION: Final = "1"
"""To be raised when a `Drive` takes other steps than before: DBOS resumes what has the same version only."""
GRACE_S: Final = 1.0
"""How long closing waits for what is under way."""
POLL_S: Final = 1.0
"""How often DBOS looks for messages; closing waits for that, too."""

_DRAIN_S: Final = 10.0  # as long as DBOS waits for these threads itself
_THREADS: Final = 8
_EXECUTOR: Final = "dbos-executor-"
_QUEUES: Final = "queue-worker-"
_SQLITE_PRAGMAS: Final = (
    "journal_mode=WAL",
    "synchronous=NORMAL",
    "busy_timeout=30000",
    "foreign_keys=ON",
    "cache_size=-512",
)
_NO_NEWS: Final = (
    "Asyncio task cancelled",
    "Exception encountered in asynchronous workflow",
    "Workflow already exists in queue",
)


class Host:
    """A thread with a loop on which DBOS works, from `start` to `stop`."""

    def __init__(self, database_url: str, executor_id: str, register: Callable[[], None]) -> None:
        """Prepare a host; `register` is called on its thread and tells DBOS the workflows."""
        self._database_url, self._executor_id, self._register = database_url, executor_id, register
        self._ready: Future[asyncio.AbstractEventLoop] = Future()
        self._stop: Future[None] = Future()
        self._thread = threading.Thread(target=self._live, name="engine", daemon=True)

    async def start(self) -> asyncio.AbstractEventLoop:
        """Open the database, have DBOS go on with what this executor has not finished, and return the thread's loop.

        Raises:
            SettingsError: the database cannot be opened.
        """
        self._thread.start()
        return await asyncio.wrap_future(self._ready)

    async def stop(self) -> None:
        """Leave what is under way to the next start, and close the database."""
        self._stop.set_result(None)
        await asyncio.to_thread(self._thread.join)

    def _live(self) -> None:
        try:
            with _database(self._database_url) as database:
                try:
                    asyncio.run(self._host(database))  # ends by cancelling every workflow that is under way
                finally:
                    DBOS.destroy(destroy_registry=True)
                    _outlast(_EXECUTOR, GRACE_S)
        except Exception as err:  # noqa: BLE001  (goes to the thread that waits for this one)
            self._ready.set_exception(_fault(err))

    async def _host(self, database: sa.Engine) -> None:
        _route_logging()
        dbos = DBOS(
            config={
                "name": "citysec",
                "system_database_engine": database,
                "application_version": APPLICATION_VERSION,
                "executor_id": self._executor_id,
                "serializer": DBOSPortableJSONSerializer(),
                "enable_otlp": False,
                "log_level": "WARNING",
                "max_executor_threads": _THREADS,
                "notification_listener_polling_interval_sec": POLL_S,
                "notification_coalesce_sec": POLL_S,
            }
        )
        self._register()
        DBOS.launch()  # adopts the loop it is called on for recovered workflows, too
        self._ready.set_result(asyncio.get_running_loop())
        await asyncio.wrap_future(self._stop)
        for stop in dbos.background_thread_stop_events:
            stop.set()
        await asyncio.to_thread(_outlast, _QUEUES, _DRAIN_S)  # what they have claimed they hand to this loop


def _outlast(threads: str, grace_s: float) -> None:
    """Wait for the threads of this name: DBOS leaves its own alone in the midst of what they write."""
    until = time.monotonic() + grace_s
    for thread in threading.enumerate():
        if thread.name.startswith(threads):
            while thread.is_alive() and time.monotonic() < until:
                thread.join(0.05)


def _fault(err: Exception) -> Exception:
    if not isinstance(err, SQLAlchemyError | error.DBOSException | OSError | ImportError):
        return err
    fault = SettingsError(f"the durable engine's database cannot be opened: {err}")
    fault.__cause__ = err
    return fault


@contextmanager
def _database(url: str) -> Generator[sa.Engine, None, None]:
    """Open the engine's database; in the end close whatever DBOS has left open, and open nothing more for it.

    DBOS gives up threads that are in the midst of a call. One that loses its connection there asks for another one.
    """
    opened: WeakSet[Any] = WeakSet()
    closed = threading.Event()

    def keep(connection: Any, _record: object) -> None:
        opened.add(connection)
        if closed.is_set():
            connection.close()
            raise _Closed

    if url.startswith("sqlite"):
        database = sa.create_engine(url, pool_size=2, max_overflow=0, hide_parameters=True)
        event.listen(database, "connect", _set_up_sqlite)
    else:
        database = sa.create_engine(url, pool_size=12, max_overflow=0, pool_pre_ping=True, hide_parameters=True)
        event.listen(database, "connect", keep)
    try:
        yield database
    finally:
        closed.set()
        database.dispose()
        for connection in list(opened):
            connection.close()


class _Closed(Exception):
    """Ends a thread of DBOS that outlives the engine; nothing that DBOS would try again."""


def _set_up_sqlite(connection: Any, _record: object) -> None:
    # DBOS relies on writers taking turns from the start of a transaction.
    connection.isolation_level = "IMMEDIATE"
    for pragma in _SQLITE_PRAGMAS:
        connection.execute(f"PRAGMA {pragma}")


def _route_logging() -> None:
    """Let DBOS log through our handlers; without a handler of its own it would install one."""
    logger = logging.getLogger("dbos")
    if not logger.handlers:
        logger.addHandler(logging.NullHandler())
    logger.addFilter(_worth_logging)


def _worth_logging(record: logging.LogRecord) -> bool:
    """Drop what is no news.

    That is: workflows left for the next start; failures that we log ourselves; work that is handed over again at the
    start while DBOS itself is about to go on with it, which it does once.
    """
    return not str(record.msg).startswith(_NO_NEWS)
