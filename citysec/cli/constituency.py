"""`citysec constituency`: the register in and out as CSV, and whom we serve."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.table import Table
from rich.text import Text
from sqlmodel import col, func, select

from citysec import tlp
from citysec.cli import screen
from citysec.cli.opening import Data, actor, opened
from citysec.constituency import register
from citysec.constituency.lines import COLUMNS, SERVICE, Line, cells, parse, render
from citysec.constituency.plan import Mode, Plan
from citysec.constituency.records import decode
from citysec.errors import InvalidInput
from citysec.tables.register import AssetOwner, Constituent, Contact

app: Final = typer.Typer(name="constituency", help="Whom we serve and what they own.", no_args_is_help=True)

SHOWN: Final = 200
"""Changes that the table of a plan shows; its summary counts all."""


@app.command("import")
def import_(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help=f"CSV: {','.join(COLUMNS)}[,{SERVICE}]")],
    data: Data = None,
    apply: Annotated[bool, typer.Option("--apply", help="Make the changes; without it they are only shown.")] = False,
    replace: Annotated[
        bool, typer.Option("--replace", help="Remove what FILE leaves out of the organisations in it.")
    ] = False,
) -> None:
    """Show what FILE would change in the register, and change it with --apply.

    Every bad line is reported by its number, and nothing of the file is applied.
    """
    mode = Mode.REPLACE if replace else Mode.MERGE
    errors = screen.stderr()
    try:
        with errors.status("Comparing with the register"):
            plan = asyncio.run(_import(file, data, mode, apply=apply))
    except InvalidInput as err:
        for problem in err.problems:
            errors.print(Text(f"{file}: {problem}"))
        errors.print(f"Nothing is applied: {len(err.problems)} faults.")
        raise typer.Exit(1) from None
    _show(plan)
    if not plan.is_empty:
        screen.stdout().print("Applied." if apply else "Nothing is applied yet: run again with --apply.")


async def _import(file: Path, data: Path | None, mode: Mode, *, apply: bool) -> Plan[Line]:
    lines = parse(decode(file.read_bytes()))  # noqa: ASYNC240  # the loop has nothing else to do yet
    async with opened(data) as db:
        if not apply:
            async with db.reading() as session:
                return await register.plan_import(session, lines, mode)
        async with db.writing() as session:
            plan = await register.plan_import(session, lines, mode)
            await register.apply(session, plan, actor())
            return plan


def _show(plan: Plan[Line]) -> None:
    rows = list(_rows(plan))
    if rows:
        table = Table("", *COLUMNS, SERVICE)
        for row in rows[:SHOWN]:
            table.add_row(*map(Text, row))
        screen.stdout().print(table)
    if len(rows) > SHOWN:
        screen.stdout().print(f"… and {len(rows) - SHOWN:,} more")
    counts = (len(plan.added), len(plan.changed), len(plan.removed), plan.unchanged)
    screen.stdout().print("{:,} added, {:,} changed, {:,} removed, {:,} as before.".format(*counts))


def _rows(plan: Plan[Line]) -> Iterator[tuple[str, ...]]:
    for line in plan.added:
        yield "+", *cells(line).values()
    for change in plan.changed:
        pairs = zip(cells(change.before).values(), cells(change.after).values(), strict=True)
        yield "~", *(new if old == new else f"{old or '-'} → {new or '-'}" for old, new in pairs)
    for line in plan.removed:
        yield "-", *cells(line).values()


@app.command("export")
def export(
    data: Data = None,
    services: Annotated[bool, typer.Option("--services", help="With an eighth column, `service`.")] = False,
) -> None:
    """Print the register as CSV, in the form that `import` reads."""
    columns = (*COLUMNS, SERVICE) if services else COLUMNS
    sys.stdout.write(render(asyncio.run(_export(data)), columns))


async def _export(data: Path | None) -> list[Line]:
    async with opened(data) as db, db.reading() as session:
        return await register.export(session)


@app.command("list")
def list_(data: Data = None) -> None:
    """List whom we serve, with clearance and the number of contacts and assets."""
    table = Table("slug", "name", "kind", "clearance", "contacts", "assets")
    for one, contacts, assets in asyncio.run(_list(data)):
        table.add_row(one.slug, Text(one.name), one.kind, tlp.TLP(one.clearance).label, f"{contacts:,}", f"{assets:,}")
    screen.stdout().print(table)


async def _list(data: Path | None) -> list[tuple[Constituent, int, int]]:
    contacts = select(func.count()).where(Contact.constituent_id == Constituent.id).scalar_subquery()
    assets = select(func.count()).where(AssetOwner.constituent_id == Constituent.id).scalar_subquery()
    query = select(Constituent, contacts, assets).order_by(col(Constituent.slug))
    async with opened(data) as db, db.reading() as session:
        return [(one, n, m) for one, n, m in (await session.exec(query)).all()]
