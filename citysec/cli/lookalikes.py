"""`citysec lookalikes`: names that look like registered names and brands, and those that are allowed to."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.table import Table
from rich.text import Text
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from citysec.cli import screen
from citysec.cli.opening import Data, actor, opened
from citysec.correlate import allow_list
from citysec.correlate.allowed import allowed
from citysec.correlate.lookalikes import Hit, alike
from citysec.correlate.subjects import carriers, owned, subject_of, watchable
from citysec.correlate.unwatched import awaiting
from citysec.errors import InvalidInput
from citysec.explanation.asked import read
from citysec.lookalikes.alike import WAYS, readable
from citysec.lookalikes.forms import subject
from citysec.lookalikes.kinds import Kind, Strength
from citysec.lookalikes.names import parts
from citysec.lookalikes.permutations import forms
from citysec.observable import AssetKind, domain_name, registered, reverse_labels
from citysec.observable import Kind as Observed
from citysec.tables.lookalikes import AllowedName, Lookalike

app: Final = typer.Typer(
    name="lookalikes", help="Names that look like registered names and brands.", no_args_is_help=True
)

SHOWN: Final = 5
"""Permutations of one kind that are shown."""

Name = Annotated[str, typer.Argument(help="A name; what is below it is meant, too.")]


@app.command()
def check(names: Annotated[list[str], typer.Argument(metavar="NAME...")], data: Data = None) -> None:
    """Say whether each NAME looks like a registered name or a brand, and why or why not.

    A NAME may be a web address or a mailbox, too, also one that was made harmless (`hxxps://evil[.]example`): its name
    is judged. Exit 2 when one of them has none; the others are judged all the same.
    """
    judged = {text: _name_in(text) for text in names}
    if found := [name for name in judged.values() if name is not None]:
        table = Table("name", "looks like", "by", "that is")
        for row in asyncio.run(_check(found, data)):
            table.add_row(*map(Text, row))
        screen.stdout().print(table)
    if unread := [text for text, name in judged.items() if name is None]:
        screen.stderr().print(Text(f"No name, and not judged: {', '.join(map(repr, unread))}."))
        raise typer.Exit(2)


def _name_in(text: str) -> str | None:
    """Return the canonical name that is, or is in, what people paste."""
    try:
        return domain_name(text).value
    except InvalidInput:
        asked = read(text)
    found = asked.host or asked.found
    match found.kind if found else None:
        case Observed.NAME | Observed.MAILBOX if found:
            return found.value.rpartition("@")[2]
        case _:
            return None


async def _check(names: Sequence[str], data: Path | None) -> list[tuple[str, str, str, str]]:
    async with opened(data) as db, db.reading() as session:
        hits = await alike(session, names, await awaiting(session))
        exempt = await allowed(session, names)
        real = await owned(session, {found.registrable for name in names if (found := parts(name))})
    rows: list[tuple[str, str, str, str]] = []
    for name in dict.fromkeys(names):
        shown = name if readable(name) == name else f"{name} ({readable(name)})"
        found = parts(name)
        nothing = "a name of somebody registered" if found and found.registrable in real else "no lookalike"
        if found is None:
            nothing = "a public suffix"
        rows += [(shown, *_row(hit, exempt.get(name))) for hit in hits.get(name, ())] or [(shown, "–", "", nothing)]
    return rows


def _row(hit: Hit, entry: AllowedName | None) -> tuple[str, str, str]:
    said = "certain" if hit.found.strength is Strength.CERTAIN else "possible"
    if entry is not None:
        said = f"allowed by {entry.by} on {entry.at:%Y-%m-%d}" + (f": {entry.note}" if entry.note else "")
    return hit.of.value, f"{hit.found.kind} ({WAYS[hit.found.kind]})", said


@app.command()
def of(
    name: Annotated[str, typer.Argument(help="A registered name, or a brand.")],
    data: Data = None,
    every: Annotated[bool, typer.Option("--all", help="Show all permutations instead of some of each kind.")] = False,
) -> None:
    """Show what NAME, or the brand of that name, may be taken for."""
    key, rows, why = asyncio.run(_of(name, data))
    if not rows:
        screen.stderr().print(Text(f"No lookalikes of {name.strip()} are looked for: {why}."))
        raise typer.Exit(1)
    kinds: dict[str, list[str]] = {}
    for form, kind in rows:
        kinds.setdefault(kind, []).append(form)
    table = Table("kind", "count", "written alike")
    for kind in sorted(kinds, key=[kind.value for kind in Kind].index):
        texts = sorted(kinds[kind])
        more = "" if every or len(texts) <= SHOWN else " …"
        table.add_row(kind, f"{len(texts):,}", Text(" ".join(texts if every else texts[:SHOWN]) + more))
    screen.stdout().print(table)
    rest = "And what looks the same, has other hyphens, keywords beside it or another ending."
    screen.stdout().print(Text(f"{sum(map(len, kinds.values())):,} permutations of {subject(key).value}. {rest}"))


async def _of(text: str, data: Path | None) -> tuple[str, list[tuple[str, str]], str]:
    key = _subject(text)
    async with opened(data) as db, db.reading() as session:
        query = select(Lookalike.form, Lookalike.kind).where(col(Lookalike.of) == key, col(Lookalike.kind) != "")
        rows = list((await session.exec(query)).all())
        if not rows and await watchable(session, [key]):  # the service has not come to it yet
            rows = [(form, kind.value) for form, kind in forms(subject(key)).items() if kind]
        return key, rows, await _unwatched(session, key)


async def _unwatched(db: AsyncSession, key: str) -> str:
    """Return why nothing is looked for of a subject that is not watched."""
    if (await carriers(db, [key]))[key]:
        return "only names below it are registered, and strangers may have others there"
    return "nobody has registered it, or whose it is has not been verified"


def _subject(text: str) -> str:
    try:
        key = subject_of(domain_name(text).value) if "." in text else None
    except InvalidInput:
        key = None
    return key or registered(AssetKind.BRAND, text).key


@app.command()
def allow(
    name: Name,
    note: Annotated[str, typer.Option(help="Why it is harmless, for those who come after.")] = "",
    data: Data = None,
) -> None:
    """Have NAME look like nobody's: its matches end, until it is disallowed."""
    asyncio.run(_allow(name, note, data))


async def _allow(name: str, note: str, data: Path | None) -> None:
    async with opened(data) as db, db.writing() as session:
        entry = await allow_list.allow(session, name, note, actor())
    screen.stdout().print(Text(f"{reverse_labels(entry.key)} is allowed: the service ends its matches."))


@app.command()
def disallow(name: Name, data: Data = None) -> None:
    """Take NAME off the allow list: the matches that this had ended come back."""
    asyncio.run(_disallow(name, data))


async def _disallow(name: str, data: Path | None) -> None:
    async with opened(data) as db, db.writing() as session:
        await allow_list.disallow(session, name, actor())
    screen.stdout().print("It is not allowed any more: the service brings its matches back.")


@app.command("list")
def list_(data: Data = None) -> None:
    """List the names that are allowed: by whom, when and why."""
    table = Table("name", "since", "by", "note")
    for one in asyncio.run(_list(data)):
        table.add_row(*map(Text, (reverse_labels(one.key), f"{one.at:%Y-%m-%d}", one.by, one.note)))
    screen.stdout().print(table)


async def _list(data: Path | None) -> Sequence[AllowedName]:
    async with opened(data) as db, db.reading() as session:
        return await allow_list.listed(session)
