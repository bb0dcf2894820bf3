"""`citysec feeds`: definitions, polls, imports, how each feed stands, and a look into a file without a database."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Generator, Mapping
from contextlib import asynccontextmanager, contextmanager
from datetime import datetime
from difflib import get_close_matches
from itertools import count
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text
from sqlmodel import col, select

from citysec.cli import screen
from citysec.cli import submit as submitting
from citysec.cli.opening import Data, actor, opened, read
from citysec.db import Database
from citysec.errors import FeedError, InvalidInput
from citysec.feeds import body, orders, poll, publishers, standing
from citysec.feeds.definition import Definition, FileFeed, Layout
from citysec.feeds.formats import FORMATS
from citysec.feeds.ingest import Outcome
from citysec.feeds.rejects import Reason, by_reason
from citysec.feeds.survey import survey
from citysec.settings import Settings
from citysec.tables import Feed
from citysec.tables.columns import now

app: Final = typer.Typer(name="feeds", help="Which feeds there are, and what they bring.", no_args_is_help=True)
app.command("submit")(submitting.submit_)

MAX_BYTES: Final = 1 << 30
"""Largest file that `parse` reads, unpacked."""
_EVERY: Final = 1000

Name = Annotated[str, typer.Argument(help="The feed's name.")]


@app.command()
def check(data: Data = None) -> None:
    """Read all definitions and list them; say what is wrong with file and field, and exit with 1."""
    try:
        known = publishers.definitions(read(data))
    except InvalidInput as err:
        for problem in err.problems:
            screen.stderr().print(Text(str(problem)))
        raise typer.Exit(1) from None
    table = Table("name", "kind", "schedule", "reliability", "tlp", "publisher", "licence")
    for feed in known.values():
        row = feed.name, feed.kind, _schedule(feed), feed.reliability, feed.tlp.label, feed.publisher, feed.licence
        table.add_row(*map(Text, row))
    screen.stdout().print(table)


def _schedule(feed: Definition) -> str:
    if feed.every_s is not None:
        return f"every {feed.every_s:g} s"
    if feed.cron is not None:
        return feed.cron
    return "by hand" if isinstance(feed, FileFeed) and feed.by_hand else "none"


@app.command("poll")
def poll_(name: Name, data: Data = None) -> None:
    """Fetch what the feed NAME has new, now; exit with 1 when it fails."""
    asyncio.run(_poll(name, data))


async def _poll(name: str, data: Path | None) -> None:
    async with _ready(data) as (database, settings, _), publishers.opened(settings, os.environ) as asked:
        feed = _named(asked.definitions, name)
        await _show(name, poll.attempt(database, feed, asked))


@app.command("import")
def import_(
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="In the feed's format; may be gzipped.")],
    feed: Annotated[str, typer.Option(help="Store the objects as if this feed had sent them.")],
    data: Data = None,
) -> None:
    """Store the objects of FILE; the same file twice stores nothing twice. Exit with 1 when a file cannot be read."""
    asyncio.run(_import(files, feed, data))


async def _import(files: list[Path], name: str, data: Path | None) -> None:
    async with _ready(data) as (database, settings, known):
        feed = _named(known, name)
        for file in files:
            await _show(file.name, poll.import_file(database, feed, file, settings.feed_max_bytes))


@app.command()
def status(data: Data = None) -> None:
    """List how each feed stands: when it last came, what it brought, what is wrong."""
    table = Table("name", "enabled", "last good", "next", "failures", "objects", "rejects", "error")
    for feed in asyncio.run(_status(data)):
        counts = (f"{feed.failures:,}", f"{feed.objects:,}", f"{feed.rejects:,}")
        times = _time(feed.succeeded_at), _time(feed.next_at)
        table.add_row(feed.name, "yes" if feed.enabled else "no", *times, *counts, Text(_problem(feed)))
    screen.stdout().print(table)


def _problem(feed: Feed) -> str:
    resting = standing.resting_until(feed)
    rest = f"resting until {_time(resting)}: " if resting else ""
    return f"{rest}{feed.error or feed.held or ''}"


async def _status(data: Path | None) -> list[Feed]:
    async with _ready(data) as (database, _, _), database.reading() as db:
        return list((await db.exec(select(Feed).order_by(col(Feed.name)))).all())


def _time(instant: datetime | None) -> str:
    return instant.strftime("%Y-%m-%d %H:%M:%SZ") if instant else ""


@app.command()
def enable(name: Name, data: Data = None) -> None:
    """Have the feed NAME polled by its schedule, the first time at once."""
    asyncio.run(_switch(name, data, enabled=True))


@app.command()
def disable(name: Name, data: Data = None) -> None:
    """Have the feed NAME polled no more; what it brought counts until its lifetime ends."""
    asyncio.run(_switch(name, data, enabled=False))


async def _switch(name: str, data: Path | None, *, enabled: bool) -> None:
    async with _ready(data) as (database, _, known):
        definition = _named(known, name)
        async with database.writing() as db:
            if enabled:
                await orders.enable(db, definition, actor())
            else:
                await orders.disable(db, name, actor())


@app.command()
def rejects(name: Name, data: Data = None) -> None:
    """List what of the feed NAME was refused: by reason, with the newest of each."""
    table = Table("times", "reason", "newest", "where", "it begins")
    for one in asyncio.run(_rejects(name, data)):
        table.add_row(*map(Text, (f"{one.times:,}", one.reason, _time(one.received_at), one.at, one.excerpt)))
    screen.stdout().print(table)


async def _rejects(name: str, data: Path | None) -> list[Reason]:
    async with _ready(data) as (database, _, known), database.reading() as db:
        _named(known, name)
        return await by_reason(db, name)


@app.command("replay")
def replay_(name: Name, data: Data = None) -> None:
    """Try what of the feed NAME was refused again, after its definition or citysec has been mended."""
    asyncio.run(_replay(name, data))


async def _replay(name: str, data: Path | None) -> None:
    async with _ready(data) as (database, _, known):
        feed = _named(known, name)

        async def once() -> AsyncIterator[Outcome]:
            async with database.writing() as db:
                outcome = await orders.replay(db, feed, actor())
            yield outcome

        await _show(name, once())


@app.command()
def accept(name: Name, data: Data = None) -> None:
    """Believe the next list of the feed NAME, although it lacks most of what it had; what it lacks is delisted."""
    asyncio.run(_accept(name, data))


async def _accept(name: str, data: Path | None) -> None:
    async with _ready(data) as (database, _, known):
        _named(known, name)
        async with database.writing() as db:
            await orders.accept(db, name, actor())


@app.command()
def parse(
    file: Annotated[Path, typer.Argument(help="The file; may be gzipped, or the one file of a zip archive.")],
    format_: Annotated[str | None, typer.Option("--format", help=f"One of: {', '.join(FORMATS)}.")] = None,
    feed: Annotated[str | None, typer.Option(help="Read it as this feed is read, with its profile.")] = None,
    data: Data = None,
) -> None:
    """Print as JSON what is in FILE, without a database; exit with 1 when it is refused as a whole."""
    layout = _layout(format_, feed, data)
    try:
        with _counting(file.name) as one_more, body.opened(file, MAX_BYTES) as content:
            found = survey(layout.read(content), one_more)
    except (FeedError, InvalidInput) as err:
        screen.stderr().print(Text(f"{file.name}: {err}"))
        raise typer.Exit(1) from None
    for stix_id, reason in found.patterns.items():
        screen.stderr().print(Text(f"{stix_id}: pattern: {reason}"))
    sys.stdout.write(json.dumps(found.report(layout.name), ensure_ascii=False) + "\n")


def _layout(format_: str | None, feed: str | None, data: Path | None) -> Layout:
    if feed is not None and format_ is None:
        return _named(publishers.definitions(read(data)), feed).format
    if format_ is None or feed is not None:
        raise typer.BadParameter("give either --format or --feed", param_hint="--format")
    if format_ not in FORMATS:
        raise typer.BadParameter(f"{format_!r} is none of {', '.join(FORMATS)}", param_hint="--format")
    return Layout(name=format_)


@app.command("formats")
def formats_() -> None:
    """Print the names of the formats as JSON."""
    sys.stdout.write(json.dumps(sorted(FORMATS)) + "\n")


@asynccontextmanager
async def _ready(data: Path | None) -> AsyncGenerator[tuple[Database, Settings, Mapping[str, Definition]], None]:
    """Open the database, with a row for each definition."""
    settings = read(data)
    known = publishers.definitions(settings)
    async with opened(data) as database:
        async with database.writing() as db:
            await standing.enrol(db, known, now())
        yield database, settings, known


def _named(known: Mapping[str, Definition], name: str) -> Definition:
    if name not in known:
        near = get_close_matches(name, known, n=1)
        raise InvalidInput.at("", f"no feed {name!r}" + (f"; did you mean {near[0]!r}?" if near else ""))
    return known[name]


async def _show(label: str, outcomes: AsyncIterator[Outcome]) -> None:
    """Show `outcomes` as they come, then their sum; a failure is the answer no."""
    total = Outcome()
    try:
        with _progress() as progress:
            task = progress.add_task(label, total=None)
            async for outcome in outcomes:
                total += outcome
                progress.update(task, completed=total.stored + total.known + total.refused)
    except FeedError as err:
        screen.stderr().print(Text(f"{label}: {err}"))
        raise typer.Exit(1) from None
    finally:
        said = f"{label}: {total.stored:,} stored, {total.known:,} here already, {total.refused:,} refused"
        screen.stdout().print(Text(f"{said}, {total.gone:,} no longer listed." if total.gone else f"{said}."))


@contextmanager
def _counting(label: str) -> Generator[Callable[[], None], None, None]:
    """Give a function that counts one more object on the terminal."""
    with _progress() as progress:
        task, number = progress.add_task(label, total=None), count(1)

        def one() -> None:
            if (done := next(number)) % _EVERY == 0:
                progress.update(task, completed=done)

        yield one


def _progress() -> Progress:
    console = screen.stderr()
    columns = (SpinnerColumn(), TextColumn("{task.description} {task.completed:,.0f} objects"), TimeElapsedColumn())
    return Progress(*columns, console=console, disable=not console.is_terminal, transient=True)
