"""Whom a match concerns, and what it is a sign of."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from citysec.incidents.severity import kind_of
from citysec.tables.feeds import StixObject
from citysec.tables.matches import Match
from citysec.tables.register import Accountable, AssetOwner, Constituent, Service

BARE: Final = "value:"
"""Begins a threat that is no more than an observable: nobody said what it is a sign of."""

_INDICATES: Final = "indicates"


@dataclass(frozen=True, slots=True)
class Touch:
    """One open match at one constituent concerned, with what grading needs."""

    match: Match
    constituent: Constituent
    criticality: int
    kind: str
    threat: str
    threat_name: str


async def touches_of(db: AsyncSession, matches: Sequence[Match]) -> list[Touch]:
    """Return `matches` once for each constituent concerned: the asset's owners, and who answers for its service."""
    if not matches:
        return []
    threats = await _threats(db, {m.indicator_id for m in matches})
    labels = await _labels(db, {m.object_id for m in matches})
    concerned = await _concerned(db, {m.asset_id for m in matches})
    touches: list[Touch] = []
    for match in matches:
        kind = kind_of(match.path, labels.get(match.object_id, ()))
        threat, name = threats.get(match.indicator_id, (f"{BARE}{match.indicator_value.lower()}", ""))
        touches += (
            Touch(match, constituent, criticality, kind, threat, name)
            for constituent, criticality in concerned.get(match.asset_id, ())
        )
    return touches


async def _threats(db: AsyncSession, indicator_ids: set[str]) -> dict[str, tuple[str, str]]:
    """Return indicator -> (STIX id, name) of what it indicates: STIX 2.1 §5.1, relationship `indicates`."""
    relation = (
        select(StixObject.source_ref, StixObject.target_ref)
        .where(
            col(StixObject.source_ref).in_(indicator_ids),
            col(StixObject.relationship_type) == _INDICATES,
            col(StixObject.latest),
            ~col(StixObject.revoked),
        )
        .order_by(col(StixObject.target_ref).desc())
    )
    targets = {source: target for source, target in await db.exec(relation) if source and target}
    named = select(StixObject.stix_id, StixObject.name).where(
        col(StixObject.stix_id).in_(set(targets.values())), col(StixObject.latest)
    )
    names = {stix_id: name or "" for stix_id, name in await db.exec(named)}
    return {source: (target, names.get(target, "")) for source, target in targets.items()}


async def _labels(db: AsyncSession, object_ids: set[int]) -> dict[int, list[str]]:
    rows = await db.exec(select(col(StixObject.id), col(StixObject.labels)).where(col(StixObject.id).in_(object_ids)))
    return {object_id: labels for object_id, labels in rows if object_id is not None}


async def _concerned(db: AsyncSession, asset_ids: set[int]) -> dict[int, list[tuple[Constituent, int]]]:
    """Return asset -> constituents concerned with the criticality of the asset to each, in a stable order."""
    owned = select(AssetOwner.asset_id, AssetOwner.constituent_id, AssetOwner.criticality)
    served = (
        select(AssetOwner.asset_id, Accountable.constituent_id, Service.criticality)
        .join(Accountable, col(Accountable.service_id) == col(AssetOwner.service_id))
        .join(Service, col(Service.id) == col(AssetOwner.service_id))
    )
    worst: dict[tuple[int, str], int] = {}
    for query in (owned, served):
        for asset_id, constituent_id, criticality in await db.exec(
            query.where(col(AssetOwner.asset_id).in_(asset_ids))
        ):
            key = (asset_id, constituent_id)
            worst[key] = max(criticality, worst.get(key, 1))
    everyone = select(Constituent).where(col(Constituent.id).in_({c for _, c in worst}))
    by_id = {c.id: c for c in (await db.exec(everyone)).all()}
    result: dict[int, list[tuple[Constituent, int]]] = defaultdict(list)
    for (asset_id, constituent_id), criticality in sorted(worst.items()):
        result[asset_id].append((by_id[constituent_id], criticality))
    return result
