"""An installation, and commands run on it."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Awaitable, Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Protocol, TypeVar

import pytest
import structlog
from sqlmodel.ext.asyncio.session import AsyncSession
from typer import testing
from typer.main import get_command
from typer.testing import CliRunner, Result

from citysec.db import Database
from tests.cli.line import app

T = TypeVar("T")


@pytest.fixture(autouse=True)
def logs_as_before() -> Iterator[None]:
    """Take back the logging that a command sets up: its stderr ends with the test, and writing to it would raise."""
    yield
    structlog.reset_defaults()


@pytest.fixture(autouse=True, scope="session")
def _commands_read_once() -> Iterator[None]:
    """Have typer read the signatures of all commands once, not with each call: it takes longer than most commands."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(testing, "_get_command", cache(get_command))
        yield


class Run(Protocol):
    """Runs a command on the installation."""

    def __call__(self, *arguments: str, stdin: str = "") -> Result: ...


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Commands with `--data` of a folder that does not exist yet."""

    def run(*arguments: str, stdin: str = "") -> Result:
        return CliRunner().invoke(app, [*arguments, "--data", str(tmp_path / "data")], input=stdin)

    return run


@pytest.fixture(scope="session")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data directory of an installation, to be copied."""
    folder = tmp_path_factory.mktemp("installation") / "data"
    arguments = ["init", "--password-stdin", "--data", str(folder)]
    assert CliRunner().invoke(app, arguments, input="a long password\n").exit_code == 0
    return folder


@pytest.fixture
def data(tmp_path: Path, installation: Path) -> Path:
    """The data directory of an installation with a coordinator, whose password is `a long password`."""
    return Path(shutil.copytree(installation, tmp_path / "data"))


def written(data: Path, change: Callable[[AsyncSession], Awaitable[T]]) -> T:
    """Run `change` in a transaction on the installation's database."""

    async def write() -> T:
        async with Database.opened(f"sqlite+aiosqlite:///{data / 'citysec.db'}") as db, db.writing() as session:
            return await change(session)

    return asyncio.run(write())
