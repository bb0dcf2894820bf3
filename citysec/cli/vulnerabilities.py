"""`citysec vulnerabilities`: what the register runs that has one, and those of which nobody says what has them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.table import Table
from rich.text import Text
from sqlmodel import col, func, select

from citysec.cli import screen
from citysec.cli.opening import Data, opened
from citysec.software.particulars import particulars, told
from citysec.tables.columns import now
from citysec.tables.matches import Match, Unmatchable
from citysec.tables.register import AssetOwner, Constituent

app: Final = typer.Typer(
    name="vulnerabilities", help="Vulnerabilities and the software that has them.", no_args_is_help=True
)
Most = Annotated[int, typer.Option("--most", min=1, help="So many are shown.")]


@app.command("list")
def list_(data: Data = None, most: Most = 200) -> None:
    """List the registered software that has a vulnerability, or may have one, whether or not that is an incident."""
    found = asyncio.run(_list(data))
    table = Table("vulnerability", "constituent", "relation", "why")
    for match, owner in found[:most]:
        about = particulars(match.about)
        why = told(about, certain=match.certain) if about else ""
        table.add_row(match.indicator_value, Text(owner), match.relation, Text(why))
    screen.stdout().print(table)
    _rest(len(found), most)


async def _list(data: Path | None) -> Sequence[tuple[Match, str]]:
    query = (
        select(Match, Constituent.name)
        .join(AssetOwner, col(AssetOwner.asset_id) == col(Match.asset_id))
        .join(Constituent, col(Constituent.id) == col(AssetOwner.constituent_id))
        .where(col(Match.path).startswith("vulnerability"), col(Match.closed_at).is_(None))
        .distinct()
        .order_by(col(Match.certain).desc(), col(Match.indicator_value).desc(), col(Constituent.name))
    )
    async with opened(data) as db, db.reading() as session:
        return (await session.exec(query)).all()


@app.command()
def unmatchable(data: Data = None, most: Most = 200) -> None:
    """List the vulnerabilities of which no feed says which versions of which product have them, the oldest first.

    They are matched by themselves when a feed says so.
    """
    found, count = asyncio.run(_unmatchable(data, most))
    table = Table("vulnerability", "days", "exploited", "product in words")
    for one in found:
        days = (now() - one.since).days
        table.add_row(one.cve, f"{days:,}", "yes" if one.exploited else "", Text(one.product or ""))
    screen.stdout().print(table)
    _rest(count, most)


async def _unmatchable(data: Path | None, most: int) -> tuple[Sequence[Unmatchable], int]:
    oldest = select(Unmatchable).order_by(col(Unmatchable.since), col(Unmatchable.cve)).limit(most)
    async with opened(data) as db, db.reading() as session:
        count = (await session.exec(select(func.count()).select_from(Unmatchable))).one()
        return (await session.exec(oldest)).all(), count


def _rest(count: int, most: int) -> None:
    if count > most:
        screen.stdout().print(f"… and {count - most:,} more")
