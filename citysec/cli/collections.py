"""`citysec collections`: what others may pull over TAXII, and who."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from citysec import tlp
from citysec.cli.opening import Data, actor, opened
from citysec.errors import InvalidInput
from citysec.share import collections
from citysec.share.collections import NewCollection
from citysec.share.membership import from_json

app: Final = typer.Typer(name="collections", help="What others may pull over TAXII.", no_args_is_help=True)
_NUMBERS: Final = frozenset({"min_confidence"})


@app.command("add")
def add(
    slug: Annotated[str, typer.Argument(help="Its alias in addresses.")],
    title: Annotated[str, typer.Option(help="Its name for people.")],
    level: Annotated[str, typer.Option("--tlp", help="Objects above this TLP level are never in it.")],
    description: Annotated[str, typer.Option(help="What it is for.")] = "",
    wanted: Annotated[
        list[str] | None,
        typer.Option("--filter", help="types=indicator,malware, feeds=NAME,… or min_confidence=N; all must hold."),
    ] = None,
    data: Data = None,
) -> None:
    """Make a collection and print its id."""
    new = NewCollection(
        slug=slug,
        title=title,
        description=description,
        ceiling=tlp.parse(level),
        filter=from_json(_parts(wanted or ())),
    )
    sys.stdout.write(asyncio.run(_add(new, data)) + "\n")


async def _add(new: NewCollection, data: Path | None) -> str:
    async with opened(data) as db, db.writing() as session:
        return (await collections.create(session, new, actor=actor())).id


@app.command("grant")
def grant(
    slug: Annotated[str, typer.Argument(help="The collection.")],
    account: Annotated[str, typer.Argument(help="Who gets the rights.")],
    read: Annotated[bool, typer.Option("--read", help="May read from it.")] = False,
    write: Annotated[bool, typer.Option("--write", help="May add to it.")] = False,
    data: Data = None,
) -> None:
    """Let an account read from or write to a collection; with neither its rights end."""
    asyncio.run(_grant(slug, account, data, read=read, write=write))


async def _grant(slug: str, account: str, data: Path | None, *, read: bool, write: bool) -> None:
    async with opened(data) as db, db.writing() as session:
        await collections.grant(session, slug, account, read=read, write=write, actor=actor())


def _parts(given: Sequence[str]) -> dict[str, Any]:
    """Return `name=value,…` options as a filter's JSON.

    Raises:
        InvalidInput: one has no value, or comes twice.
    """
    parts: dict[str, Any] = {}
    for option in given:
        name, _, value = option.partition("=")
        if not value or name in parts:
            raise InvalidInput.at("filter", f"{option!r}: give each once, as name=value,…")
        parts[name] = value if name in _NUMBERS else value.split(",")
    return parts
