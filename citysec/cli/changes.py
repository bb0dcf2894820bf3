"""What a command would change in the register, or has changed, as tables."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import typer
from rich.table import Table
from rich.text import Text
from sqlmodel.ext.asyncio.session import AsyncSession

from citysec.advisories.words import count
from citysec.cli import screen
from citysec.cli.opening import actor
from citysec.constituency import register
from citysec.constituency.lines import COLUMNS, FURTHER, Line, cells
from citysec.constituency.people import Secret
from citysec.constituency.plan import Changed, Plan
from citysec.constituency.sheets import Cells
from citysec.correlate.history import PERIOD, History
from citysec.errors import InvalidInput
from citysec.explanation import retrospect
from citysec.tables.columns import now

SHOWN: Final = 200
"""Changes that the table of a plan shows; its summary counts all."""

_ASSET_COLUMNS: Final = (*COLUMNS, *FURTHER)


@dataclass(frozen=True, slots=True)
class Changes:
    """What a file changes or has changed.

    Args:
        columns: of its lines.
        plan: its lines by column.
        secrets: of webhooks that are new.
        histories: id of a line that brings an asset -> what that was matched with, had it been registered.
    """

    columns: tuple[str, ...]
    plan: Plan[Cells]
    secrets: tuple[Secret, ...] = ()
    histories: Mapping[str, History] = field(default_factory=dict[str, History])


async def planned(session: AsyncSession, plan: Plan[Line], *, apply: bool) -> Changes:
    """Change assets as planned, or look what the new ones would be matched with."""
    if apply:
        await register.apply(session, plan, actor())
        return Changes(_ASSET_COLUMNS, _shown(plan))
    histories = await retrospect.retrospect(session, retrospect.new(plan), now())
    return Changes(_ASSET_COLUMNS, _shown(plan), histories=histories)


def _shown(plan: Plan[Line]) -> Plan[Cells]:
    return Plan(
        added=tuple(map(cells, plan.added)),
        changed=tuple(Changed(cells(change.before), cells(change.after)) for change in plan.changed),
        removed=tuple(map(cells, plan.removed)),
        unchanged=plan.unchanged,
    )


@contextmanager
def refusing(file: Path) -> Generator[None]:
    """Print what is wrong with `file`, place by place, and end the command, where reading it finds a fault."""
    try:
        yield
    except InvalidInput as err:
        errors = screen.stderr()
        for problem in err.problems:
            errors.print(Text(f"{file}: {problem}"))
        errors.print(f"Nothing is applied: {count(len(err.problems), 'fault')}.")
        raise typer.Exit(1) from None


def show(found: Changes, *, applied: bool) -> None:
    """Print the changes, their numbers, what new assets were matched with, and whether they are made."""
    rows, plan = list(_rows(found)), found.plan
    if rows:
        table = Table("", *found.columns)
        for row in rows[:SHOWN]:
            table.add_row(*map(Text, row))
        screen.stdout().print(table)
    if len(rows) > SHOWN:
        screen.stdout().print(f"… and {len(rows) - SHOWN:,} more")
    counts = (len(plan.added), len(plan.changed), len(plan.removed), plan.unchanged)
    screen.stdout().print("{:,} added, {:,} changed, {:,} removed, {:,} as before.".format(*counts))
    if found.histories:
        _show_histories(found.histories)
    if not plan.is_empty:
        screen.stdout().print("Applied." if applied else "Nothing is applied yet: run again with --apply.")


def _show_histories(histories: Mapping[str, History]) -> None:
    """Say what new assets were matched with, had they been registered; those with most hits first."""
    table = Table("asset_id", f"hits in {PERIOD.days} days", "now", "of them possible", "gone", "lookalikes")
    ordered = sorted(histories.items(), key=lambda pair: (-pair[1].hits, pair[0]))
    for ref, one in ordered[:SHOWN]:
        numbers = (one.hits, one.now, one.possible, one.gone, one.lookalikes)
        table.add_row(Text(ref), *(f"{number:,}" for number in numbers))
    screen.stdout().print(table)
    hits, standing = sum(one.hits for one in histories.values()), sum(one.now for one in histories.values())
    said = f"{count(hits, 'hit')} on {count(len(histories), 'new asset')} in {PERIOD.days} days"
    alike = _alike(sum(one.lookalikes for one in histories.values()), "it" if len(histories) == 1 else "them")
    screen.stdout().print(f"{said}, {standing:,} of which count now{alike}.")
    screen.stdout().print("Nobody is told before it is applied, and then once for each threat.")


def _alike(names: int, whom: str) -> str:
    if names == 0:
        return ""
    return f", and 1 name that looks like {whom}" if names == 1 else f", and {names:,} names that look like {whom}"


def _rows(found: Changes) -> Iterator[tuple[str, ...]]:
    for line in found.plan.added:
        yield "+", *(line[column] for column in found.columns)
    for change in found.plan.changed:
        pairs = ((change.before[column], change.after[column]) for column in found.columns)
        yield "~", *(new if old == new else f"{old or '-'} → {new or '-'}" for old, new in pairs)
    for line in found.plan.removed:
        yield "-", *(line[column] for column in found.columns)
