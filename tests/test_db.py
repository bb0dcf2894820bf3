"""The database: schema, transactions, time."""

from __future__ import annotations

import asyncio
import sys
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from time import time_ns

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, func, insert
from sqlalchemy.exc import IntegrityError, StatementError
from sqlmodel import SQLModel, col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from citysec import migrations
from citysec.bulk import COPIED, insert_many
from citysec.db import Database, alone, append, at_the_end, upgrade
from citysec.errors import SettingsError
from citysec.settings import Settings
from citysec.tables import Account, Collection, Grant, Meta, Outbox
from citysec.tables.columns import new_id

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)


@pytest.fixture
async def url(tmp_path: Path) -> str:
    url = f"sqlite+aiosqlite:///{tmp_path / 'citysec.db'}"
    await upgrade(url)
    return url


def _differences(connection: Connection) -> list[object]:
    return list(compare_metadata(MigrationContext.configure(connection), SQLModel.metadata))


async def test_the_migrations_make_the_schema_of_the_models(url: str):
    async with Database.opened(url) as db, db.reading() as session:
        connection = await session.connection()
        assert await connection.run_sync(_differences) == []


async def test_a_database_without_schema_is_refused_with_the_command_that_helps(tmp_path: Path):
    with pytest.raises(SettingsError, match="citysec db upgrade"):
        async with Database.opened(f"sqlite+aiosqlite:///{tmp_path / 'empty.db'}"):
            pass


@pytest.mark.parametrize("url", ["sqlite+aiosqlite:////nowhere/at/all.db", "postgresql+asyncpg://u:p@127.0.0.1:1/x"])
async def test_a_database_that_cannot_be_reached_is_the_operators_matter(url: str):
    with pytest.raises(SettingsError, match="cannot be opened"):
        await upgrade(url)
    with pytest.raises(SettingsError, match="cannot be opened"):
        async with Database.opened(url):
            pass


@pytest.mark.postgres
async def test_a_database_that_is_not_there_is_the_operators_matter(postgres_url: str):
    with pytest.raises(SettingsError, match="does not exist"):
        await upgrade(Settings(database_url=postgres_url.replace("/test_", "/none_")).app_database)


async def test_the_extra_that_postgresql_needs_is_named(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "asyncpg", None)
    with pytest.raises(SettingsError, match=r"citysec\[pg\]"):
        await upgrade("postgresql+asyncpg://127.0.0.1/x")


def test_the_schema_that_is_asked_for_is_the_newest_step():
    config = Config()
    config.set_main_option("script_location", str(migrations.FOLDER))
    assert ScriptDirectory.from_config(config).get_current_head() == migrations.HEAD


async def test_appended_rows_are_committed_with_what_they_refer_to_or_not_at_all(url: str):
    async with Database.opened(url) as db:
        with suppress(RuntimeError):
            async with db.writing() as session:
                append(session, Meta, {"name": "lost", "value": "1"})
                raise RuntimeError
        async with db.writing() as session:
            append(session, Grant, {"collection_id": "c", "account_id": "a", "can_read": True, "can_write": False})
            session.add(Collection(id="c", slug="c", title="C", tlp=1))
            session.add(Account(id="a", name="a", role="analyst", clearance=1, created_at=NOON))
        async with db.reading() as session:
            assert (await session.exec(select(Meta))).all() == []
            assert (await session.exec(select(Grant))).one().can_read


async def test_what_is_appended_at_the_end_is_committed_too(url: str):
    async def note(session: AsyncSession) -> None:
        append(session, Meta, {"name": "late", "value": "1"})

    async with Database.opened(url) as db:
        async with db.writing() as session:
            at_the_end(session, note)
        async with db.reading() as session:
            assert (await session.get_one(Meta, "late")).value == "1"


async def test_a_transaction_that_raises_leaves_nothing(url: str):
    async with Database.opened(url) as db:
        with suppress(RuntimeError):
            async with db.writing() as session:
                session.add(Meta(name="a", value="1"))
                await session.flush()
                raise RuntimeError
        async with db.reading() as session:
            assert (await session.exec(select(Meta))).all() == []


async def test_times_come_back_aware_and_naive_ones_are_refused(url: str):
    noon = datetime(2026, 6, 1, 12, tzinfo=UTC)
    async with Database.opened(url) as db:
        async with db.writing() as session:
            session.add(Outbox(id="x", kind="k", payload={}, created_at=noon))
        async with db.reading() as session:
            assert (await session.exec(select(Outbox.created_at))).one() == noon
        with pytest.raises(StatementError, match="naive time"):
            async with db.writing() as session:
                session.add(Outbox(kind="k", payload={}, created_at=noon.replace(tzinfo=None)))


async def test_errors_tell_no_values(url: str):
    async with Database.opened(url) as db:
        with pytest.raises(IntegrityError) as raised:
            async with db.writing() as session:
                await (await session.connection()).execute(insert(Meta), [{"name": "a", "value": "whsec_x"}] * 2)
        assert "whsec_x" not in str(raised.value)


@pytest.mark.postgres
async def test_one_at_a_time_holds_a_lock(postgres_url: str):
    url = Settings(database_url=postgres_url).app_database
    await upgrade(url)

    async def add_one() -> None:
        async with db.writing() as session:
            await alone(session, "test")
            (rows,) = await session.exec(select(func.count()).select_from(Meta))
            session.add(Meta(name=str(rows), value=""))

    async with Database.opened(url) as db:
        async with asyncio.TaskGroup() as group:
            for _ in range(8):
                group.create_task(add_one())
        async with db.reading() as session:
            assert set(await session.exec(select(Meta.name))) == {str(number) for number in range(8)}


async def come_in(url: str, number: int) -> None:
    """Check that so many rows, inserted together, are what is read afterwards."""
    await upgrade(url)
    same = {"kind": "k", "created_at": NOON, "due_at": NOON, "handed_over_at": None, "done_at": None}
    rows = [
        same | {"id": f"{n:032x}", "payload": {"n": n, "ü": None}, "attempts": n, "error": "\t\\N"}
        for n in range(number)
    ]
    async with Database.opened(url) as db:
        async with db.writing() as session:
            await session.exec(select(Outbox.id))
            await insert_many(session, Outbox, rows)
        async with db.reading() as session:
            found = (await session.exec(select(Outbox).order_by(col(Outbox.id)))).all()
    assert [row.model_dump() for row in found] == rows


@pytest.mark.parametrize("number", [1, COPIED - 1, COPIED, 3 * COPIED])
async def test_many_rows_come_in_as_they_are(url: str, number: int):
    await come_in(url, number)


@pytest.mark.postgres
@pytest.mark.parametrize("number", [1, COPIED - 1, COPIED, 3 * COPIED])
async def test_many_rows_come_in_as_they_are_by_copy_too(postgres_url: str, number: int):
    await come_in(Settings(database_url=postgres_url).app_database, number)


def test_younger_ids_sort_behind_older_ones() -> None:
    first = new_id()
    start = time_ns()
    while time_ns() - start < 2_000_000:  # two milliseconds
        pass
    assert first < new_id()
    assert len({new_id() for _ in range(1000)}) == 1000


async def test_who_is_cancelled_in_the_midst_leaves_nothing_behind(db: Database) -> None:
    async def interrupted(moment: int) -> None:
        async with db.writing() as session:
            for n in range(20):
                session.add(Meta(name=f"{moment}-{n}", value=""))
                await session.flush()
            await asyncio.Event().wait()

    for moment in range(40):
        async with asyncio.TaskGroup() as group:
            task = group.create_task(interrupted(moment))
            for _ in range(moment):
                await asyncio.sleep(0)
            task.cancel()
        async with db.writing() as session:
            session.add(Meta(name=f"kept-{moment}", value=""))
    async with db.reading() as session:
        assert set(await session.exec(select(Meta.name))) >= {f"kept-{moment}" for moment in range(40)}
        assert not (await session.exec(select(Meta.name).where(~col(Meta.name).startswith("kept")))).all()
