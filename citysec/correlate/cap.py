"""How many matches of one indicator are stored for one constituent, and how many there would be: promise P4 with P3."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Final

from sqlalchemy import func, select
from sqlmodel import col
from sqlmodel import select as rows_of
from sqlmodel.ext.asyncio.session import AsyncSession

from citysec import log
from citysec.bulk import among
from citysec.correlate.assets import Assets
from citysec.correlate.claims import Claim
from citysec.correlate.touch import Outlook, Touch
from citysec.tables.matches import Capped, Match
from citysec.tables.register import AssetOwner

CAP: Final = 100
"""Most matches of one indicator that are stored for one constituent: one more says nothing new."""

Seat = tuple[str, str]
"""An indicator and a constituent."""
Wanted = tuple[Claim, int, Touch, Match | None]
"""An indicator touches an asset by which no match is open; the match is one that was closed."""

_log: Final = log.get(__name__)


async def within_cap(db: AsyncSession, wanted: Sequence[Wanted], assets: Assets) -> list[Wanted]:
    """Return what is to be stored, or opened again, of new pairs: those that say most first.

    A pair is stored while any owner of its asset has room for it.
    """
    seats = await _open(db, {claim.indicator_id for claim, *_ in wanted})
    kept: list[Wanted] = []
    for one in sorted(wanted, key=lambda one: (one[2].rank, one[1])):
        mine = [(one[0].indicator_id, owner) for owner in set(assets.owners[one[1]])]
        if any(seats[seat] < CAP for seat in mine):
            seats.update(mine)
            kept.append(one)
    if len(kept) < len(wanted):
        _log.warning("match.capped", matches=len(wanted), stored=len(kept))
    return kept


async def count(
    db: AsyncSession, indicator_ids: Collection[str], judged: Iterable[tuple[Claim, Outlook[int]]], assets: Assets
) -> None:
    """Store how many assets of each constituent the indicators touch, where that is more than there are matches.

    Args:
        db: the stage's transaction, in which their matches are as they will be.
        indicator_ids: all that may be, or have been, over the cap.
        judged: what those that count touch.
        assets: all owned ones.
    """
    touched = Counter[Seat]()
    for claim, outlook in judged:
        for asset_id in outlook.touches if len(outlook.touches) > CAP else ():
            touched.update((claim.indicator_id, owner) for owner in set(assets.owners[asset_id]))
    over = {seat: number for seat, number in touched.items() if number > CAP}
    seats = await _open(db, {indicator_id for indicator_id, _ in over})
    await _replace(db, indicator_ids, {seat: (n, seats[seat]) for seat, n in over.items() if n > seats[seat]})


async def capped(db: AsyncSession) -> set[str]:
    """Return the indicators that touch more somewhere than is stored."""
    return set((await (await db.connection()).execute(select(col(Capped.indicator_id)))).scalars())


async def _open(db: AsyncSession, indicator_ids: Collection[str]) -> Counter[Seat]:
    """Return how many open matches each indicator has at each constituent."""
    if not indicator_ids:
        return Counter()
    await db.flush()  # what was closed just now leaves room
    seat = (col(Match.indicator_id), col(AssetOwner.constituent_id))
    query = select(*seat, func.count(col(Match.id).distinct()))
    query = query.join(AssetOwner, col(AssetOwner.asset_id) == col(Match.asset_id))
    query = query.where(among(col(Match.indicator_id), indicator_ids), col(Match.closed_at).is_(None)).group_by(*seat)
    rows = await (await db.connection()).execute(query)
    return Counter({(indicator_id, owner): number for indicator_id, owner, number in rows})


async def _replace(db: AsyncSession, indicator_ids: Collection[str], over: Mapping[Seat, tuple[int, int]]) -> None:
    stored = await db.exec(rows_of(Capped).where(col(Capped.indicator_id).in_(indicator_ids)))
    known = {(row.indicator_id, row.constituent_id): row for row in stored}
    for (indicator_id, owner), (touched, kept) in over.items():
        row = known.pop((indicator_id, owner), None) or Capped(
            indicator_id=indicator_id, constituent_id=owner, touched=touched, kept=kept
        )
        row.touched, row.kept = touched, kept
        db.add(row)
    for row in known.values():
        await db.delete(row)
