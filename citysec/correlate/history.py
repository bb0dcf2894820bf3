"""What assets would be matched with, had they been registered: now, and in the last months. Nothing is written."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlmodel.ext.asyncio.session import AsyncSession

from citysec.correlate import claims, vulnerable, warnings
from citysec.correlate.assets import Assets
from citysec.correlate.claims import Claim
from citysec.correlate.explain import Word, words_on
from citysec.correlate.index import AssetIndex
from citysec.correlate.retro import INDICATORS, batches, concerning
from citysec.correlate.rules import RegisteredAsset
from citysec.correlate.standing import Standing, standing
from citysec.correlate.touch import Outlook, outlook, touches
from citysec.correlate.warned import WarningIndex
from citysec.tlp import TLP

PERIOD: Final = timedelta(days=90)
"""How far back an asset's history goes."""


@dataclass(frozen=True, slots=True)
class History:
    """How many indicators and vulnerabilities touch an asset.

    Args:
        now: matches that it would have.
        possible: those of them that are uncertain.
        gone: what touched it within `PERIOD` and counts no more.
    """

    now: int = 0
    possible: int = 0
    gone: int = 0

    @property
    def hits(self) -> int:
        """All of them."""
        return self.now + self.gone


_Judged = Sequence[tuple[Claim, Outlook[int]]]


async def histories(db: AsyncSession, assets: Sequence[RegisteredAsset[int]], at: datetime) -> dict[int, History]:
    """Return asset id -> its history; what has none is left out.

    Args:
        db: a session.
        assets: registered or not; their ids are the caller's.
        at: the present instant.
    """
    index, warned = AssetIndex(assets), await warnings.current(db)
    now, possible, gone = Counter[int](), Counter[int](), Counter[int]()
    for batch in batches(await concerning(db, (), assets, Assets(index, {})), INDICATORS):
        for _, each in await _judged(db, batch, index, warned, at):
            now.update(each.touches.keys())
            possible.update(asset_id for asset_id, touch in each.touches.items() if not touch.certain)
        for claim in await _ended(db, batch, at):
            found = touches(claim.against, claim.terms.types, index, warned)
            gone.update(asset_id for asset_id, touch in found.items() if not touch.suppressed)
    return {i: History(now[i], possible[i], gone[i]) for i in sorted({*now, *gone})}


async def _judged(
    db: AsyncSession, stix_ids: Sequence[str], index: AssetIndex[int], warned: WarningIndex, at: datetime
) -> _Judged:
    """Return what indicators and vulnerabilities mean for the assets now."""
    vulnerabilities = {one for one in stix_ids if one.startswith(vulnerable.PREFIX)}
    found = await claims.load(db, set(stix_ids) - vulnerabilities, at)
    meant = [(claim, outlook(claim.terms, claim.against, index, warned, at)) for claim in found]
    return [*meant, *await vulnerable.judged(db, vulnerabilities, index, at)]


async def _ended(db: AsyncSession, stix_ids: Collection[str], at: datetime) -> Iterator[Claim]:
    """Return the claims of indicators that counted within `PERIOD` and do no more."""
    since = at - PERIOD
    listed = {claim.object_id for claim in await claims.load(db, stix_ids, at)}
    found = await claims.load(db, stix_ids, at, gone_since=since)
    words = await words_on(db, [claim.object_id for claim in found], TLP.RED)
    ended = ((claim, _end(claim, words.get(claim.object_id, ()), at)) for claim in found if _was_one(claim, listed, at))
    return (claim for claim, end in ended if since <= end <= at)


def _was_one(claim: Claim, listed: Collection[int], at: datetime) -> bool:
    """Return whether a claim has expired, or would be in force but for the feeds that have taken it back."""
    now = standing(claim.terms, at)
    return now is Standing.EXPIRED or (now is Standing.IN_FORCE and claim.object_id not in listed)


def _end(claim: Claim, words: Sequence[Word], at: datetime) -> datetime:
    """Return when the last feed's word on a claim ended, or the claim itself before that."""
    ends = [min(word.gone_at or at, word.until or at) for word in words]
    return min(max(ends, default=at), claim.terms.valid_until or at)
