"""`citysec constituency prefixes`: the table that says which addresses an autonomous system announces."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from datetime import datetime
from io import TextIOWrapper
from pathlib import Path
from typing import Annotated, Final, TextIO

import typer
from rich.table import Table
from rich.text import Text
from sqlmodel.ext.asyncio.session import AsyncSession

from citysec.advisories.words import count
from citysec.announced import Origin, origin
from citysec.cli import screen
from citysec.cli.opening import Data, actor, opened
from citysec.constituency import prefixes
from citysec.constituency.prefixes import Change
from citysec.correlate.history import PERIOD, History, histories
from citysec.correlate.rules import RegisteredAsset
from citysec.errors import FeedError, InvalidInput
from citysec.feeds import body
from citysec.observable import AssetKind, Scope
from citysec.routing import Share
from citysec.tables.columns import now

app: Final = typer.Typer(name="prefixes", help="Which addresses autonomous systems announce.", no_args_is_help=True)

MAX_BYTES: Final = 1 << 30
"""Largest table, unpacked."""


@app.command("import")
def import_(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="CSV `prefix,asn`, or pfx2as; also .gz.")],
    *,
    source: Annotated[str, typer.Option("--source", help="Who says so, as explanations name it: `RouteViews`.")],
    date: Annotated[datetime, typer.Option("--date", formats=["%Y-%m-%d"], help="Of which day the table is.")],
    data: Data = None,
    apply: Annotated[bool, typer.Option("--apply", help="Take it; without it only what would change is shown.")] = (
        False
    ),
) -> None:
    """Show what FILE would change for registered autonomous systems, and take it in the old table's place with --apply.

    Assets of kind `asn` are touched by addresses in what the system announces, as far as no longer prefix in the table
    is announced by another one.
    """
    try:
        with body.opened(file, MAX_BYTES) as content, TextIOWrapper(content, "utf-8-sig", errors="replace") as text:
            change = asyncio.run(_import(text, Origin(source.strip(), date.date(), 0, now()), data, apply=apply))
    except InvalidInput as err:
        for problem in err.problems:
            screen.stderr().print(Text(f"{file}: {problem}"))
        screen.stderr().print("Nothing is applied.")
        raise typer.Exit(1) from None
    except FeedError as err:
        screen.stderr().print(Text(f"{err}\nNothing is applied."))
        raise typer.Exit(1) from None
    if change.too_wide:
        left = count(change.too_wide, "prefix is", "prefixes are")
        screen.stdout().print(f"{left} too wide to say whose an address is: left out.")
    screen.stdout().print("Applied." if apply else "Nothing is applied yet: run again with --apply.")


async def _import(text: TextIO, named: Origin, data: Path | None, *, apply: bool) -> Change:
    def lines() -> Iterable[str]:
        text.seek(0)
        return text

    async with opened(data) as database:
        async with database.reading() as session:
            change = await prefixes.plan(session, lines, named.source, named.dated)
            await _show(session, change)
        if apply:
            await prefixes.apply(database, change, lines, actor())
    return change


async def _show(session: AsyncSession, change: Change) -> None:
    """Print the systems for which a table says something else, and what it would have them matched with."""
    would = [
        RegisteredAsset(one.asset_id, AssetKind.ASN, str(one.system), Scope.EXACT, one.after) for one in change.concerns
    ]
    past = await histories(session, would, now()) if would else {}
    table = Table("system", "prefixes", "blocks left to it", f"hits in {PERIOD.days} days", "now", "of them possible")
    for one in change.concerns:
        history = past.get(one.asset_id, History())
        counts = (history.hits, history.now, history.possible)
        prefixes_ = _turned(len(one.before), len(one.after))
        blocks = _turned(_blocks(one.before), _blocks(one.after))
        table.add_row(f"AS{one.system}", prefixes_, blocks, *(f"{number:,}" for number in counts))
    if change.concerns:
        screen.stdout().print(table)
    table_has = count(change.origin.prefixes, "announcement") if change.origin else "No table"
    screen.stdout().print(f"{table_has}; {_concerned(change)}.")


def _concerned(change: Change) -> str:
    return f"{count(len(change.concerns), 'registered system is', 'registered systems are')} concerned"


def _blocks(shares: Iterable[Share]) -> int:
    return sum(len(share.blocks) for share in shares)


def _turned(before: int, after: int) -> str:
    return f"{before:,} → {after:,}" if before != after else f"{after:,}"


@app.command("show")
def show(data: Data = None) -> None:
    """Say which table counts: whose, of which day, and how many announcements it holds."""
    found = asyncio.run(_origin(data))
    if found is None:
        screen.stdout().print("There is no table: assets of kind asn are touched by their number only.")
        return
    since = f"{found.imported_at:%Y-%m-%d %H:%M} UTC"
    screen.stdout().print(Text(f"{found.said}: {found.prefixes:,} announcements, imported {since}."))


async def _origin(data: Path | None) -> Origin | None:
    async with opened(data) as db, db.reading() as session:
        return await origin(session)


@app.command("remove")
def remove(
    data: Data = None, yes: Annotated[bool, typer.Option("--yes", help="Do it without asking.")] = False
) -> None:
    """Forget the table: matches that rest on it end."""
    if not yes:
        typer.confirm("Forget the table of announced prefixes?", abort=True)
    change = asyncio.run(_remove(data))
    screen.stdout().print(f"Forgotten; {_concerned(change)}.")


async def _remove(data: Path | None) -> Change:
    async with opened(data) as database:
        return await prefixes.remove(database, actor())
