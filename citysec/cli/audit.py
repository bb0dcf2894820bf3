"""`citysec audit`: is the record of what was done whole?"""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Final

import typer

from citysec.access import audit
from citysec.cli.opening import Data, opened

app: Final = typer.Typer(name="audit", help="The record of what was done.")


@app.callback()
def _group() -> None:
    """Keep `audit` a group, however many commands it has."""


@app.command()
def verify(data: Data = None) -> None:
    """Check the chain of audit entries: one JSON object `{"ok","entries","first_broken"}`. Exit 1 when it is broken.

    `entries` counts those up to the first that does not fit.
    """
    entries, broken = asyncio.run(_verify(data))
    print(json.dumps({"ok": broken is None, "entries": entries, "first_broken": broken}))  # noqa: T201
    raise typer.Exit(broken is not None)


async def _verify(data: Path | None) -> tuple[int, int | None]:
    async with opened(data) as database, database.reading() as session:
        return await audit.first_broken(session)
