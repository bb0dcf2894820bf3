"""What was sighted follows what is said later: of its indicators by feeds, and of its values by warning lists."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from sqlalchemy import and_, or_, select
from sqlmodel import col
from sqlmodel import select as rows_of
from sqlmodel.ext.asyncio.session import AsyncSession

from citysec.bulk import among
from citysec.correlate import claims, warnings
from citysec.correlate.claims import Claim
from citysec.correlate.listing import Effect
from citysec.correlate.meeting import doubt
from citysec.correlate.rules import RegisteredAsset
from citysec.correlate.sighted import of_one_value, surer
from citysec.correlate.standing import Standing, standing
from citysec.correlate.touch import ANONYMIZATION, CloseReason
from citysec.correlate.warned import Reach, WarningIndex
from citysec.observable import AssetKind, Kind, Scope
from citysec.patterning import Atom, Op
from citysec.tables.feeds import StixObject
from citysec.tables.matches import Match

_TAKEN_BACK: Final = frozenset({Standing.REVOKED, Standing.BENIGN})
_EVER: Final = datetime(1970, 1, 1, tzinfo=UTC)
_ASSETS: Final[Mapping[Kind, AssetKind]] = {
    Kind.IP: AssetKind.CIDR,
    Kind.NAME: AssetKind.DOMAIN,
    Kind.URL: AssetKind.URL,
    Kind.MAILBOX: AssetKind.EMAIL,
    Kind.CERTIFICATE: AssetKind.CERTIFICATE,
    Kind.ASN: AssetKind.ASN,
}
_SIGHTED: Final = and_(
    col(Match.constituent_id).is_not(None),
    or_(col(Match.closed_at).is_(None), col(Match.close_reason) == CloseReason.WARNING_LIST),
)
"""What is sighted and stands, or would but for a warning list."""


async def follow(db: AsyncSession, indicator_ids: Collection[str], at: datetime) -> list[str]:
    """Bring what was sighted in line with what is said of its indicators now; return the matches for triage to see.

    What was seen stays seen when an indicator expires, or a list drops it. It ends when its creator takes it back, and
    for as long as a warning list suppresses it.
    """
    changed, warned = list[str](), await warnings.current(db)
    for match, claim, is_said in await standing_by(db, indicator_ids, at):
        concerned = is_said and _follows(match, claim, at)
        if match.close_reason not in _TAKEN_BACK and (now := listed(match, claim, warned)):
            concerned |= _judged(match, now, at)
        if concerned:
            changed.append(match.id)
    return changed


async def standing_by(
    db: AsyncSession, indicator_ids: Collection[str], at: datetime
) -> list[tuple[Match, Claim, bool]]:
    """Return what was sighted of indicators and stands, or would but for a warning list.

    Each with its claim, and whether any feed says that still.
    """
    query = rows_of(Match).where(_SIGHTED, among(col(Match.indicator_id), indicator_ids)).order_by(col(Match.id))
    matches = (await db.exec(query)).all()
    ids = {match.indicator_id for match in matches}
    said = {claim.indicator_id: claim for claim in await claims.load(db, ids, at)} if ids else {}
    gone = await claims.load(db, missing, at, gone_since=_EVER) if (missing := ids - said.keys()) else ()
    ever = said | {claim.indicator_id: claim for claim in gone}
    return [(match, ever[one], one in said) for match in matches if (one := match.indicator_id) in ever]


async def reached(db: AsyncSession, reach: Reach) -> set[int]:
    """Return the objects of what was sighted by a value within reach."""
    query = select(col(StixObject.id), col(StixObject.pattern)).join(Match, col(Match.object_id) == col(StixObject.id))
    rows = await (await db.connection()).execute(query.where(_SIGHTED).distinct())
    return {
        object_id or 0
        for object_id, pattern in rows
        if any(reach.includes(asset) for atom in claims.atoms(pattern) if (asset := _as_asset(atom)))
    }


def _follows(match: Match, claim: Claim, at: datetime) -> bool:
    """Give a match what is said of its indicator now, and return whether that concerns anybody."""
    now = standing(claim.terms, at)
    if now in _TAKEN_BACK:
        match.closed_at, match.close_reason = at, now.value
        return True
    before = (match.feed, match.confidence, match.tlp)
    match.feed, match.confidence, match.tlp = claim.source.feed, surer(claim.source.confidence), claim.source.tlp
    match.object_id, match.valid_until = claim.object_id, claim.terms.valid_until
    return before != (match.feed, match.confidence, match.tlp)


@dataclass(frozen=True, slots=True)
class Listed:
    """How a sighted match stands with the warning lists."""

    suppressed: bool
    certain: bool
    lists: tuple[str, ...]


def listed(match: Match, claim: Claim, warned: WarningIndex) -> Listed | None:
    """Return how a match stands with the lists; None where it stays as it is.

    Which of several values of an indicator, or what of a block that a list has in part, was seen, is not kept: such a
    match is judged by what lists said when it was seen.
    """
    atom = next((atom for atom in claim.atoms if (atom.path, atom.value) == (match.path, match.indicator_value)), None)
    if atom is None:
        return None if match.closed_at is None else Listed(suppressed=False, certain=match.certain, lists=())
    if match.closed_at is None and not (of_one_value(claim.atoms) and _is_sure(atom) and warned.judges_alike(atom)):
        return None
    verdict = warned.verdict(atom) if warned else None
    suppressed, certain = verdict is not None and verdict.effect is Effect.SUPPRESS, match.certain
    if not suppressed and (verdict or match.warning_lists):
        certain = doubt(atom, verdict) is None and ANONYMIZATION not in claim.terms.types
    return Listed(suppressed, certain, verdict.lists if verdict else ())


def _is_sure(atom: Atom) -> bool:
    return atom.certain and atom.op is Op.EQ


def _as_asset(atom: Atom) -> RegisteredAsset[int] | None:
    kind = _ASSETS.get(atom.kind)
    return RegisteredAsset(0, kind, atom.key, Scope.EXACT) if kind else None


def _judged(match: Match, now: Listed, at: datetime) -> bool:
    """Have warning lists count for a match, and return whether that concerns anybody: one that comes back is news."""
    was_closed, is_surer = match.closed_at is not None, now.certain and not match.certain
    changed = (was_closed, match.certain) != (now.suppressed, now.certain)
    match.certain, match.warning_lists = now.certain, list(now.lists)
    if now.suppressed:
        match.closed_at, match.close_reason = match.closed_at or at, CloseReason.WARNING_LIST
    elif was_closed or is_surer:
        match.matched_at, match.closed_at, match.close_reason = at, None, None
    return changed
