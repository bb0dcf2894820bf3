"""Brings the stored matches in line with what indicators and assets say now; run twice, it changes nothing."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from hashlib import blake2b
from typing import Any, Final

from sqlmodel import col
from sqlmodel import select as rows_of
from sqlmodel.ext.asyncio.session import AsyncSession

from citysec import log, outbox
from citysec.bulk import among, insert_many
from citysec.correlate import cap, claims, lookalikes, vulnerable, warnings
from citysec.correlate.assets import Assets, whole_register
from citysec.correlate.batches import batches
from citysec.correlate.cap import Wanted
from citysec.correlate.claims import Claim
from citysec.correlate.lookalikes import meant
from citysec.correlate.touch import Outlook, Touch, close_reason
from citysec.tables.columns import new_id
from citysec.tables.matches import Match
from citysec.tables.work import Outbox

MANY: Final = 50
"""So many objects, or more, that turn at one instant share a piece of work."""
LOCK: Final = "correlate"
"""To be held (`db.alone`) before reading anything that is reconciled: both directions write the same matches."""

_QUIET: Final = frozenset({"object_id", "valid_from", "valid_until", "warning_lists", "prefix"})
"""Facts of a match whose change concerns nobody."""

_log: Final = log.get(__name__)


async def reconcile(
    db: AsyncSession,
    indicator_ids: Collection[str],
    assets: Assets,
    at: datetime,
    within: Collection[int] | None = None,
) -> list[str]:
    """Open, change and close the matches of indicators and vulnerabilities; return the ids of those for triage to see.

    What will change by itself, at the beginning or the end of an indicator's validity, is put into the outbox to be
    correlated again then.

    Args:
        db: the stage's transaction.
        indicator_ids: STIX ids.
        assets: those to match against; all owned ones, or the owned ones of `within`.
        at: the present instant.
        within: the asset ids that are looked at; None is all.
    """
    stored = await _stored(db, indicator_ids, within)
    known = len(stored)
    judged = await _judged(db, indicator_ids, assets, at, within)
    changed: list[str] = []
    wanted: list[Wanted] = []
    for claim, each in judged:
        for asset_id, touch in each.touches.items():
            match = stored.pop((claim.indicator_id, asset_id), None)
            if match is None or match.closed_at is not None:
                wanted.append((claim, asset_id, touch, match))
            elif _revise(match, _facts(claim, touch), at):
                changed.append(match.id)
    changed += _close(stored.values(), {claim.indicator_id: each for claim, each in judged}, assets, at)
    kept = await cap.within_cap(db, wanted, assets)
    changed += await _open(db, kept, at)
    await _correlate_again(db, {claim.object_id: _turn(claim, each) for claim, each in judged})
    await db.flush()
    left_out = {claim.indicator_id for claim, *_ in wanted} if len(kept) < len(wanted) else set[str]()
    if within is not None:
        return changed + await recount(db, left_out, at)
    if left_out or known >= cap.CAP:
        await cap.count(db, indicator_ids, judged, assets)
    return changed


async def _judged(
    db: AsyncSession, indicator_ids: Collection[str], assets: Assets, at: datetime, within: Collection[int] | None
) -> list[tuple[Claim, Outlook[int]]]:
    """Return what indicators and vulnerabilities mean for the assets."""
    vulnerabilities = {one for one in indicator_ids if one.startswith(vulnerable.PREFIX)}
    found = await claims.load(db, set(indicator_ids) - vulnerabilities, at)
    warned = await warnings.current(db)
    if within is None:
        await lookalikes.remember(db, {claim.object_id: claim.atoms for claim in found})
    alike = await lookalikes.resemblances(db, found, warned)
    judged = list(zip(found, await meant(found, alike, assets, warned, at), strict=True))
    if suppressed := sum(len(each.suppressed) for _, each in judged):
        _log.info("match.suppressed", matches=suppressed)
    return judged + await vulnerable.judged(db, vulnerabilities, assets.index, at)


async def recount(db: AsyncSession, indicator_ids: Collection[str], at: datetime) -> list[str]:
    """Look at all that indicators over the cap touch: it is counted, and room that is left is taken.

    Returns:
        the ids of the matches for triage to see.
    """
    return await reconcile(db, indicator_ids, await whole_register(db), at) if indicator_ids else []


def hand_on(db: AsyncSession, match_ids: Sequence[str]) -> None:
    """Put the work of triage for these matches into the outbox."""
    outbox.add_parts(db, "triage", "matches", match_ids)


async def _stored(
    db: AsyncSession, indicator_ids: Collection[str], within: Collection[int] | None
) -> dict[tuple[str, int], Match]:
    query = rows_of(Match).where(among(col(Match.indicator_id), indicator_ids)).order_by(col(Match.id))
    if within is not None:
        query = query.where(col(Match.asset_id).in_(within))
    matches = await db.exec(query)
    return {(match.indicator_id, match.asset_id): match for match in matches if match.asset_id is not None}


def _facts(claim: Claim, touch: Touch) -> dict[str, Any]:
    return {
        "object_id": claim.object_id,
        "relation": touch.relation.value,
        "path": touch.atom.path,
        "indicator_value": touch.atom.value,
        "certain": touch.certain,
        "warning_lists": list(touch.warning_lists),
        "about": touch.about,
        "prefix": touch.prefix,
        "feed": claim.source.feed,
        "confidence": claim.source.confidence,
        "tlp": claim.source.tlp,
        "valid_from": claim.terms.valid_from,
        "valid_until": claim.terms.valid_until,
    }


def _revise(match: Match, facts: Mapping[str, Any], at: datetime) -> bool:
    """Give a match its present facts, opened again if it was closed, and return whether that concerns anybody.

    One that becomes certain is as new as one that is opened again: what was decided on a possible one was about less.
    """
    surer = facts["certain"] and not match.certain
    different = {name for name, value in facts.items() if getattr(match, name) != value}
    for name in different:
        setattr(match, name, facts[name])
    reopened = match.closed_at is not None
    if reopened or surer:
        match.matched_at, match.closed_at, match.close_reason = at, None, None
    return reopened or not different <= _QUIET


def _turn(claim: Claim, outlook: Outlook[int]) -> datetime | None:
    """Return when what is stored of a claim will be otherwise by itself."""
    turns = (outlook.turns_at, claim.source.changes_at if outlook.touches else None)
    return min((turn for turn in turns if turn is not None), default=None)


def _close(
    matches: Iterable[Match], outlooks: Mapping[str, Outlook[int]], assets: Assets, at: datetime
) -> Iterator[str]:
    """Close those of `matches` that are open, and yield their ids."""
    for match in matches:
        if match.closed_at is None and match.asset_id is not None:
            now = outlooks.get(match.indicator_id)
            why = close_reason(match.asset_id, now, assets.owners, assets.nobodys)
            match.closed_at, match.close_reason = at, why
            if now and match.asset_id in now.suppressed:
                match.warning_lists = list(now.suppressed[match.asset_id].warning_lists)
            yield match.id


async def _open(db: AsyncSession, wanted: Sequence[Wanted], at: datetime) -> list[str]:
    """Store matches, open again those that were, and return the ids of all."""
    rows: list[dict[str, Any]] = []
    for claim, asset_id, touch, match in wanted:
        facts = _facts(claim, touch)
        if match is None:
            named = {"id": new_id(), "indicator_id": claim.indicator_id, "asset_id": asset_id, "matched_at": at}
            rows.append(facts | named)
        else:
            _revise(match, facts, at)
    await insert_many(db, Match, rows)
    return [row["id"] for row in rows] + [match.id for *_, match in wanted if match is not None]


async def _correlate_again(db: AsyncSession, turns: Mapping[int, datetime | None]) -> None:
    """Have objects correlated again when they turn: many of one instant together, few each once and for all."""
    together: dict[datetime, list[int]] = {}
    for object_id, turn in turns.items():
        if turn is not None:
            together.setdefault(turn, []).append(object_id)
    works = {
        _work_id(turn, part): (turn, part)
        for turn, object_ids in together.items()
        for part in batches(object_ids, outbox.NAMED if len(object_ids) >= MANY else 1)
    }
    if not works:
        return
    known = set(await db.exec(rows_of(Outbox.id).where(col(Outbox.id).in_(works))))
    for work_id in works.keys() - known:
        turn, object_ids = works[work_id]
        outbox.add(db, "correlate", {"objects": object_ids}, due_at=turn, work_id=work_id)


def _work_id(turn: datetime, object_ids: Sequence[int]) -> str:
    """Return what is the same for the same objects; others that share some with them cost no more than now, later."""
    digest = blake2b(repr(object_ids).encode(), digest_size=16).hexdigest()
    return f"correlate:{turn:%Y%m%dT%H%M%S%f}:{digest}"
