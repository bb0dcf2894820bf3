"""What a warning list would change if it were imported: nothing is written."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Set
from datetime import datetime
from enum import StrEnum
from typing import cast

from sqlalchemy import ColumnElement, select
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from citysec.correlate import claims, warnings
from citysec.correlate.assets import part_of_register
from citysec.correlate.batches import batches
from citysec.correlate.retro import INDICATORS, concerning
from citysec.correlate.touch import Outlook, outlook
from citysec.correlate.warned import WarningIndex
from citysec.correlate.warning_lists import ASSETS, Proposal, affected, proposed
from citysec.tables.columns import now
from citysec.tables.matches import Match


class Shift(StrEnum):
    """What becomes of a match."""

    ENDS = "ends"
    POSSIBLE = "becomes possible"
    CERTAIN = "becomes certain"
    NOTED = "is noted"
    OPENS = "opens"


_Pairs = Set[tuple[str, int]]


async def preview(db: AsyncSession, proposal: Proposal) -> Counter[Shift]:
    """Return how many matches would change if `proposal` were stored."""
    before, after = await proposed(db, proposal)
    index = await warnings.load(db, but=proposal.name)
    if after.warner:
        index.add(after.warner, after.entries)
    shifts: Counter[Shift] = Counter()
    for part in batches(await affected(db, before, after), ASSETS):
        shifts.update(await _shifts(db, part, index, now()))
    return shifts


async def _shifts(db: AsyncSession, asset_ids: Collection[int], index: WarningIndex, at: datetime) -> Counter[Shift]:
    present = await warnings.current(db)
    owned, assets = await part_of_register(db, asset_ids)
    found: Counter[Shift] = Counter()
    for batch in batches(await concerning(db, asset_ids, owned, assets), INDICATORS):
        standing = await _standing(db, batch, asset_ids)
        for claim in await claims.load(db, batch, at):
            was, will = (outlook(claim.terms, claim.atoms, assets.index, one, at) for one in (present, index))
            found.update(_compared(claim.indicator_id, was, will, standing))
    return found


async def _standing(db: AsyncSession, indicator_ids: Collection[str], asset_ids: Collection[int]) -> _Pairs:
    asset_id: ColumnElement[int] = cast("ColumnElement[int]", col(Match.asset_id))
    pair = select(col(Match.indicator_id), asset_id).where(col(Match.closed_at).is_(None))
    pair = pair.where(col(Match.indicator_id).in_(indicator_ids), col(Match.asset_id).in_(asset_ids))
    return {(indicator_id, asset_id) for indicator_id, asset_id in await (await db.connection()).execute(pair)}


def _compared(indicator_id: str, was: Outlook[int], will: Outlook[int], standing: _Pairs) -> Iterator[Shift]:
    """Yield what becomes of the matches of one indicator; of those above the cap, which are not stored, nothing."""
    for asset_id, touch in was.touches.items():
        later = will.touches.get(asset_id)
        if (indicator_id, asset_id) not in standing:
            continue
        if later is None:
            yield Shift.ENDS
        elif later.certain != touch.certain:
            yield Shift.CERTAIN if later.certain else Shift.POSSIBLE
        elif later.warning_lists != touch.warning_lists:
            yield Shift.NOTED
    yield from (Shift.OPENS for asset_id in will.touches if asset_id not in was.touches)
