"""`citysec advisories`: what constituents were told, how it reached them, and sending dead letters again."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated, Final, TypeVar

import typer
from rich.table import Table
from rich.text import Text
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from citysec.advisories import render
from citysec.advisories.content import from_json
from citysec.advisories.deliveries import State
from citysec.advisories.replay import replay, replayable
from citysec.cli import screen
from citysec.cli.opening import Data, actor, opened
from citysec.errors import InvalidInput
from citysec.tables.advisories import Acknowledgement, Advisory, Decision, Delivery
from citysec.tables.register import Constituent, Contact
from citysec.tlp import TLP

app: Final = typer.Typer(name="advisories", help="What constituents were told.", no_args_is_help=True)

_T = TypeVar("_T")

SHOWN: Final = 200
"""Rows that a list shows, the newest."""
SHORT: Final = 12
"""So many characters at the end of an id, made by chance, tell one from another; every command takes them for it."""


@dataclass(frozen=True, slots=True)
class Told:
    """One advisory as `list` and `show` print it."""

    advisory: Advisory
    constituent: str
    deliveries: Sequence[tuple[Delivery, Contact]]
    answers: Sequence[Acknowledgement]
    decisions: Sequence[Decision]


@app.command("list")
def list_(
    data: Data = None,
    dead: Annotated[bool, typer.Option("--dead", help="Only messages that were given up; exit with 1 if any.")] = False,
) -> None:
    """List the newest advisories with how far they are, or the dead letters."""
    if dead:
        _list_dead(data)
        return
    table = Table("id", "published", "constituent", "revision", "severity", "tlp", "messages", "answer")
    for told in asyncio.run(_list(data)):
        row = told.advisory
        table.add_row(
            row.id[-SHORT:],
            _time(row.published_at),
            Text(told.constituent),
            str(row.revision),
            row.severity,
            TLP(row.tlp).label,
            _states(told),
            _answer(told),
        )
    screen.stdout().print(table)


def _list_dead(data: Path | None) -> None:
    letters = asyncio.run(_dead(data))
    table = Table("delivery", "advisory", "contact", "channel", "attempts", "error")
    for letter, contact in letters:
        ids = letter.id[-SHORT:], letter.advisory_id[-SHORT:]
        table.add_row(*ids, Text(contact), letter.channel, str(letter.attempts), Text(letter.error or ""))
    screen.stdout().print(table)
    if letters:
        raise typer.Exit(1)


@app.command()
def show(
    advisory: Annotated[str, typer.Argument(help="The advisory's id, or the end of it.")], data: Data = None
) -> None:
    """Print what was told, by which decision, over which channels, and what was answered."""
    told = asyncio.run(_show(advisory, data))
    out = screen.stdout()
    out.print(Text(_text(told)), soft_wrap=True)
    for title, table in (("Decisions", _decisions(told)), ("Messages", _messages(told)), ("Answers", _answers(told))):
        if table.row_count:
            out.print(title)
            out.print(table)


@app.command("replay")
def replay_(
    delivery: Annotated[str | None, typer.Argument(help="The dead delivery's id, or the end of it.")] = None,
    data: Data = None,
    all_dead: Annotated[bool, typer.Option("--all-dead", help="Every dead letter that is not out of date.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Send dead letters again; receivers know them by the same ids."""
    if (delivery is None) is not all_dead:
        raise typer.BadParameter("give one DELIVERY, or --all-dead")
    ids = asyncio.run(_to_replay(delivery, data))
    if not yes and ids:
        typer.confirm(f"Send {len(ids)} again?", abort=True, err=True)
    asyncio.run(_replay(ids, data))
    screen.stdout().print(f"Queued anew: {len(ids)}.")


async def _list(data: Path | None) -> list[Told]:
    async with opened(data) as database, database.reading() as db:
        newest = select(Advisory).order_by(col(Advisory.published_at).desc()).limit(SHOWN)
        return [await _told(db, row) for row in (await db.exec(newest)).all()]


async def _show(ending: str, data: Path | None) -> Told:
    async with opened(data) as database, database.reading() as db:
        named = select(Advisory).where(col(Advisory.id).endswith(ending, autoescape=True)).limit(2)
        return await _told(db, _single(ending, (await db.exec(named)).all()))


async def _dead(data: Path | None) -> Sequence[tuple[Delivery, str]]:
    async with opened(data) as database, database.reading() as db:
        dead = select(Delivery, Contact.name).join(Contact, col(Contact.id) == col(Delivery.contact_id))
        dead = dead.where(col(Delivery.state) == State.DEAD).order_by(col(Delivery.queued_at))
        return (await db.exec(dead)).all()


async def _to_replay(ending: str | None, data: Path | None) -> Sequence[str]:
    async with opened(data) as database, database.reading() as db:
        if ending is None:
            return await replayable(db)
        named = select(Delivery.id).where(col(Delivery.id).endswith(ending, autoescape=True)).limit(2)
        return [_single(ending, (await db.exec(named)).all())]


async def _replay(ids: Sequence[str], data: Path | None) -> None:
    async with opened(data) as database:
        for each in ids:
            async with database.writing() as db:
                await replay(db, each, actor())


async def _told(db: AsyncSession, row: Advisory) -> Told:
    constituent = await db.get(Constituent, row.constituent_id) if row.constituent_id else None
    deliveries = select(Delivery, Contact).join(Contact, col(Contact.id) == col(Delivery.contact_id))
    deliveries = deliveries.where(col(Delivery.advisory_id) == row.id).order_by(col(Delivery.queued_at))
    answers = select(Acknowledgement).where(col(Acknowledgement.advisory_id) == row.id)
    decisions = select(Decision).where(col(Decision.advisory_id) == row.id).order_by(col(Decision.recipient))
    return Told(
        row,
        constituent.name if constituent else "the public",
        (await db.exec(deliveries)).all(),
        (await db.exec(answers.order_by(col(Acknowledgement.id)))).all(),
        (await db.exec(decisions)).all(),
    )


def _single(ending: str, found: Sequence[_T]) -> _T:
    if len(found) != 1:
        raise InvalidInput.at(ending, "several end like that" if found else "there is none")
    return found[0]


def _text(told: Told) -> str:
    row = told.advisory
    letter = render.Letter(
        city="citysec",
        recipient=told.constituent,
        content=from_json(row.content),
        revision=row.revision,
        published_at=row.published_at,
        answer_by=row.answer_by,
        reminder=0,
        url="(each contact has a link of its own)",
    )
    return render.mail(letter).text


def _decisions(told: Told) -> Table:
    table = Table("recipient", "verdict", "reason", "left out")
    for each in told.decisions:
        table.add_row(Text(each.recipient), each.verdict, Text(each.reason), Text(", ".join(each.removed)))
    return table


def _messages(told: Told) -> Table:
    table = Table("delivery", "contact", "channel", "reminder", "state", "attempts", "at", "error")
    for each, contact in told.deliveries:
        numbers = str(each.reminder or ""), each.state, str(each.attempts), _time(each.sent_at or each.queued_at)
        table.add_row(each.id[-SHORT:], Text(contact.name), each.channel, *numbers, Text(each.error or ""))
    return table


def _answers(told: Told) -> Table:
    table = Table("at", "answer", "by", "note")
    for each in told.answers:
        by = each.name or each.account or each.contact_id or ""
        table.add_row(_time(each.at), each.answer, Text(by), Text(each.note or ""))
    return table


def _states(told: Told) -> str:
    states = [delivery.state for delivery, _ in told.deliveries]
    return ", ".join(f"{states.count(state)} {state}" for state in State if state in states) or "none"


def _answer(told: Told) -> str:
    if told.answers:
        return told.answers[-1].answer
    if told.advisory.answer_by is None:
        return "none wanted"
    return "overdue" if told.advisory.overdue_at else f"by {_time(told.advisory.answer_by)}"


def _time(instant: datetime) -> str:
    return instant.strftime("%Y-%m-%d %H:%M:%SZ")
