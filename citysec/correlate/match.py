"""The stage `correlate`: new and changed objects against the register."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Final

from sqlalchemy import select
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from citysec.bulk import among
from citysec.correlate import following, observing, vulnerable
from citysec.correlate.assets import whole_register
from citysec.correlate.reconcile import LOCK, hand_on, reconcile
from citysec.db import alone
from citysec.tables.columns import now
from citysec.tables.feeds import StixObject
from citysec.tables.matches import Match

_INDICATES: Final = "indicates"


async def correlate_objects(db: AsyncSession, payload: Mapping[str, Any]) -> None:
    """Bring the matches of indicators and vulnerabilities among these objects up to date; hand changes on to triage.

    What a feed or a relationship says of an indicator's threat changes no match, but what its matches are a sign of:
    all that stand go to triage.

    Args:
        db: the stage's transaction.
        payload: `{"objects": [row id of an object version …]}`; whichever version is named, the newest counts.
    """
    await alone(db, LOCK)
    indicators, vulnerabilities, described = await _named(db, payload["objects"])
    at = now()
    matchable = await vulnerable.index(db, vulnerabilities, at)
    changed = await reconcile(db, indicators | matchable, await whole_register(db), at)
    changed += await following.follow(db, indicators, at)
    await observing.look_back(db, indicators, at)
    changed += await _open_matches(db, described | indicators)
    hand_on(db, list(dict.fromkeys(changed)))


async def _named(db: AsyncSession, object_ids: Collection[int]) -> tuple[set[str], set[str], set[str]]:
    """Return indicators and vulnerabilities among the objects, and what relationships among them describe."""
    columns = (
        col(StixObject.type),
        col(StixObject.stix_id),
        col(StixObject.relationship_type),
        col(StixObject.source_ref),
    )
    rows = await (await db.connection()).execute(select(*columns).where(among(col(StixObject.id), object_ids)))
    indicators, vulnerabilities, described = set[str](), set[str](), set[str]()
    for kind, stix_id, relation, source in rows:
        if kind == "indicator":
            indicators.add(stix_id)
        elif kind == "vulnerability":
            vulnerabilities.add(stix_id)
        elif relation == _INDICATES and source:
            described.add(source)
    return indicators, vulnerabilities, described


async def _open_matches(db: AsyncSession, indicator_ids: Collection[str]) -> list[str]:
    if not indicator_ids:
        return []
    query = select(col(Match.id)).where(among(col(Match.indicator_id), indicator_ids), col(Match.closed_at).is_(None))
    return list((await (await db.connection()).execute(query.order_by(col(Match.id)))).scalars())
