"""What correlation makes of indicators for one constituent: all that an explanation needs, by the stage's own rules."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final

from sqlalchemy import exists, func, select
from sqlmodel import col
from sqlmodel import select as rows_of
from sqlmodel.ext.asyncio.session import AsyncSession

from citysec.correlate import claims, lookalikes, patiently, vulnerable, warnings
from citysec.correlate.assets import whole_register
from citysec.correlate.batches import batches
from citysec.correlate.cap import capped
from citysec.correlate.claims import Claim
from citysec.correlate.concerned import Concerned, concerned_by, concerns
from citysec.correlate.lookalikes import NO_RESEMBLANCE
from citysec.correlate.patience import Patience
from citysec.correlate.said import State, Word, state_of, words_on
from citysec.correlate.standing import Standing
from citysec.correlate.touch import Touch, touches
from citysec.patterning import Atom
from citysec.tables.feeds import Assertion, StixObject
from citysec.tables.matches import Match
from citysec.tables.register import AssetOwner
from citysec.tables.sightings import Sighting

_IDS: Final = 500  # ids in one statement


_NETWORK: Final = Concerned(0, "network", "its own network", owned=True, verified=True)
"""Where a constituent's own machines see what they report."""


@dataclass(frozen=True, slots=True)
class Point:
    """An asset that an indicator touches, was matched with, or both.

    Args:
        asset: which.
        touch: how it touches now, were it in force; None where it does no longer.
        match: as it is stored.
    """

    asset: Concerned
    touch: Touch | None
    match: Match | None


@dataclass(frozen=True, slots=True)
class Sight:
    """How often the constituent's own machines saw an indicator, and from when to when."""

    match: Match
    count: int
    first: datetime
    last: datetime


@dataclass(frozen=True, slots=True)
class Finding:
    """What correlation makes of one indicator for one constituent.

    Args:
        version: the newest; None where no feed says it.
        words: of the feeds, also of those that say it no longer.
        atoms: what it says that can be compared; of a vulnerability the products that it is in.
        until: when what counts of it ends, or has ended; None is never.
        state: how it stands; None where no feed says it.
        points: what of the constituent's it touches, what says most first; then what it was matched with before.
        capped: whether somewhere it touches more than is kept as matches.
        allowed: names in it that look like the constituent's, and are on the allow list.
        is_news: nobody says more of it than that its names are new.
        sight: where the constituent's own machines reported it.
    """

    indicator_id: str
    version: StixObject | None
    words: Sequence[Word]
    atoms: Sequence[Atom]
    until: datetime | None
    state: State | None
    points: Sequence[Point]
    capped: bool = False
    allowed: Sequence[str] = ()
    is_news: bool = False
    sight: Sight | None = None

    @property
    def touched(self) -> Sequence[Point]:
        """What it touches now, were it in force, and no warning list says otherwise."""
        return [one for one in self.points if one.touch is not None and not one.touch.suppressed]

    @property
    def standing_matches(self) -> Sequence[Point]:
        """The matches that are open."""
        return [one for one in self.points if one.match is not None and one.match.closed_at is None]


async def explain(
    db: AsyncSession, indicator_ids: Collection[str], constituent_id: str, at: datetime, ceiling: int
) -> list[Finding]:
    """Return what correlation makes of each indicator for the constituent, in the order of their ids.

    Args:
        db: a session.
        indicator_ids: STIX ids.
        constituent_id: for whom.
        at: the instant.
        ceiling: as if nobody had said anything under a stricter label than that.
    """
    versions = await _versions(db, indicator_ids, ceiling)
    meanings = await _meanings(db, versions, at, ceiling)
    words = await words_on(db, [version.id or 0 for version in versions.values()], ceiling)
    over = await capped(db)
    found: list[Finding] = []
    for indicator_id in sorted(indicator_ids):
        version, meaning = versions.get(indicator_id), meanings.get(indicator_id, _NOTHING)
        stored = await _stored(db, indicator_id, constituent_id, ceiling)
        concerned = await concerned_by(db, meaning.touches.keys() | stored.keys(), constituent_id)
        points = [Point(asset, meaning.touches.get(asset.id), stored.get(asset.id)) for asset in concerned]
        sight = await _sight(db, indicator_id, constituent_id, ceiling)
        points += (Point(_NETWORK, None, sight.match),) if sight else ()
        said = words.get(version.id or 0, ()) if version else ()
        state = meaning.state if version else None
        points.sort(key=_rank)
        let = sorted({meaning.allowed[asset.id] for asset in await concerned_by(db, meaning.allowed, constituent_id)})
        finding = Finding(indicator_id, version, said, meaning.atoms, meaning.until, state, points)
        found.append(replace(finding, capped=indicator_id in over, allowed=let, is_news=meaning.is_news, sight=sight))
    return found


@dataclass(frozen=True, slots=True)
class _Meaning:
    """What an indicator or a vulnerability says, and touches in the whole register."""

    state: State
    atoms: Sequence[Atom] = ()
    until: datetime | None = None
    touches: Mapping[int, Touch] = field(default_factory=dict[int, Touch])
    allowed: Mapping[int, str] = field(default_factory=dict[int, str])
    is_news: bool = False


_NOTHING: Final = _Meaning(State.DELISTED)


async def _meanings(
    db: AsyncSession, versions: Mapping[str, StixObject], at: datetime, ceiling: int
) -> dict[str, _Meaning]:
    assets, warned = await whole_register(db), await warnings.current(db)
    vulnerabilities = [one for one in versions if one.startswith(vulnerable.PREFIX)]
    found: dict[str, _Meaning] = {}
    loaded = await claims.load(db, sorted(versions.keys() - vulnerabilities), at, ceiling)
    alike = await lookalikes.resemblances(db, loaded, warned)

    def touched_by(claim: Claim, patience: Patience | None) -> dict[int, Touch]:
        return touches(claim.against, claim.terms.types, assets.index, warned, patience)

    reals = await patiently.each(loaded, assets.index, touched_by)
    for claim, real in zip(loaded, reals, strict=True):
        state = state_of(versions[claim.indicator_id].valid_until, claim, at)
        like = alike.get(claim.indicator_id, NO_RESEMBLANCE)
        touched = {**real, **like.touches} | {i: touch for i, touch in real.items() if not touch.suppressed}
        until, allowed = claim.terms.valid_until, like.allowed
        found[claim.indicator_id] = _Meaning(state, claim.atoms, until, touched, allowed, claim.is_news)
    for claim, outlook in await vulnerable.judged(db, vulnerabilities, assets.index, at, ceiling):
        state = State.DECAYED if outlook.standing is Standing.EXPIRED else State(outlook.standing.value)
        before = found.get(claim.indicator_id, _NOTHING).touches
        products = await vulnerable.products(db, claim.object_id)
        until, touched = claim.terms.valid_until, {**before, **outlook.touches}
        found[claim.indicator_id] = _Meaning(state, products, until, touched)
    return found


async def _versions(db: AsyncSession, indicator_ids: Collection[str], ceiling: int) -> dict[str, StixObject]:
    """Return the newest version of each that some feed has said under `ceiling` at most."""
    said = exists().where(col(Assertion.object_id) == col(StixObject.id), col(Assertion.tlp) <= ceiling)
    query = rows_of(StixObject).where(col(StixObject.latest), said)
    found: dict[str, StixObject] = {}
    for part in batches(sorted(indicator_ids), _IDS):
        rows = await db.exec(query.where(col(StixObject.stix_id).in_(part)))
        found |= {row.stix_id: row for row in rows}
    return found


async def _stored(db: AsyncSession, indicator_id: str, constituent_id: str, ceiling: int) -> dict[int, Match]:
    """Return asset -> the match of the indicator, open or closed, that concerns the constituent."""
    concerning = select(col(AssetOwner.asset_id)).where(concerns(constituent_id))
    query = rows_of(Match).where(col(Match.indicator_id) == indicator_id, col(Match.tlp) <= ceiling)
    matches = await db.exec(query.where(col(Match.asset_id).in_(concerning)))
    return {match.asset_id: match for match in matches if match.asset_id is not None}


async def _sight(db: AsyncSession, indicator_id: str, constituent_id: str, ceiling: int) -> Sight | None:
    """Return how the constituent's own machines saw the indicator."""
    seen = (func.sum(Sighting.count), func.min(Sighting.first_seen), func.max(Sighting.last_seen))
    query = (
        rows_of(Match, *seen)
        .join(Sighting, col(Sighting.match_id) == col(Match.id))
        .where(col(Match.indicator_id) == indicator_id, col(Match.constituent_id) == constituent_id)
        .where(col(Match.tlp) <= ceiling)
        .group_by(col(Match.id))
    )
    found = (await db.exec(query)).first()
    return None if found is None else Sight(found[0], int(found[1]), found[2], found[3])


def _rank(point: Point) -> tuple[bool, tuple[bool, bool, int], int]:
    worst = (True, True, 0)
    return point.touch is None, point.touch.rank if point.touch else worst, point.asset.id
