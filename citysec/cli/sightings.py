"""`citysec sightings`: what constituents' machines saw, taken in from files and listed."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Annotated, BinaryIO, Final

import typer
from rich.table import Table
from rich.text import Text
from sqlmodel import col, select

from citysec import tlp
from citysec.access import audit
from citysec.advisories.words import defanged
from citysec.cli import screen
from citysec.cli.opening import Data, actor, opened, read
from citysec.correlate import telemetry
from citysec.correlate.sighted import Sighted, Telling
from citysec.correlate.telemetry import Taken
from citysec.errors import InvalidInput, NotShared
from citysec.tables.columns import now
from citysec.tables.matches import Match
from citysec.tables.register import Constituent
from citysec.tables.sightings import Report, Sighting
from citysec.telemetry import Form, recognised, stream
from citysec.tlp import TLP

app: Final = typer.Typer(name="sightings", help="What constituents' machines saw.", no_args_is_help=True)
_SHOWN: Final = 20
_PIECE: Final = 1 << 21  # octets: more than the longest line, by which the form is known


@app.command("import")
def import_(
    file: Annotated[typer.FileBinaryRead, typer.Argument(help="Observations; - is standard input.")],
    *,
    constituent: Annotated[str, typer.Option(help="Slug: whose machines saw them.")],
    form: Annotated[Form | None, typer.Option("--format", help="How FILE is written; else by its look.")] = None,
    label: Annotated[str, typer.Option("--tlp", help="Who may learn of what was seen.")] = TLP.AMBER_STRICT.label,
    data: Data = None,
) -> None:
    """Compare the observations in FILE with all indicators, and keep only what was seen of these.

    Exit 1 when some of them could not be used. The same file again counts nothing twice. Lines and tables may be of any
    size.
    """
    batch = _Batch(file, form)
    taken, found, again = asyncio.run(_import(batch, constituent, _level(label), data))
    out = screen.stdout()
    if again:
        out.print("It was taken in before; nothing is counted twice.")
        return
    out.print(f"{taken.received:,} observations, {taken.rejected:,} rejected, {len(found):,} indicators seen.")
    table = Table("indicator", "seen", "certain")
    for one in found[:_SHOWN]:
        table.add_row(
            Text(defanged(one.match.indicator_value)), f"{one.tally.count:,}", "yes" if one.match.certain else "no"
        )
    if found:
        out.print(table)
    for fault in taken.faults[:_SHOWN]:
        screen.stderr().print(Text(str(fault)))
    raise typer.Exit(1 if taken.rejected else 0)


class _Batch:
    """Observations in a file, which is read once and piece by piece."""

    def __init__(self, file: BinaryIO, form: Form | None) -> None:
        self._digest = hashlib.sha256()
        start = file.read(_PIECE)
        self.form: Final = form or recognised(start)
        self.items: Final = stream(self._pieces(start, file), self.form)

    def _pieces(self, start: bytes, file: BinaryIO) -> Iterator[bytes]:
        piece = start
        while piece:
            self._digest.update(piece)
            yield piece
            piece = file.read(_PIECE)

    def id(self, body: Constituent, level: TLP) -> str:
        """Return its name, once all of it is read."""
        return telemetry.batch_id(actor(), body.id, level.label, self.form.value, self._digest.digest())


def _level(text: str) -> TLP:
    try:
        return tlp.parse(text)
    except InvalidInput as err:
        raise typer.BadParameter(str(err), param_hint="--tlp") from err


async def _import(batch: _Batch, slug: str, level: TLP, data: Path | None) -> tuple[Taken, Sequence[Sighted], bool]:
    keep, at = read(data).telemetry_keep_hours > 0, now()
    async with opened(data) as database:
        taken = await telemetry.take_in(database, batch.items, at, keep=keep)
        async with database.writing() as db:
            body = (await db.exec(select(Constituent).where(Constituent.slug == slug))).first()
            if body is None:
                raise NotShared(f"there is no constituent {slug!r}")
            number = batch.id(body, level)
            if await db.get(Report, number) is not None:
                return taken, (), True
            found = await telemetry.write_down(db, taken, Telling(body.id, actor(), at, level), number)
            db.add(Report(id=number, constituent_id=body.id, at=at, answer={}))
            if found:
                facts = {"indicators": len(found), "tlp": level.label}
                await audit.record(db, actor(), "sighting.report", f"constituent:{body.slug}", facts)
    return taken, found, False


@app.command("list")
def list_(
    data: Data = None,
    constituent: Annotated[str | None, typer.Option(help="Slug: only of this constituent.")] = None,
    most: Annotated[int, typer.Option("--most", min=1, help="So many are shown.")] = 200,
) -> None:
    """List what was seen, by indicator and day, the newest first."""
    table = Table("day", "constituent", "indicator", "seen", "first", "last", "label")
    for sighting, value, slug in asyncio.run(_list(data, constituent, most)):
        about = slug, Text(defanged(value)), f"{sighting.count:,}"
        times = _time(sighting.first_seen), _time(sighting.last_seen)
        table.add_row(sighting.day, *about, *times, TLP(sighting.tlp).label)
    screen.stdout().print(table)


async def _list(data: Path | None, slug: str | None, most: int) -> Sequence[tuple[Sighting, str, str]]:
    query = (
        select(Sighting, Match.indicator_value, Constituent.slug)
        .join(Match, col(Match.id) == col(Sighting.match_id))
        .join(Constituent, col(Constituent.id) == col(Match.constituent_id))
        .order_by(col(Sighting.last_seen).desc(), col(Sighting.id))
        .limit(most)
    )
    if slug is not None:
        query = query.where(col(Constituent.slug) == slug)
    async with opened(data) as database, database.reading() as db:
        return (await db.exec(query)).all()


def _time(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M}"
