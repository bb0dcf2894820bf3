"""`citysec warnings`: lists of values that are well known and mostly harmless, and what becomes of matches by them."""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.table import Table
from rich.text import Text
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from citysec.cli import screen
from citysec.cli.opening import Data, actor, opened
from citysec.correlate import warning_lists
from citysec.correlate.listing import Effect, ListType, read
from citysec.correlate.preview import Shift, preview
from citysec.correlate.warned import Verdict
from citysec.correlate.warning_lists import Proposal
from citysec.correlate.warnings import current
from citysec.errors import FeedError, InvalidInput
from citysec.feeds import body
from citysec.feeds.formats import values, warninglist
from citysec.patterning import compile  # noqa: A004
from citysec.tables.warnings import WarningList

app: Final = typer.Typer(
    name="warnings", help="Lists of values that are well known and mostly harmless.", no_args_is_help=True
)

MAX_BYTES: Final = 256 << 20
"""Largest list, unpacked."""
SHOWN: Final = 3
"""Values that could not be read, as many of each list as are shown."""

_WHOLE: Final = {"list", ""}  # how upstream calls each file, in a folder with the list's name
_NEITHER: Final = re.compile(r"[^a-z0-9]+")

Name = Annotated[str, typer.Argument(help="The list's short name.")]
Class = Annotated[
    Effect | None,
    typer.Option("--class", help="What becomes of matches: none, only possible ones, or a note. As before by default."),
]


@app.command("import")
def import_(
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="MISP warning lists, JSON.")],
    effect: Class = None,
    data: Data = None,
    apply: Annotated[bool, typer.Option("--apply", help="Import them; without it only what would change is shown.")] = (
        False
    ),
) -> None:
    """Show how many matches the lists in FILE would change, one by one, and import them with --apply.

    A list is named as its file, or as the folder of a `list.json`; one of that name is replaced.
    """
    try:
        asyncio.run(_import(files, effect, data, apply=apply))
    except (FeedError, InvalidInput) as err:
        screen.stderr().print(Text(f"{err}\nNothing is imported."))
        raise typer.Exit(1) from None
    screen.stdout().print("Imported." if apply else "Nothing is imported yet: run again with --apply.")


async def _import(files: Sequence[Path], effect: Effect | None, data: Path | None, *, apply: bool) -> None:
    async with opened(data) as db, db.writing() if apply else db.reading() as session:
        proposals = [await _proposal(session, file, effect) for file in files]
        _check_names(proposals)
        table = Table("name", "title", "type", "class", "entries", "unread", *(f"match {shift}" for shift in Shift))
        for proposal in proposals:
            shifts = await preview(session, proposal)
            table.add_row(*map(Text, _row(proposal, shifts)))
            if apply:
                await warning_lists.store(session, proposal, actor())
    screen.stdout().print(table)
    for proposal in proposals:
        for line in _unread(proposal):
            screen.stderr().print(Text(line))


async def _proposal(session: AsyncSession, file: Path, effect: Effect | None) -> Proposal:
    with body.opened(file, MAX_BYTES) as content:
        written = content.read()
    try:
        found = warninglist.parse(written)
        type_ = _type(found.type)
    except InvalidInput as err:
        raise InvalidInput.at(str(file), str(err)) from err
    name = _name(file)
    known = await session.get(WarningList, name)
    if effect is None and known is None:
        raise InvalidInput.at(str(file), f"the list {name!r} is new: give its --class")
    reading = read(type_, found.matching_attributes, found.values)
    for reject in found.rejects:
        reading = reading.without(f"{reject.at} {reject.excerpt}", reject.reason)
    return Proposal(
        name=name,
        title=found.title,
        version=found.version,
        description=found.description,
        type=type_,
        attributes=found.matching_attributes,
        effect=effect or Effect(known.effect if known else Effect.ANNOTATE),
        reading=reading,
    )


def _type(text: str) -> ListType:
    try:
        return ListType(text)
    except ValueError:
        raise InvalidInput.at("", f"no list is of type {text[:40]!r}; known are {', '.join(ListType)}") from None


def _name(file: Path) -> str:
    stem = file.name.removesuffix(".gz").removesuffix(".json")
    named = file.absolute().parent.name if stem in _WHOLE else stem
    return _NEITHER.sub("-", named.lower()).strip("-")[:63] or "list"


def _check_names(proposals: Sequence[Proposal]) -> None:
    twice = [name for name, times in Counter(proposal.name for proposal in proposals).items() if times > 1]
    if twice:
        raise InvalidInput.at("", f"several files are named {', '.join(twice)}")


def _row(proposal: Proposal, shifts: Counter[Shift]) -> Iterator[str]:
    yield from (proposal.name, proposal.title, proposal.type, proposal.effect)
    yield f"{len(proposal.reading.entries):,}"
    yield f"{len(proposal.reading.unread):,}"
    yield from (f"{shifts[shift]:,}" for shift in Shift)


def _unread(proposal: Proposal) -> Iterator[str]:
    unread = proposal.reading.unread
    yield from (f"{proposal.name}: {value[:100]}: {reason}" for value, reason in list(unread.items())[:SHOWN])
    if len(unread) > SHOWN:
        yield f"{proposal.name}: … and {len(unread) - SHOWN:,} more that could not be read"


@app.command("list")
def list_(data: Data = None) -> None:
    """List the warning lists, and what each does to matches."""
    table = Table("name", "title", "version", "type", "class", "enabled", "entries", "unread", "imported")
    for one in asyncio.run(_list(data)):
        counts = f"{one.entries:,}", f"{one.unread:,}", f"{one.imported_at:%Y-%m-%d}"
        row = one.name, one.title, one.version, one.type, one.effect, "yes" if one.enabled else "no", *counts
        table.add_row(*map(Text, row))
    screen.stdout().print(table)


async def _list(data: Path | None) -> list[WarningList]:
    async with opened(data) as db, db.reading() as session:
        return list(await session.exec(select(WarningList).order_by(col(WarningList.name))))


@app.command()
def enable(name: Name, effect: Class = None, data: Data = None) -> None:
    """Have the list NAME count, in another class if --class says so; the stored matches follow."""
    asyncio.run(_switch(name, data, effect, enabled=True))


@app.command()
def disable(name: Name, data: Data = None) -> None:
    """Have the list NAME count no more; the matches that it changed come back."""
    asyncio.run(_switch(name, data, None, enabled=False))


async def _switch(name: str, data: Path | None, effect: Effect | None, *, enabled: bool) -> None:
    async with opened(data) as db, db.writing() as session:
        await warning_lists.switch(session, name, actor(), enabled=enabled, effect=effect)


@app.command()
def remove(name: Name, data: Data = None) -> None:
    """Forget the list NAME; the matches that it changed come back."""
    asyncio.run(_remove(name, data))


async def _remove(name: str, data: Path | None) -> None:
    async with opened(data) as db, db.writing() as session:
        await warning_lists.remove(session, name, actor())


@app.command()
def check(value: Annotated[str, typer.Argument(help="An address, block, name, URL …")], data: Data = None) -> None:
    """Say which lists VALUE is on, and what becomes of an indicator's match by it."""
    verdict = asyncio.run(_check(value, data))
    said = f"{verdict.effect}: {', '.join(verdict.lists)}" if verdict else "on no warning list"
    screen.stdout().print(Text(said))


async def _check(text: str, data: Path | None) -> Verdict | None:
    atoms = compile(values.value(text).pattern).atoms
    async with opened(data) as db, db.reading() as session:
        warned = await current(session)
    return next((verdict for atom in atoms if (verdict := warned.verdict(atom))), None)
