"""`citysec constituency`: the register in and out as CSV, and whom we serve."""

from __future__ import annotations

import asyncio
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.table import Table
from rich.text import Text
from sqlmodel import col, func, select
from sqlmodel.ext.asyncio.session import AsyncSession

from citysec import tlp
from citysec.advisories.words import count
from citysec.cli import screen
from citysec.cli.changes import Changes, planned, refusing, show
from citysec.cli.opening import Data, actor, opened
from citysec.cli.prefixes import app as prefixes
from citysec.cli.removal import app as remove
from citysec.constituency import people, register, sheets
from citysec.constituency.inventories import Place, plan_inventory
from citysec.constituency.inventory import read
from citysec.constituency.lines import COLUMNS, EXPOSED, FURTHER, SERVICE, VERIFIED, parse, render
from citysec.constituency.plan import Mode
from citysec.constituency.records import decode
from citysec.constituency.sheets import Noun, Sheet
from citysec.constituency.verification import plan_verification
from citysec.errors import InvalidInput
from citysec.tables.register import AssetOwner, Constituent, Contact

app: Final = typer.Typer(name="constituency", help="Whom we serve and what they own.", no_args_is_help=True)
app.add_typer(remove)
app.add_typer(prefixes)


class Part(StrEnum):
    """What of the register a file holds."""

    ASSETS = "assets"
    CONSTITUENTS = Noun.CONSTITUENTS
    CONTACTS = Noun.CONTACTS
    SERVICES = Noun.SERVICES


@app.command("import")
def import_(
    file: Annotated[
        Path,
        typer.Argument(exists=True, dir_okay=False, help="CSV of constituents, contacts, services or assets."),
    ],
    data: Data = None,
    apply: Annotated[bool, typer.Option("--apply", help="Make the changes; without it they are only shown.")] = False,
    replace: Annotated[
        bool, typer.Option("--replace", help="Remove the assets that FILE leaves out of the organisations in it.")
    ] = False,
) -> None:
    """Show what FILE would change in the register, and change it with --apply.

    What it is of is told by its header; `citysec constituency export PART` prints one. Every bad line is reported by
    its number, and nothing of the file is applied.
    """
    mode = Mode.REPLACE if replace else Mode.MERGE
    with refusing(file), screen.stderr().status("Comparing with the register"):
        found = asyncio.run(_import(file, data, mode, apply=apply))
    show(found, applied=apply)
    for secret in found.secrets:
        told = f"{secret.constituent} {secret.address}: signing secret {secret.text} (it is not shown again)"
        screen.stdout().print(Text(told), soft_wrap=True)


async def _import(file: Path, data: Path | None, mode: Mode, *, apply: bool) -> Changes:
    text = decode(file.read_bytes())  # noqa: ASYNC240  # the loop has nothing else to do yet
    sheet = sheets.recognised(text)
    if sheet is not None and mode is Mode.REPLACE:
        raise typer.BadParameter(f"--replace is for assets: take {sheet.noun} away by `citysec constituency remove`")
    async with opened(data) as db, db.writing() if apply else db.reading() as session:
        return await (
            _assets(session, text, mode, apply=apply) if sheet is None else _sheet(session, sheet, text, apply=apply)
        )


async def _assets(session: AsyncSession, text: str, mode: Mode, *, apply: bool) -> Changes:
    return await planned(session, await register.plan_import(session, parse(text), mode), apply=apply)


async def _sheet(session: AsyncSession, sheet: Sheet, text: str, *, apply: bool) -> Changes:
    plan = await people.plan_import(session, sheet, sheets.parse(sheet, text))
    made = await people.apply(session, sheet, plan, actor()) if apply else ()
    return Changes(tuple(sheet.columns), plan, made)


@app.command("inventory")
def inventory_(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="CycloneDX or SPDX: JSON, XML, tag-value.")],
    *,
    owner: Annotated[str, typer.Option("--owner", help="Slug of the constituent that runs it.")],
    data: Data = None,
    service: Annotated[str, typer.Option("--service", help="Slug of the public service that it carries.")] = "",
    exposed: Annotated[bool, typer.Option("--exposed", help="It can be reached from the internet.")] = False,
    criticality: Annotated[
        int | None, typer.Option("--criticality", min=1, max=5, help="1 to 5; without it the service's, else 3.")
    ] = None,
    apply: Annotated[bool, typer.Option("--apply", help="Make the changes; without it they are only shown.")] = False,
) -> None:
    """Show what FILE, a bill of materials, would change in the software registered there, and change it with --apply.

    It takes the place of the last inventory of the same owner and service. Every bad component is reported by its
    place, and nothing of the file is applied.
    """
    place = Place(owner=owner, service=service, exposed=exposed, criticality=criticality)
    with refusing(file), screen.stderr().status("Comparing with the register"):
        found, nameless = asyncio.run(_inventory(file, data, place, apply=apply))
    if nameless:
        left = count(nameless, "component has", "components have")
        screen.stdout().print(f"{left} neither package URL nor CPE name: left out.")
    show(found, applied=apply)


async def _inventory(file: Path, data: Path | None, place: Place, *, apply: bool) -> tuple[Changes, int]:
    inventory = read(file.read_bytes())  # noqa: ASYNC240  # the loop has nothing else to do yet
    async with opened(data) as db, db.writing() if apply else db.reading() as session:
        plan = await plan_inventory(session, place, inventory)
        return await planned(session, plan, apply=apply), inventory.nameless


@app.command("verify")
def verify(
    assets: Annotated[list[str] | None, typer.Argument(metavar="[ASSET_ID]...", help="Ids of assets.")] = None,
    *,
    organisation: Annotated[
        list[str] | None, typer.Option("--organisation", help="Slug of a constituent: all of its assets.")
    ] = None,
    withdraw: Annotated[bool, typer.Option("--withdraw", help="It is doubtful after all.")] = False,
    data: Data = None,
    apply: Annotated[bool, typer.Option("--apply", help="Make the changes; without it they are only shown.")] = False,
) -> None:
    """Say of assets that it is sure whose they are; until then their owners are told of nothing above TLP:GREEN."""
    if not assets and not organisation:
        raise typer.BadParameter("name assets by their ids, or a constituent by --organisation")
    try:
        found = asyncio.run(_verify(assets or [], organisation or [], data, verified=not withdraw, apply=apply))
    except InvalidInput as err:
        for problem in err.problems:
            screen.stderr().print(Text(str(problem)))
        raise typer.Exit(1) from None
    show(found, applied=apply)


async def _verify(
    refs: list[str], organisations: list[str], data: Path | None, *, verified: bool, apply: bool
) -> Changes:
    async with opened(data) as db, db.writing() if apply else db.reading() as session:
        plan = await plan_verification(session, refs, organisations, verified=verified)
        return await planned(session, plan, apply=apply)


@app.command("export")
def export(
    part: Annotated[Part, typer.Argument(help="What of the register.")] = Part.ASSETS,
    data: Data = None,
    services: Annotated[bool, typer.Option("--services", help="Assets with a further column, `service`.")] = False,
    exposed: Annotated[bool, typer.Option("--exposed", help="Assets with a further column, `exposed`.")] = False,
    verified: Annotated[bool, typer.Option("--verified", help="Assets with a further column, `verified`.")] = False,
) -> None:
    """Print assets, constituents, contacts or services as CSV, in the form that `import` reads."""
    asked = {SERVICE: services, EXPOSED: exposed, VERIFIED: verified}
    more = (column for column in FURTHER if asked[column])
    sys.stdout.write(asyncio.run(_export(part, data, (*COLUMNS, *more))))


async def _export(part: Part, data: Path | None, columns: tuple[str, ...]) -> str:
    async with opened(data) as db, db.reading() as session:
        if part is Part.ASSETS:
            return render(await register.export(session), columns)
        sheet = sheets.SHEETS[Noun(part)]
        return sheets.render(sheet, await people.export(session, sheet))


@app.command("list")
def list_(data: Data = None) -> None:
    """List whom we serve, with clearance and the number of contacts and assets."""
    table = Table("slug", "name", "kind", "clearance", "contacts", "assets")
    for one, contacts, assets in asyncio.run(_list(data)):
        table.add_row(one.slug, Text(one.name), one.kind, tlp.TLP(one.clearance).label, f"{contacts:,}", f"{assets:,}")
    screen.stdout().print(table)


async def _list(data: Path | None) -> list[tuple[Constituent, int, int]]:
    told = select(func.count()).where(Contact.constituent_id == Constituent.id, col(Contact.active))
    assets = select(func.count()).where(AssetOwner.constituent_id == Constituent.id).scalar_subquery()
    query = select(Constituent, told.scalar_subquery(), assets).order_by(col(Constituent.slug))
    async with opened(data) as db, db.reading() as session:
        return [(one, n, m) for one, n, m in (await session.exec(query)).all()]
