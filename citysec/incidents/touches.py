"""Whom a match concerns, and what it is a sign of."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any, Final, NamedTuple, cast

import msgspec
from sqlalchemy import ColumnElement, Text, func
from sqlalchemy import cast as sql_cast
from sqlalchemy import select as columns
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from citysec.access import policy
from citysec.bulk import among
from citysec.incidents.severity import LOOKALIKE, SIGHTED, kind_of
from citysec.lookalikes.alike import alike
from citysec.software.particulars import Particulars, particulars
from citysec.tables.columns import indexable
from citysec.tables.feeds import Assertion, StixObject
from citysec.tables.matches import Match
from citysec.tables.register import Accountable, AssetOwner, Constituent, Service

AT_HOME: Final = 4
"""The criticality of what was seen in a constituent's own network: whatever it is, it is there already."""
BARE: Final = "value:"
"""Begins a threat that is no more than an observable: nobody said what it is a sign of."""
_SHOWN: Final = 200

_INDICATES: Final = "indicates"
_LEAST: Final = (1, False, False)
"""The criticality and exposure of an asset, and whether it is verified, where nothing is known."""
_NO_LABELS: Final = "[]"
_Said = tuple[int, bool, bool]
Place = tuple[str, str]
"""(match id, constituent id)."""


class Found(NamedTuple):
    """What triage wants to know of a match: some columns of `Match`."""

    id: str
    indicator_id: str
    object_id: int
    asset_id: int | None
    constituent_id: str | None
    relation: str
    path: str
    indicator_value: str
    certain: bool
    feed: str
    confidence: int
    tlp: int
    matched_at: datetime
    closed_at: datetime | None
    about: Mapping[str, Any]

    @property
    def particulars(self) -> Particulars | None:
        """What is known of a vulnerability; None for matches of anything else."""
        return particulars(self.about)

    @property
    def is_news(self) -> bool:
        """Whether it rests on no more than that a name is new, which looks like the asset."""
        like = alike(self.about)
        return like is not None and like.new


_FOUND: Final = tuple(cast("ColumnElement[Any]", getattr(Match, name)) for name in Found._fields)


async def read_matches(db: AsyncSession, *conditions: ColumnElement[bool]) -> list[Found]:
    """Return the matches of which `conditions` hold, in a stable order."""
    rows = await (await db.connection()).execute(columns(*_FOUND).where(*conditions).order_by(col(Match.id)))
    return [Found._make(row) for row in rows.all()]


@dataclass(frozen=True, slots=True)
class Touch:
    """One open match at one constituent concerned, with what grading needs.

    Args:
        exposed: whether it can be reached from the internet there.
        owned: whether the asset is the constituent's; otherwise it only answers for the service that the asset carries,
            and may not know the asset.
        threat_name: empty where it has none, or none that may be told under the match's label.
    """

    match: Found
    constituent: Constituent
    criticality: int
    owned: bool
    kind: str
    threat: str
    threat_name: str
    exposed: bool = False

    @property
    def place(self) -> Place:
        """Which match at whom."""
        return self.match.id, self.constituent.id


@dataclass(frozen=True, slots=True)
class Threat:
    """What an indicator indicates; `tlp` is the label under which that, and its name, may be told."""

    stix_id: str
    name: str
    tlp: int


@dataclass(frozen=True, slots=True)
class Concern:
    """A constituent that an asset concerns."""

    constituent: Constituent
    criticality: int
    owned: bool
    exposed: bool
    verified: bool

    def may_know(self, match: Found) -> bool:
        """Return whether it may be told of `match`: of a doubtful owner's asset only what is for everybody there."""
        return self.verified or match.tlp <= policy.UNVERIFIED


async def touches_of(db: AsyncSession, matches: Sequence[Found]) -> list[Touch]:
    """Return `matches` once for each constituent concerned: the asset's owners, and who answers for its service."""
    if not matches:
        return []
    threats = await _threats(db, {m.indicator_id for m in matches})
    labels = await _labels(db, {m.object_id for m in matches})
    concerned = await _concerned(db, {m.asset_id for m in matches if m.asset_id is not None})
    at_home = await _at_home(db, {m.constituent_id for m in matches if m.constituent_id is not None})
    touches: list[Touch] = []
    for match in matches:
        kind = LOOKALIKE if match.relation == LOOKALIKE else _kind(match, labels.get(match.object_id, ""))
        root, name = _root_cause(match, threats.get(match.indicator_id))
        touches += (
            Touch(match, c.constituent, c.criticality, c.owned, kind, root, name, c.exposed)
            for c in _of(match, concerned, at_home)
            if c.may_know(match)
        )
    return touches


def _root_cause(match: Found, threat: Threat | None) -> tuple[str, str]:
    """Return what the match is a sign of, and its name where that may be told.

    A vulnerability that is known to be exploited is a threat by itself.
    """
    if threat is not None:
        return threat.stix_id, threat.name if threat.tlp <= match.tlp else ""
    about = match.particulars
    if about is not None and about.exploited:
        return about.cve, about.cve
    return _nameless(match.indicator_value.lower()), ""


def _nameless(value: str) -> str:
    """Return what an observable is as a threat: of one that is too long for an index its beginning and its digest."""
    threat = f"{BARE}{value}"
    if indexable(threat):
        return threat
    return f"{threat[:_SHOWN]}…{hashlib.sha256(value.encode()).hexdigest()}"


async def _threats(db: AsyncSession, indicator_ids: set[str]) -> dict[str, Threat]:
    """Return indicator -> what it indicates: STIX 2.1 §5.1, relationship `indicates`."""
    relation = (
        select(StixObject.source_ref, StixObject.target_ref, func.min(col(Assertion.tlp)))
        .join(Assertion, col(Assertion.object_id) == col(StixObject.id))
        .where(
            among(col(StixObject.source_ref), indicator_ids),
            col(StixObject.relationship_type) == _INDICATES,
            col(StixObject.latest),
            ~col(StixObject.revoked),
        )
        .group_by(col(StixObject.source_ref), col(StixObject.target_ref))
        .order_by(col(StixObject.target_ref).desc())
    )
    said = {source: (target, tlp) for source, target, tlp in await db.exec(relation) if source and target}
    names = await names_of(db, {target for target, _ in said.values()})
    return {
        source: Threat(target, name, max(tlp, name_tlp))
        for source, (target, tlp) in said.items()
        for name, name_tlp in [names.get(target, ("", 0))]
    }


async def names_of(db: AsyncSession, stix_ids: set[str]) -> dict[str, tuple[str, int]]:
    """Return STIX id -> name of the newest version, and the lowest label under which some feed tells it."""
    named = (
        select(StixObject.stix_id, col(StixObject.name), func.min(col(Assertion.tlp)))
        .join(Assertion, col(Assertion.object_id) == col(StixObject.id))
        .where(col(StixObject.stix_id).in_(stix_ids), col(StixObject.latest))
        .group_by(col(StixObject.stix_id), col(StixObject.name))
    )
    return {stix_id: (name or "", tlp) for stix_id, name, tlp in await db.exec(named)}


async def _labels(db: AsyncSession, object_ids: set[int]) -> dict[int, str]:
    """Return what indicators, and the feeds that list them, say of the kind of threat: JSON arrays, one a line."""
    own = columns(col(StixObject.id), sql_cast(col(StixObject.labels), Text)).where(
        among(col(StixObject.id), object_ids)
    )
    listed = columns(col(Assertion.object_id), sql_cast(col(Assertion.labels), Text)).where(
        among(col(Assertion.object_id), object_ids), col(Assertion.gone_at).is_(None)
    )
    connection = await db.connection()
    said: dict[int, str] = defaultdict(str)
    for query in (own, listed.order_by(col(Assertion.feed))):
        for object_id, labels in (await connection.execute(query)).all():
            if labels != _NO_LABELS:
                said[object_id] += labels + "\n"
    return said


def _kind(match: Found, labels: str) -> str:
    return _kind_of(match.path, labels, match.relation)


@lru_cache(maxsize=1024)
def _kind_of(path: str, labels: str, relation: str) -> str:
    """Return the kind of incident; few of the many matches of a feed differ in what is said of them."""
    said = [label for line in labels.splitlines() for label in msgspec.json.decode(line, type=list[str])]
    return kind_of(path, said, seen=relation == SIGHTED)


def _of(match: Found, concerned: Mapping[int, Sequence[Concern]], at_home: Mapping[str, Concern]) -> Sequence[Concern]:
    """Return whom a match concerns: by its asset, or because it was sighted there."""
    if match.asset_id is not None:
        return concerned.get(match.asset_id, ())
    here = at_home.get(match.constituent_id or "")
    return () if here is None else (here,)


async def _at_home(db: AsyncSession, constituent_ids: set[str]) -> dict[str, Concern]:
    """Return constituent -> how what was sighted there concerns it."""
    if not constituent_ids:
        return {}
    bodies = (await db.exec(select(Constituent).where(col(Constituent.id).in_(constituent_ids)))).all()
    return {body.id: Concern(body, AT_HOME, owned=True, exposed=False, verified=True) for body in bodies}


async def _concerned(db: AsyncSession, asset_ids: set[int]) -> dict[int, list[Concern]]:
    """Return asset -> the constituents concerned, in a stable order."""
    asset, facts = col(AssetOwner.asset_id), (col(AssetOwner.exposed), col(AssetOwner.verified))
    owned = columns(asset, col(AssetOwner.constituent_id), col(AssetOwner.criticality), *facts)
    served = (
        columns(asset, col(Accountable.constituent_id), col(Service.criticality), *facts)
        .join(Accountable, col(Accountable.service_id) == col(AssetOwner.service_id))
        .join(Service, col(Service.id) == col(AssetOwner.service_id))
    )
    connection, here = await db.connection(), asset.in_(asset_ids)
    worst: dict[tuple[int, str], _Said] = {}
    for asset_id, body, *said in await connection.execute(owned.where(here)):
        worst[asset_id, body] = _worse(worst.get((asset_id, body), _LEAST), said)
    owners = {place: verified for place, (_, _, verified) in worst.items()}
    for asset_id, body, *said in await connection.execute(served.where(here)):
        worst[asset_id, body] = _worse(worst.get((asset_id, body), _LEAST), said)
    everyone = select(Constituent).where(col(Constituent.id).in_({body for _, body in worst}))
    by_id = {c.id: c for c in (await db.exec(everyone)).all()}
    result: dict[int, list[Concern]] = defaultdict(list)
    for (asset_id, body), (criticality, exposed, verified) in sorted(worst.items()):
        owns = (asset_id, body) in owners
        sure = owners.get((asset_id, body), verified)  # that somebody else's claim is sure does not make its own so
        result[asset_id].append(Concern(by_id[body], criticality, owns, exposed, sure))
    return result


def _worse(one: _Said, other: Sequence[Any]) -> _Said:
    return max(one[0], other[0]), one[1] or other[1], one[2] or other[2]
