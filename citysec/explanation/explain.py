"""Explanations: for whatever is asked and a constituent, the way of each indicator from the feed to the answer."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from citysec import announced
from citysec.access import policy
from citysec.access.policy import Principal
from citysec.correlate import explain as correlation
from citysec.correlate.explain import Finding
from citysec.errors import NotShared
from citysec.explanation import correlated, near, told
from citysec.explanation.asked import Asked
from citysec.explanation.chain import Explanation
from citysec.explanation.found import find
from citysec.explanation.told import Case
from citysec.tables.feeds import StixObject
from citysec.tables.register import Constituent

MOST: Final = 10
"""Indicators that are explained of one value."""


async def constituent(db: AsyncSession, reader: Principal, slug: str) -> Constituent:
    """Return the constituent that is called so.

    Raises:
        NotShared: there is none that the reader may know of.
    """
    found = (
        await db.exec(select(Constituent).where(col(Constituent.slug) == slug, policy.constituents(reader)))
    ).first()
    if found is None:
        raise NotShared(f"constituent {slug}")
    return found


async def explain(db: AsyncSession, asked: Asked, case: Case, at: datetime) -> list[Explanation]:
    """Return why the constituent was told of what is asked for, or why not; those that went furthest first.

    Where no indicator says it, as far as the reader may know, that is the only explanation.
    """
    if asked.problem:
        return [Explanation(None, "", "", (correlated.unknown(asked.problem),))]
    indicators = await _indicators(db, asked, case.reader)
    found = await correlation.explain(db, indicators, case.constituent.id, at, case.reader.clearance)
    explained = [await _explained(db, case, finding) for finding in found]
    explained.sort(key=lambda one: (not one.told, one.reason is not None, -len(one.steps)))
    return explained or [Explanation(None, "", "", (correlated.unknown(),))]


async def _indicators(db: AsyncSession, asked: Asked, reader: Principal) -> set[str]:
    (found,) = await find(db, [asked], reader, MOST)
    rows = list(found.objects)[:MOST]
    named = await (await db.connection()).execute(select(col(StixObject.stix_id)).where(col(StixObject.id).in_(rows)))
    return set(named.scalars())


async def _explained(db: AsyncSession, case: Case, finding: Finding) -> Explanation:
    missed = await near.missed(db, () if finding.touched else finding.atoms, case.constituent.id)
    table = await announced.origin(db)
    listener = correlated.Listener(case.constituent.name, case.reader.of_city, missed, table.said if table else "")
    steps = [*correlated.steps(finding, listener), *await told.steps(db, case, finding)]
    version = finding.version
    named = (version.name if version else None) or next((word.name for word in finding.words if word.name), "")
    return Explanation(finding.indicator_id, named, (version.pattern if version else None) or "", steps)
