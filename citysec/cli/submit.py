"""`citysec feeds submit`: the indicators of a text or a mail, shown before any of them is stored."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, BinaryIO

import typer
from rich.table import Table
from rich.text import Text

from citysec import submission, tlp
from citysec.advisories.words import defanged
from citysec.cli import screen
from citysec.cli.opening import Data, actor, opened, read
from citysec.errors import InvalidInput
from citysec.feeds import publishers, standing, submit
from citysec.feeds.ingest import Outcome
from citysec.feeds.submit import Judgement
from citysec.submission import Candidate
from citysec.tables.columns import now
from citysec.tlp import TLP


def submit_(
    file: Annotated[typer.FileBinaryRead, typer.Argument(help="A text, a web page or a mail; - is standard input.")],
    *,
    label: Annotated[str, typer.Option("--tlp", help="Who may learn of it.")] = TLP.AMBER.label,
    confidence: Annotated[int, typer.Option(min=0, max=100, help="How sure it is that it does harm.")] = 75,
    kind: Annotated[str, typer.Option(help=f"One of: {', '.join(submit.LABELS)}.")] = "",
    threat: Annotated[str, typer.Option(help="What people call the threat; one name becomes one incident.")] = "",
    days: Annotated[
        int | None,
        typer.Option(min=1, max=submit.LONGEST_DAYS, help="For how long it counts; else as usual for its kind."),
    ] = None,
    take_all: Annotated[bool, typer.Option("--all", help="Take also what is not advised.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Store it without asking; a pipe cannot be asked.")] = False,
    data: Data = None,
) -> None:
    """Store the indicators of FILE after a look at them, under the name of the feed `by-hand`."""
    judgement = Judgement(_level(label), confidence, _kind(kind), threat.strip(), days)
    found = asyncio.run(_look(_content(file), data))
    agreed = [one for one in found if take_all or one.advised]
    if found:
        screen.stdout().print(_table(found, agreed))
    if not agreed:
        said = "Nothing to store; --all takes what is not advised, too." if found else "No indicator was found in it."
        screen.stdout().print(said)
        raise typer.Exit(1)
    if not yes:
        typer.confirm(f"Store {len(agreed):,} under {judgement.level.label}?", abort=True)
    outcome = asyncio.run(_save(agreed, judgement, data))
    screen.stdout().print(f"{outcome.stored:,} stored, {outcome.known:,} here already.")


def _level(text: str) -> TLP:
    try:
        return tlp.parse(text)
    except InvalidInput as err:
        raise typer.BadParameter(str(err), param_hint="--tlp") from err


def _kind(text: str) -> str:
    if text and text not in submit.LABELS:
        raise typer.BadParameter(f"{text!r} is none of {', '.join(submit.LABELS)}", param_hint="--kind")
    return text


def _content(file: BinaryIO) -> bytes:
    if file.isatty():
        screen.stderr().print("Paste the text, then end it with Ctrl-D.")
    return file.read(submit.LONGEST + 1)


async def _look(content: bytes, data: Path | None) -> list[Candidate]:
    async with opened(data) as database:
        return await submission.look(database, content, TLP.RED)


async def _save(agreed: Sequence[Candidate], judgement: Judgement, data: Path | None) -> Outcome:
    feed = publishers.definitions(read(data))[submit.FEED]
    async with opened(data) as database, database.writing() as db:
        await standing.enrol(db, {feed.name: feed}, now())
        return await submit.save(db, feed, [one.proposal for one in agreed], judgement, actor())


def _table(found: Sequence[Candidate], agreed: Sequence[Candidate]) -> Table:
    table = Table("store", "kind", "value", "where", "registered with us", "false alarm", "known by")
    for one in found:
        proposal = one.proposal
        about = proposal.kind.value, defanged(proposal.value), proposal.entry.at
        lists = _ours(one), ", ".join(one.warned), ", ".join(one.known)
        table.add_row("yes" if one in agreed else "no", *map(Text, (*about, *lists)))
    return table


def _ours(one: Candidate) -> str:
    if one.prospect is None:
        return ""
    said = "; ".join(f"{t.asset} ({', '.join(t.owners)})" for t in one.prospect.closest)
    more = one.prospect.count - len(one.prospect.closest)
    return f"{said}; and {more} more" if more else said
