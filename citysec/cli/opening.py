"""What commands share: `--data`, the way into the database, and who the audit says it was."""

from __future__ import annotations

import getpass
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated

import typer

from citysec import log, memory, settings
from citysec.db import Database
from citysec.errors import SettingsError
from citysec.settings import Settings

Data = Annotated[
    Path | None,
    typer.Option("--data", file_okay=False, help="Data directory; CITYSEC_DATA_DIR when not given."),
]
"""The option of every command that opens the database; a parameter `data: Data = None`."""


def read(data: Path | None) -> Settings:
    """Return the settings with `--data` on top, logging set up by them.

    Raises:
        SettingsError: a setting is not legal or not known.
    """
    found = settings.read(data_dir=data)
    log.configure(found)
    return found


@asynccontextmanager
async def opened(data: Path | None) -> AsyncGenerator[Database, None]:
    """Open the database that `--data` and the environment name.

    Raises:
        SettingsError: there is none, or it has another version's schema.
    """
    found = read(data)
    if found.database_url is None and not (found.data_dir / "citysec.db").is_file():
        raise SettingsError(f"no database in {found.data_dir}: run `citysec init --data {found.data_dir}`")
    async with Database.opened(found.app_database) as db:
        with memory.settled():  # a long import makes much that is garbage soon
            yield db


def actor() -> str:
    """Return the name under which the audit keeps what this command changes: the operating system's account."""
    try:
        return f"cli:{getpass.getuser()}"
    except (KeyError, OSError):  # an account without a name, as containers have
        return "cli"
