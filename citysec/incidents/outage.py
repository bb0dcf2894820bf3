"""A feed that has gone silent is an incident of the city's own: what it no longer says cannot be missed otherwise."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from citysec.access.policy import SERVICE
from citysec.incidents.grading import Policy
from citysec.incidents.lifecycle import State, Step
from citysec.incidents.record import move, next_ref, open_key
from citysec.incidents.severity import Severity
from citysec.tables.columns import new_id, now
from citysec.tables.feeds import Feed
from citysec.tables.incidents import Incident
from citysec.timeline import enter
from citysec.tlp import TLP

KIND: Final = "feed-outage"


async def outage(db: AsyncSession, payload: Mapping[str, Any], policy: Policy) -> None:
    """Open the incident of a feed that is silent, or close that of one that is heard again or switched off.

    Args:
        db: the stage's transaction.
        payload: `{"feed": name}`.
        policy: the strategy's rules.
    """
    feed = await db.get_one(Feed, payload["feed"])
    key = open_key(f"outage:{feed.name}", None)
    incident = (await db.exec(select(Incident).where(col(Incident.open_key) == key))).first()
    if feed.stale_since is not None and incident is None:
        await _open(db, feed, key, policy)
    elif feed.stale_since is None and incident is not None:
        why = "The feed is heard again." if feed.enabled else "The feed is switched off."
        await move(db, incident.id, Step.CLOSE, SERVICE, why)


async def _open(db: AsyncSession, feed: Feed, key: str, policy: Policy) -> None:
    at = now()
    incident = Incident(
        id=new_id(),
        ref=await next_ref(db, policy.ref_prefix, at),
        threat=f"outage:{feed.name}",
        open_key=key,
        kind=KIND,
        title=f"Feed silent: {feed.name}",
        severity=Severity.MEDIUM.value,
        state=State.OPEN.value,
        confidence=100,
        tlp=TLP.GREEN,
        aware_at=at,
        updated_at=at,
    )
    db.add(incident)
    last = f"Last heard {feed.succeeded_at:%d %B %Y, %H:%M} UTC." if feed.succeeded_at else "It has never been heard."
    await enter(db, incident, "opened", f"{last} {feed.error or ''}".strip(), data={"feed": feed.name})
