"""SQLite's driver, with one hand-over to its thread for each statement instead of four, and none to begin.

aiosqlite keeps a connection on a thread of its own, and asks that thread for a cursor, the statement, the rows and the
cursor's end one after another. Most of our statements take less time than one such question: here one call asks all.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any, Final

import aiosqlite

AT_ONCE: Final = 1000
"""So many rows come along with the statement; further ones when they are asked for, so that a stream stays one."""
PREPARED: Final = 16
"""So many statements each connection keeps prepared: one with two thousand values takes two hundred kilobytes."""


class Connection(aiosqlite.Connection):
    """A connection with such cursors, to the database at `path`."""

    def __init__(self, path: str) -> None:
        connect = partial(sqlite3.connect, path, check_same_thread=False, cached_statements=PREPARED)
        super().__init__(connect, iter_chunk_size=AT_ONCE)
        self._thread.daemon = True
        self._opening: str | None = None

    async def opened(self) -> Connection:
        """Connect; where that fails, the thread has ended before that is raised, and calls no loop that is closed.

        Raises:
            sqlite3.Error: the database cannot be opened.
        """
        try:
            await self
        except sqlite3.Error:
            await asyncio.to_thread(self._thread.join)
            raise
        return self

    def begin(self, statement: str) -> None:
        """Have the next statement begin a transaction with `statement`; one without any statement never begins."""
        self._opening = statement

    def cursor(self) -> Cursor:  # pyright: ignore[reportIncompatibleMethodOverride]  # theirs is a coroutine as well
        """Return a cursor; the thread learns of it with its statement."""
        return Cursor(self)

    def later(self, act: Callable[[], None]) -> None:
        """Have the thread do `act` after all it has been asked for, whoever waits for it or not."""
        self._tx.put_nowait((None, act))  # pyright: ignore[reportUnknownMemberType]

    def run(self, sql: str, parameters: Sequence[Any]) -> sqlite3.Cursor:
        """Execute a statement, on the thread."""
        self._begin()
        return self._conn.execute(sql, parameters)

    def repeat(self, sql: str, parameters: Iterable[Sequence[Any]]) -> sqlite3.Cursor:
        """Execute a statement once for each of `parameters`, on the thread."""
        self._begin()
        return self._conn.executemany(sql, parameters)

    def _begin(self) -> None:
        if self._opening:
            self._conn.execute(self._opening)
            self._opening = None  # only now: nothing is executed outside a transaction that could not begin


class Cursor(aiosqlite.Cursor):
    """What SQLAlchemy asks of a cursor."""

    def __init__(self, connection: Connection) -> None:
        super().__init__(connection, None)  # pyright: ignore[reportArgumentType]  # made with the statement
        self._connection = connection
        self._rows: list[Any] = []
        self._is_open = False

    async def execute(self, sql: str, parameters: Iterable[Any] | None = None) -> Cursor:
        """Execute a statement and fetch its first rows."""
        await self._call(self._begin, sql, tuple(parameters or ()))
        return self

    async def executemany(self, sql: str, parameters: Iterable[Iterable[Any]]) -> Cursor:
        """Execute a statement that returns no rows once for each of `parameters`."""
        await self._call(self._repeat, sql, parameters)
        return self

    async def fetchmany(self, size: int | None = None) -> list[Any]:
        """Return the next `size` rows; fewer where there are no more."""
        size = size or self.arraysize
        if self._is_open and len(self._rows) < size:
            await self._call(self._fetch, size)
        taken, self._rows = self._rows[:size], self._rows[size:]
        return taken

    async def fetchone(self) -> Any:
        """Return the next row; None after the last."""
        return next(iter(await self.fetchmany(1)), None)

    async def fetchall(self) -> list[Any]:
        """Return the rows that are left."""
        while self._is_open:
            await self._call(self._fetch, AT_ONCE * 10)
        taken, self._rows = self._rows, []
        return taken

    async def close(self) -> None:
        """End the statement, so that it holds on to no snapshot and no lock."""
        if self._is_open:
            await self._call(self._end)

    async def _call(self, act: Callable[..., None], *args: object) -> None:
        try:
            await self._execute(act, *args)  # pyright: ignore[reportUnknownMemberType]
        except BaseException:  # cancelled, perhaps: the thread goes on, and nobody will close what it opens
            self._connection.later(self._end)
            raise

    def _end(self) -> None:
        self._is_open = False
        if self._cursor:
            self._cursor.close()

    def _begin(self, sql: str, parameters: Sequence[Any]) -> None:
        self._cursor = self._connection.run(sql, parameters)
        if self._cursor.description:
            self._fetch(AT_ONCE)

    def _repeat(self, sql: str, parameters: Iterable[Sequence[Any]]) -> None:
        self._cursor = self._connection.repeat(sql, parameters)

    def _fetch(self, size: int) -> None:
        rows = self._cursor.fetchmany(size)
        self._rows += rows
        self._is_open = len(rows) == size
