"""The database: SQLite with one writer, or PostgreSQL; the same two ways in."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, nullcontext
from functools import partial
from typing import Any, Final

import aiosqlite
import msgspec
from sqlalchemy import (
    Connection,
    Engine,
    event,
    func,
    inspect,
    make_url,
    select,
    text,
)
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlmodel import SQLModel
from sqlmodel.ext.asyncio.session import AsyncSession

from citysec import migrations, sqlite
from citysec.bulk import insert_many
from citysec.errors import SettingsError

READERS: Final = 4
_APPENDED: Final = "appended"
_AT_THE_END: Final = "at the end"
_PRAGMAS: Final = (
    "PRAGMA journal_mode=WAL",
    "PRAGMA synchronous=NORMAL",
    "PRAGMA foreign_keys=ON",
    "PRAGMA busy_timeout=30000",  # a command beside a busy service waits for its turn
    "PRAGMA temp_store=MEMORY",
    "PRAGMA wal_autocheckpoint=4000",  # 16 MB: pages that change again and again are written back more seldom
)


class Database:
    """An open database.

    `reading()` gives a session for queries, `writing()` one transaction that is committed at the end of the block and
    rolled back if the block raises. On SQLite there is one writer at a time; readers never wait for it.
    `committed` is set after each write: the dispatcher waits on it.
    """

    def __init__(self, reader: AsyncEngine, writer: AsyncEngine) -> None:
        self._reader, self._writer = reader, writer
        self._turn = asyncio.Lock() if reader is not writer else nullcontext()
        self.committed = asyncio.Event()

    @classmethod
    @asynccontextmanager
    async def opened(cls, url: str) -> AsyncGenerator[Database, None]:
        """Open the database at SQLAlchemy URL `url`, with the schema this version of citysec expects.

        Raises:
            SettingsError: the database cannot be reached, or has another schema; `citysec db upgrade` mends the latter.
        """
        engines = _engines(url)
        try:
            await _reach(engines[0])
            async with engines[0].connect() as connection:
                await connection.run_sync(_check_schema)
            yield cls(*engines)
        finally:
            for engine in dict.fromkeys(engines):
                await engine.dispose()

    @asynccontextmanager
    async def reading(self) -> AsyncGenerator[AsyncSession, None]:
        """Give a session on one snapshot; what it changes is not kept."""
        async with AsyncSession(self._reader, expire_on_commit=False) as session:
            yield session

    @asynccontextmanager
    async def writing(self) -> AsyncGenerator[AsyncSession, None]:
        """Give a session in a transaction: committed when the block ends, rolled back when it raises."""
        async with self._turn, AsyncSession(self._writer, expire_on_commit=False) as session, session.begin():
            yield session
            await _end(session)
        self.committed.set()


async def upgrade(url: str) -> None:
    """Bring the database at `url` to this version's schema, from nothing or from any earlier version.

    Raises:
        SettingsError: the database cannot be reached.
    """
    engine = _engines(url)[-1]
    try:
        await _reach(engine)
        async with engine.begin() as connection:
            await connection.run_sync(_upgrade)
    finally:
        await engine.dispose()


def append(session: AsyncSession, table: type[SQLModel], row: Mapping[str, Any]) -> None:
    """Insert a row when the transaction is committed, in one statement with the others of its table.

    It is for records that this transaction neither reads nor changes, such as entries of a journal: much cheaper than
    an object for each.

    Args:
        session: one of `Database.writing`.
        table: the row's table.
        row: every column that has no default in the database.
    """
    session.info.setdefault(_APPENDED, {}).setdefault(table, []).append(row)


def at_the_end(session: AsyncSession, act: Callable[[AsyncSession], Awaitable[None]]) -> None:
    """Call `act` when all else of the transaction is written: what it locks is held as shortly as can be.

    Args:
        session: one of `Database.writing`.
        act: called once, however often it is asked for.
    """
    session.info.setdefault(_AT_THE_END, {})[act] = None


async def _end(session: AsyncSession) -> None:
    """Write what was left for the end of the transaction."""
    await session.flush()
    await _insert_appended(session)
    for act in session.info.pop(_AT_THE_END, ()):
        await act(session)
    await _insert_appended(session)  # what those acts have appended


async def _insert_appended(session: AsyncSession) -> None:
    appended: dict[type[SQLModel], list[Mapping[str, Any]]] = session.info.pop(_APPENDED, {})
    for table, rows in appended.items():
        await insert_many(session, table, rows)


def dialect(session: AsyncSession) -> str:
    """Return `sqlite` or `postgresql`."""
    return session.get_bind().dialect.name


async def alone(session: AsyncSession, lock: str) -> None:
    """Wait until nobody else holds `lock`, and hold it until the transaction ends.

    On SQLite the writing transaction itself does that. Take it before reading what it protects.
    """
    if dialect(session) == "postgresql":
        await (await session.connection()).execute(select(func.pg_advisory_xact_lock(func.hashtextextended(lock, 0))))


def _engines(url: str) -> tuple[AsyncEngine, AsyncEngine]:
    """Open the engines for reading and writing; their errors, which are logged and stored, tell no values."""
    common: dict[str, Any] = {
        "hide_parameters": True,
        "json_serializer": lambda value: msgspec.json.encode(value).decode(),  # pyright: ignore[reportUnknownLambdaType]
        "json_deserializer": msgspec.json.decode,
    }
    if not url.startswith("sqlite"):
        try:
            engine = create_async_engine(url, pool_size=10, pool_pre_ping=True, **common)
        except ImportError as err:
            raise SettingsError("PostgreSQL needs its drivers: pip install 'citysec[pg]'") from err
        return engine, engine
    common |= {"async_creator": partial(_connected, make_url(url).database or ":memory:"), "max_overflow": 0}
    common["pool_reset_on_return"] = None  # sessions end what they begin, and another ROLLBACK takes as long as a query
    reader = create_async_engine(url, pool_size=READERS, **common)
    writer = create_async_engine(url, pool_size=1, **common)
    _prepare(reader.sync_engine, "BEGIN", cache_kb=512)  # behind it the system keeps pages, too
    _prepare(writer.sync_engine, "BEGIN IMMEDIATE", cache_kb=4096)  # what a transaction changes, or it is written twice
    return reader, writer


async def _reach(engine: AsyncEngine) -> None:
    """Connect once; that it fails is for the operator to mend.

    Raises:
        SettingsError: there is no database, or none for us.
    """
    try:
        async with engine.connect():
            pass
    except Exception as err:  # each driver has errors of its own, beside SQLAlchemy's and the system's
        raise SettingsError(f"the database cannot be opened: {getattr(err, 'orig', None) or err}") from err


async def _connected(path: str) -> aiosqlite.Connection:
    return await sqlite.Connection(path).opened()


def _prepare(engine: Engine, begin: str, cache_kb: int) -> None:
    """Make SQLite's driver leave transactions to us, and set every new connection up."""

    def connected(connection: DBAPIConnection, _record: Any) -> None:
        connection.isolation_level = None
        cursor = connection.cursor()
        for pragma in (*_PRAGMAS, f"PRAGMA cache_size=-{cache_kb}"):
            cursor.execute(pragma)
        cursor.close()

    def begun(connection: Connection) -> None:
        driver: Any = connection.connection.driver_connection
        driver.begin(begin)

    event.listen(engine, "connect", connected)
    event.listen(engine, "begin", begun)


def _upgrade(connection: Connection) -> None:
    from alembic import command  # here: only who upgrades needs it, and it is large
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(migrations.FOLDER))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _check_schema(connection: Connection) -> None:
    known = inspect(connection).has_table("alembic_version")
    here = connection.execute(text("SELECT version_num FROM alembic_version")).scalar() if known else None
    if here != migrations.HEAD:
        raise SettingsError(
            f"the database has schema {here or 'none'}, this version needs {migrations.HEAD}: run `citysec db upgrade`"
        )
