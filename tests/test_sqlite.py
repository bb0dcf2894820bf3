"""One hand-over for each statement, and the same rows as ever."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

from citysec import sqlite
from citysec.sqlite import AT_ONCE

MANY = AT_ONCE * 2 + 1


@pytest.fixture
async def connection(tmp_path: Path) -> AsyncIterator[AsyncConnection]:
    """An open connection to an empty database with the table `t(n)`."""

    async def connected() -> sqlite.Connection:
        return await sqlite.Connection(str(tmp_path / "test.db")).opened()

    engine = create_async_engine("sqlite+aiosqlite://", async_creator=connected)
    async with engine.connect() as opened:
        await opened.execute(text("CREATE TABLE t (n INTEGER PRIMARY KEY)"))
        yield opened
    await engine.dispose()


async def fill(connection: AsyncConnection, rows: int) -> None:
    if rows:
        await connection.execute(text("INSERT INTO t VALUES (:n)"), [{"n": n} for n in range(rows)])


@pytest.mark.parametrize("rows", [0, 1, AT_ONCE - 1, AT_ONCE, AT_ONCE + 1, MANY])
async def test_all_rows_come_in_order(connection: AsyncConnection, rows: int):
    await fill(connection, rows)
    found = (await connection.execute(text("SELECT n FROM t ORDER BY n"))).scalars().all()
    assert found == list(range(rows))


@pytest.mark.parametrize("rows", [0, AT_ONCE, MANY])
@pytest.mark.parametrize("part", [1, 7, AT_ONCE, AT_ONCE + 1])
async def test_a_stream_brings_all_rows_in_parts_of_any_size(connection: AsyncConnection, rows: int, part: int):
    await fill(connection, rows)
    async with connection.stream(text("SELECT n FROM t ORDER BY n"), execution_options={"yield_per": part}) as found:
        assert [n async for n in found.scalars()] == list(range(rows))


async def test_a_database_that_cannot_be_opened_leaves_no_thread_behind(tmp_path: Path):
    before = set(threading.enumerate())
    with pytest.raises(sqlite3.OperationalError):
        await sqlite.Connection(str(tmp_path / "nowhere" / "test.db")).opened()
    assert not [thread for thread in set(threading.enumerate()) - before if "connection" in thread.name]


async def test_a_statement_that_is_left_early_holds_nothing_open(tmp_path: Path):
    connection = sqlite.Connection(str(tmp_path / "test.db"))
    async with connection:
        await connection.execute("CREATE TABLE t (n)")
        await connection.executemany("INSERT INTO t VALUES (?)", [(n,) for n in range(MANY)])
        await connection.commit()
        asked = await connection.cursor().execute("SELECT n FROM t")
        await asked.fetchone()
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            await connection.execute("DROP TABLE t")
        await asked.close()
        await connection.execute("DROP TABLE t")


async def test_statements_tell_what_they_changed(connection: AsyncConnection):
    await fill(connection, MANY)
    assert (await connection.execute(text("DELETE FROM t WHERE n < 5"))).rowcount == 5
    returned = await connection.execute(text("DELETE FROM t RETURNING n"))
    assert len(returned.all()) == MANY - 5


async def test_a_statement_that_fails_leaves_the_connection_usable(connection: AsyncConnection):
    await fill(connection, 3)
    with pytest.raises(IntegrityError):
        await connection.execute(text("INSERT INTO t VALUES (1)"))
    assert (await connection.execute(text("SELECT count(*) FROM t"))).scalar_one() == 3


async def test_a_statement_whose_caller_is_cancelled_leaves_no_lock(tmp_path: Path):
    """The thread opens it all the same; left open, it would keep its transaction although the connection is closed."""
    running, go_on = threading.Event(), threading.Event()

    def pause() -> int:
        running.set()
        return go_on.wait(10)

    connection, other = sqlite.Connection(str(tmp_path / "a.db")), sqlite.Connection(str(tmp_path / "a.db"))
    async with connection, other:
        await connection.create_function("pause", 0, pause)
        await connection.execute("CREATE TABLE t (n)")
        await connection.executemany("INSERT INTO t VALUES (?)", [(n,) for n in range(MANY)])
        await connection.commit()
        cursor = connection.cursor()
        await cursor.execute("BEGIN IMMEDIATE")
        async with asyncio.TaskGroup() as group:
            asked = group.create_task(cursor.execute("SELECT n, pause() FROM t"))
            await asyncio.to_thread(running.wait, 10)
            asked.cancel()
            go_on.set()
        await connection.close()
        await other.cursor().execute("BEGIN IMMEDIATE")
    assert asked.cancelled()


async def test_what_cannot_begin_executes_nothing(tmp_path: Path):
    path = str(tmp_path / "test.db")
    connection = sqlite.Connection(path)
    async with connection:
        connection.isolation_level = None
        for statement in ("PRAGMA journal_mode=WAL", "PRAGMA busy_timeout=0", "CREATE TABLE t (n INTEGER PRIMARY KEY)"):
            await connection.cursor().execute(statement)
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            connection.begin("BEGIN IMMEDIATE")
            for _ in range(2):
                with pytest.raises(sqlite3.OperationalError, match="locked"):
                    await connection.cursor().execute("INSERT INTO t VALUES (1)")
            other.execute("ROLLBACK")
            await connection.cursor().execute("INSERT INTO t VALUES (2)")
            assert connection.in_transaction
            await connection.commit()
            assert other.execute("SELECT n FROM t").fetchall() == [(2,)]


async def test_who_only_opens_a_transaction_locks_nobody_out(tmp_path: Path):
    path = str(tmp_path / "test.db")
    connection = sqlite.Connection(path)
    async with connection:
        connection.begin("BEGIN IMMEDIATE")
        with closing(sqlite3.connect(path, isolation_level=None, timeout=0)) as other:
            other.execute("BEGIN IMMEDIATE")
        assert not connection.in_transaction
