"""`citysec constituency remove`: taking somebody or something out of the register, after a look at what hangs on it."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.text import Text

from citysec.cli import screen
from citysec.cli.opening import Data, actor, opened
from citysec.constituency import removal
from citysec.constituency.removal import Removal, Target
from citysec.constituency.sheets import Noun

app: Final = typer.Typer(
    name="remove", help="Take a constituent, contact or service out of the register.", no_args_is_help=True
)

Yes = Annotated[bool, typer.Option("--yes", help="Do it without asking.")]


@app.command("constituent")
def constituent(
    slug: Annotated[str, typer.Argument(help="Whom we serve no longer.")], data: Data = None, yes: Yes = False
) -> None:
    """Remove a constituent with its contacts and assets; its name stays where incidents are on record."""
    _remove(Target(Noun.CONSTITUENTS, slug), data, yes=yes)


@app.command("contact")
def contact(
    slug: Annotated[str, typer.Argument(metavar="CONSTITUENT", help="Slug of the constituent.")],
    address: Annotated[str, typer.Argument(help="Mail address, or address of the webhook.")],
    data: Data = None,
    yes: Yes = False,
) -> None:
    """Remove a contact: nothing more is sent to it, not even what is waiting."""
    _remove(Target(Noun.CONTACTS, slug, address), data, yes=yes)


@app.command("service")
def service(slug: Annotated[str, typer.Argument(help="Which service.")], data: Data = None, yes: Yes = False) -> None:
    """Remove a service; its assets stay with their owners."""
    _remove(Target(Noun.SERVICES, slug), data, yes=yes)


def _remove(target: Target, data: Path | None, *, yes: bool) -> None:
    agreed = asyncio.run(_look(target, data))
    for sentence in (agreed.title, *(f"  {each}" for each in agreed.hangs)):
        screen.stdout().print(Text(sentence))
    if not yes:
        typer.confirm("Remove it?", abort=True)
    asyncio.run(_do(agreed, data))
    screen.stdout().print("Removed." if not agreed.stays else "Removed; the name stays on record.")


async def _look(target: Target, data: Path | None) -> Removal:
    async with opened(data) as db, db.reading() as session:
        return await removal.look(session, target)


async def _do(agreed: Removal, data: Path | None) -> None:
    async with opened(data) as db, db.writing() as session:
        await removal.remove(session, agreed, actor())
