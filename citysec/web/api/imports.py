"""The register as CSV, in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Final

from pydantic import Field

from citysec.constituency import register
from citysec.constituency.lines import Line, cells, parse
from citysec.constituency.plan import Mode
from citysec.constituency.records import decode
from citysec.correlate.history import History
from citysec.explanation import retrospect
from citysec.tables.columns import now
from citysec.web.api.operation import Call, Csv
from citysec.web.api.values import In, Out

SHOWN: Final = 1000
"""Lines of each kind that an answer holds; its numbers are exact."""

_Cells = dict[str, str]


class ImportQuery(In):
    """What a file means, and whether to do it."""

    mode: Annotated[Mode, Field(description="`replace`: what the file leaves out of its organisations goes.")] = (
        Mode.MERGE
    )
    apply: Annotated[bool, Field(description="Make the changes; without it they are only shown.")] = False


class ChangedOut(Out):
    """One line that says something else."""

    before: _Cells
    after: _Cells


class HistoryOut(Out):
    """What touches the asset of a new line, or touched it within 90 days: nobody has been told of it."""

    asset_id: str
    now: Annotated[int, Field(description="Matches that it will have.")]
    possible: Annotated[int, Field(description="Those of them that are uncertain.")]
    gone: Annotated[int, Field(description="What counts no more.")]
    lookalikes: Annotated[int, Field(description="Names that look like it, of which feeds spoke in that time.")]


class PlanOut(Out):
    """What a file changes in the register; of each list the first lines."""

    applied: bool
    added_count: int
    changed_count: int
    removed_count: int
    unchanged_count: int
    added: list[_Cells]
    changed: list[ChangedOut]
    removed: list[_Cells]
    history: Annotated[
        list[HistoryOut],
        Field(description="Of the first lines that bring an asset, those with hits or lookalikes; until applied."),
    ]


async def import_assets(call: Call[ImportQuery, Csv]) -> PlanOut:
    """Show what a CSV file would change in the register, or change it; a bad line refuses the whole file."""
    lines = parse(decode(call.body.content))
    plan = await register.plan_import(call.db, lines, call.query.mode)
    histories: Mapping[str, History] = {}
    if call.query.apply:
        await register.apply(call.db, plan, call.principal.name)
    else:
        lines = retrospect.new(plan)[:SHOWN]
        histories = await retrospect.retrospect(call.db, lines, now(), call.principal.clearance)
    changes = [ChangedOut(before=cells(c.before), after=cells(c.after)) for c in plan.changed[:SHOWN]]
    return PlanOut(
        applied=call.query.apply,
        added_count=len(plan.added),
        changed_count=len(plan.changed),
        removed_count=len(plan.removed),
        unchanged_count=plan.unchanged,
        added=_shown(plan.added),
        changed=changes,
        removed=_shown(plan.removed),
        history=[_history(ref, one) for ref, one in histories.items()],
    )


def _history(ref: str, one: History) -> HistoryOut:
    return HistoryOut(asset_id=ref, now=one.now, possible=one.possible, gone=one.gone, lookalikes=one.lookalikes)


def _shown(lines: Iterable[Line]) -> list[_Cells]:
    return [cells(line) for line, _ in zip(lines, range(SHOWN), strict=False)]
