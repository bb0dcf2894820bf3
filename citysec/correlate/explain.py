"""What correlation makes of indicators for one constituent: all that an explanation needs, by the stage's own rules."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Final

from sqlalchemy import ColumnElement, exists, func, or_, select
from sqlmodel import col
from sqlmodel import select as rows_of
from sqlmodel.ext.asyncio.session import AsyncSession

from citysec.correlate import claims, lookalikes, patiently, vulnerable, warnings
from citysec.correlate.assets import whole_register
from citysec.correlate.batches import batches
from citysec.correlate.cap import capped
from citysec.correlate.claims import Claim
from citysec.correlate.lookalikes import NO_RESEMBLANCE
from citysec.correlate.patience import Patience
from citysec.correlate.standing import Standing, standing
from citysec.correlate.touch import Touch, touches
from citysec.patterning import Atom
from citysec.tables.feeds import WORD, Assertion, Feed, StixObject, word_ends
from citysec.tables.matches import Match
from citysec.tables.register import Accountable, Asset, AssetOwner, Service
from citysec.tables.sightings import Sighting

_IDS: Final = 500  # ids in one statement


class State(StrEnum):
    """How a version of an indicator stands: its `Standing`, and what else may have become of it."""

    IN_FORCE = "in-force"
    REVOKED = "revoked"
    BENIGN = "benign"
    NOT_EXECUTED = "not-executed"
    NOT_YET_VALID = "not-yet-valid"
    EXPIRED = "expired"
    DECAYED = "decayed"
    DELISTED = "delisted"
    SUPERSEDED = "superseded"


@dataclass(frozen=True, slots=True)
class Word:
    """What one feed says, or has said, of an indicator.

    Args:
        feed: its name.
        tlp: under which label.
        confidence: 0-100.
        until: when that counts no more; None is never.
        gone_at: since when the feed does not list it any more.
        seen_at: when it was last seen, as the feed says.
        name: what the feed calls the threat.
        labels: what kinds of threat it says.
    """

    feed: str
    tlp: int
    confidence: int
    until: datetime | None
    gone_at: datetime | None
    seen_at: datetime | None
    name: str | None
    labels: Sequence[str]


@dataclass(frozen=True, slots=True)
class Concerned:
    """An asset by which a constituent is concerned: its own, or one that carries a service that it answers for.

    `services` are the services' names. It is `verified` where somebody has made sure whose it is.
    """

    id: int
    kind: str
    value: str
    owned: bool
    verified: bool
    services: tuple[str, ...] = ()


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
        concerned = await _concerned(db, meaning.touches.keys() | stored.keys(), constituent_id)
        points = [Point(asset, meaning.touches.get(asset.id), stored.get(asset.id)) for asset in concerned]
        sight = await _sight(db, indicator_id, constituent_id, ceiling)
        points += (Point(_NETWORK, None, sight.match),) if sight else ()
        said = words.get(version.id or 0, ()) if version else ()
        state = meaning.state if version else None
        points.sort(key=_rank)
        let = sorted({meaning.allowed[asset.id] for asset in await _concerned(db, meaning.allowed, constituent_id)})
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


def state_of(valid_until: datetime | None, claim: Claim | None, at: datetime) -> State:
    """Return how the newest version of an indicator stands.

    Args:
        valid_until: as its creator says; what ends before is only a feed's word on it.
        claim: None where every feed has taken it back.
        at: the instant.
    """
    if claim is None:
        return State.DELISTED
    found = standing(claim.terms, at)
    if found is Standing.EXPIRED and (valid_until is None or valid_until > at):
        return State.DECAYED
    return State(found.value)


async def words_on(db: AsyncSession, object_ids: Collection[int], ceiling: int) -> Mapping[int, list[Word]]:
    """Return object version -> what feeds say, or have said, of it under `ceiling` at most; who says it now first."""
    said = (
        select(
            col(Assertion.object_id),
            col(Assertion.feed),
            col(Assertion.tlp),
            col(Assertion.confidence),
            col(Assertion.gone_at),
            col(Assertion.seen_at),
            col(Assertion.name),
            col(Assertion.labels),
            *WORD,
        )
        .join(Feed, col(Feed.name) == col(Assertion.feed))
        .where(col(Assertion.tlp) <= ceiling)
        .order_by(col(Assertion.gone_at).is_not(None), col(Assertion.feed))
    )
    connection, found = await db.connection(), dict[int, list[Word]]()
    for part in batches(sorted(object_ids), _IDS):
        for row in await connection.execute(said.where(col(Assertion.object_id).in_(part))):
            object_id, feed, tlp, confidence, gone_at, seen_at, name, labels = row[:8]
            word = Word(feed, tlp, confidence, word_ends(*row[8:]), gone_at, seen_at, name, labels)
            found.setdefault(object_id, []).append(word)
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
    concerning = select(col(AssetOwner.asset_id)).where(_concerns(constituent_id))
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


async def _concerned(db: AsyncSession, asset_ids: Iterable[int], constituent_id: str) -> list[Concerned]:
    """Return those of the assets by which the constituent is concerned."""
    query = (
        select(
            col(Asset.id),
            col(Asset.kind),
            col(Asset.value),
            col(AssetOwner.constituent_id) == constituent_id,
            col(AssetOwner.verified),
            col(Service.name),
        )
        .join(AssetOwner, col(AssetOwner.asset_id) == col(Asset.id))
        .outerjoin(Service, col(Service.id) == col(AssetOwner.service_id))
        .where(_concerns(constituent_id))
        .order_by(col(Asset.id), col(Service.name))
    )
    connection, found = await db.connection(), dict[int, Concerned]()
    for part in batches(sorted(asset_ids), _IDS):
        rows = await connection.execute(query.where(col(Asset.id).in_(part)))
        for asset_id, kind, value, owned, verified, service in rows:
            known = found.get(asset_id or 0)
            services = dict.fromkeys((*(known.services if known else ()), *((service,) if service else ())))
            whose, sure = bool(owned), bool(verified)
            if known is not None and known.owned == whose:
                sure = sure or known.verified
            elif known is not None and known.owned:  # its own claim decides
                whose, sure = True, known.verified
            found[asset_id or 0] = Concerned(asset_id or 0, kind, value, whose, sure, tuple(services))
    return list(found.values())


def _concerns(constituent_id: str) -> ColumnElement[bool]:
    """Return which `AssetOwner` rows concern a constituent: its own, and those with a service that it answers for."""
    answers = select(col(Accountable.service_id)).where(col(Accountable.constituent_id) == constituent_id)
    return or_(col(AssetOwner.constituent_id) == constituent_id, col(AssetOwner.service_id).in_(answers))


def _rank(point: Point) -> tuple[bool, tuple[bool, bool, int], int]:
    worst = (True, True, 0)
    return point.touch is None, point.touch.rank if point.touch else worst, point.asset.id
