"""What assets would be matched with, had they been registered: now, and in the last months. Nothing is written."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from msgspec import structs
from sqlmodel.ext.asyncio.session import AsyncSession

from citysec.correlate import claims, vulnerable, warnings
from citysec.correlate.assets import Assets
from citysec.correlate.claims import Claim
from citysec.correlate.index import AssetIndex
from citysec.correlate.lookalikes import meant, resemblances
from citysec.correlate.retro import INDICATORS, batches, concerning
from citysec.correlate.rules import RegisteredAsset, Relation
from citysec.correlate.said import Word, words_on
from citysec.correlate.standing import Standing, standing
from citysec.correlate.touch import Outlook, Touch
from citysec.correlate.unwatched import NOTHING, Unwatched, speaking
from citysec.lookalikes.alike import alike
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
        lookalikes: names that look like it of which something was said within `PERIOD`; they are no hits.
    """

    now: int = 0
    possible: int = 0
    gone: int = 0
    lookalikes: int = 0

    @property
    def hits(self) -> int:
        """All of them."""
        return self.now + self.gone


async def histories(
    db: AsyncSession,
    assets: Sequence[RegisteredAsset[int]],
    at: datetime,
    unwatched: Unwatched = NOTHING,
    ceiling: TLP = TLP.RED,
) -> dict[int, History]:
    """Return asset id -> its history; what has none is left out.

    Args:
        db: a session.
        assets: registered or not; their ids are the caller's.
        at: the present instant.
        unwatched: what is to be registered: of those of `assets` that are in its rows, lookalikes are counted.
        ceiling: it is as if nobody had said anything under a stricter label.
    """
    known, warned = Assets(AssetIndex(assets), {asset.id: () for asset in assets}), await warnings.current(db)
    count = _Count()

    async def meaning(said: Sequence[Claim]) -> list[Outlook[int]]:
        like = await resemblances(db, said, warned, unwatched)
        return await meant(said, like, known, warned, at)

    keys = {key for key, rows in unwatched.rows.items() if any(row[0] in known.owners for row in rows)}
    concerned = {*await concerning(db, (), assets, known), *await speaking(db, keys, unwatched)}
    for batch in batches(sorted(concerned), INDICATORS):
        vulnerabilities = {one for one in batch if one.startswith(vulnerable.PREFIX)}
        count.present(await meaning(await claims.load(db, set(batch) - vulnerabilities, at, ceiling)))
        count.present([each for _, each in await vulnerable.judged(db, vulnerabilities, known.index, at, ceiling)])
        count.past(await meaning(await _ended(db, batch, at, ceiling)))
    return count.histories()


class _Count:
    """Counts what touches assets."""

    def __init__(self) -> None:
        self._now, self._possible, self._gone = Counter[int](), Counter[int](), Counter[int]()
        self._names: dict[int, set[str]] = {}

    def present(self, outlooks: Iterable[Outlook[int]]) -> None:
        """Count what touches them now."""
        for each in outlooks:
            hits = self._but_lookalikes(each.touches)
            self._now.update(hits.keys())
            self._possible.update(asset_id for asset_id, touch in hits.items() if not touch.certain)

    def past(self, outlooks: Iterable[Outlook[int]]) -> None:
        """Count what did."""
        for each in outlooks:
            self._gone.update(self._but_lookalikes(each.touches).keys())

    def histories(self) -> dict[int, History]:
        """Return what was counted."""
        now, possible, gone, names = self._now, self._possible, self._gone, self._names
        return {i: History(now[i], possible[i], gone[i], len(names.get(i, ()))) for i in sorted({*now, *gone, *names})}

    def _but_lookalikes(self, touched: Mapping[int, Touch]) -> Mapping[int, Touch]:
        """Note the names of lookalikes, and return the other touches."""
        for asset_id, touch in touched.items():
            if like := alike(touch.about):
                self._names.setdefault(asset_id, set()).add(like.name)
        return {asset_id: touch for asset_id, touch in touched.items() if touch.relation is not Relation.LOOKALIKE}


async def _ended(db: AsyncSession, stix_ids: Collection[str], at: datetime, ceiling: TLP) -> list[Claim]:
    """Return the claims of indicators that counted within `PERIOD` and do no more, as if they still did."""
    since = at - PERIOD
    listed = {claim.object_id for claim in await claims.load(db, stix_ids, at, ceiling)}
    found = await claims.load(db, stix_ids, at, ceiling, gone_since=since)
    words = await words_on(db, [claim.object_id for claim in found], ceiling)
    ended = ((claim, _end(claim, words.get(claim.object_id, ()), at)) for claim in found if _was_one(claim, listed, at))
    gone = (claim for claim, end in ended if since <= end <= at)
    return [replace(claim, terms=structs.replace(claim.terms, valid_until=None)) for claim in gone]


def _was_one(claim: Claim, listed: Collection[int], at: datetime) -> bool:
    """Return whether a claim has expired, or would be in force but for the feeds that have taken it back."""
    now = standing(claim.terms, at)
    return now is Standing.EXPIRED or (now is Standing.IN_FORCE and claim.object_id not in listed)


def _end(claim: Claim, words: Sequence[Word], at: datetime) -> datetime:
    """Return when the last feed's word on a claim ended, or the claim itself before that."""
    ends = [min(word.gone_at or at, word.until or at) for word in words]
    return min(max(ends, default=at), claim.terms.valid_until or at)
