"""What a warning list would change if it were imported: nothing is written."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Sequence, Set
from datetime import datetime
from enum import StrEnum
from typing import cast

from sqlalchemy import ColumnElement, select
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from citysec.correlate import claims, following, warnings
from citysec.correlate.assets import Assets, part_of_register
from citysec.correlate.batches import batches
from citysec.correlate.following import Listed
from citysec.correlate.lookalikes import meant, resemblances
from citysec.correlate.retro import INDICATORS, concerning
from citysec.correlate.subjects import reached
from citysec.correlate.touch import Outlook
from citysec.correlate.warned import Reach, WarningIndex
from citysec.correlate.warning_lists import ASSETS, Proposal, affected, between, proposed
from citysec.tables.columns import now
from citysec.tables.feeds import StixObject
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
    at, shifts = now(), Counter[Shift]()
    touched = await affected(db, before, after)
    for part in batches(touched, ASSETS):
        owned, assets = await part_of_register(db, part)
        shifts.update(await _shifts(db, await concerning(db, part, owned, assets), assets, index, at))
    reach = Reach(between(before, after))
    shifts.update(await _sighted(db, await _speaking(db, await following.reached(db, reach)), index, at))
    alike = await _speaking(db, await reached(db, reach))
    for part in batches(sorted(await _imitated(db, alike, index, at) - set(touched)), ASSETS):
        _, assets = await part_of_register(db, part)
        shifts.update(await _shifts(db, alike, assets, index, at))
    return shifts


async def _speaking(db: AsyncSession, object_ids: Collection[int]) -> list[str]:
    """Return the ids of the indicators of these rows."""
    found, connection = list[str](), await db.connection()
    for part in batches(sorted(object_ids), INDICATORS):
        ids = select(col(StixObject.stix_id)).where(col(StixObject.id).in_(part))
        found += (await connection.execute(ids)).scalars()
    return sorted(found)


async def _sighted(db: AsyncSession, indicator_ids: Sequence[str], index: WarningIndex, at: datetime) -> Counter[Shift]:
    """Return what becomes of what was sighted of indicators."""
    found = Counter[Shift]()
    for batch in batches(indicator_ids, INDICATORS):
        for match, claim, _ in await following.standing_by(db, batch, at):
            will = following.listed(match, claim, index)
            if will is not None:
                found.update(_turned(match, will))
    return found


def _turned(match: Match, will: Listed) -> Iterator[Shift]:
    if match.closed_at is not None or will.suppressed:
        if (match.closed_at is not None) != will.suppressed:
            yield Shift.ENDS if will.suppressed else Shift.OPENS
    elif will.certain != match.certain:
        yield Shift.CERTAIN if will.certain else Shift.POSSIBLE
    elif list(will.lists) != match.warning_lists:
        yield Shift.NOTED


async def _imitated(db: AsyncSession, indicator_ids: Sequence[str], index: WarningIndex, at: datetime) -> set[int]:
    """Return the assets that names of these indicators look like."""
    found = set[int]()
    for batch in batches(indicator_ids, INDICATORS):
        for each in (await resemblances(db, await claims.load(db, batch, at), index)).values():
            found.update(each.touches)
    return found


async def _shifts(
    db: AsyncSession, indicator_ids: Sequence[str], assets: Assets, index: WarningIndex, at: datetime
) -> Counter[Shift]:
    """Return what becomes of the matches of indicators with `assets` if the lists were those of `index`."""
    present, found = await warnings.current(db), Counter[Shift]()
    for batch in batches(indicator_ids, INDICATORS):
        standing = await _standing(db, batch, assets.owners.keys())
        loaded = await claims.load(db, batch, at)
        alike = [(one, await resemblances(db, loaded, one)) for one in (present, index)]
        both = [await meant(loaded, each, assets, one, at) for one, each in alike]
        for claim, was, will in zip(loaded, *both, strict=True):
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
