"""Sightings renew a feed's word: what was seen again has not decayed.

Source:
    STIX 2.1 §5.2 (sighting). That its own date, not `last_seen`, counts is our rule: it cannot lie in the future of the
    feed that sends it.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import select
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from citysec.feeds import assertions, trust
from citysec.feeds.definition import Definition
from citysec.feeds.formats import Draft
from citysec.tables import Assertion, StixObject


async def renew(db: AsyncSession, feed: Definition, drafts: Iterable[Draft], at: datetime) -> set[int]:
    """Let the feed's word on indicators that the sightings among `drafts` have seen count longer, and return those."""
    seen: dict[str, datetime] = {}
    for draft in drafts:
        if draft.type == "sighting" and draft.target_ref and draft.version and not draft.revoked:
            last = min(draft.version, at)
            seen[draft.target_ref] = max(last, seen.get(draft.target_ref, last))
    if not seen:
        return set()
    known = (col(StixObject.id), col(StixObject.stix_id), col(StixObject.pattern))
    said = (
        select(*known, col(Assertion.confidence), col(Assertion.until))
        .join(Assertion, col(Assertion.object_id) == col(StixObject.id))
        .where(col(StixObject.stix_id).in_(seen), col(Assertion.feed) == feed.name, col(Assertion.until).is_not(None))
    )
    longer: dict[int, datetime] = {}
    for object_id, stix_id, pattern, sure, until in await (await db.connection()).execute(said):
        end = trust.decayed(feed, sure, pattern, seen[stix_id])
        if object_id is not None and until is not None and end is not None and end > until:
            longer[object_id] = end
    await assertions.extend(db, feed.name, longer)
    return set(longer)
