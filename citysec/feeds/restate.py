"""What a feed has said is worth what its definition says now: a changed definition reaches what is stored."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from msgspec.structs import replace
from sqlalchemy import select
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from citysec import outbox
from citysec.db import alone
from citysec.errors import SettingsError
from citysec.feeds import assertions, trust
from citysec.feeds.definition import Definition
from citysec.feeds.followup import hand_on
from citysec.feeds.formats import Subject
from citysec.feeds.terms import Terms, concerns
from citysec.tables import Assertion, Feed, StixObject
from citysec.tables.columns import now


async def begin(db: AsyncSession, definitions: Mapping[str, Definition]) -> None:
    """Write the work `restate` for all that feeds have said whose definitions have changed since the last time."""
    for name, definition in definitions.items():
        feed = await db.get(Feed, name)
        if feed is None or feed.terms == definition.worth:
            continue
        said = select(col(Assertion.object_id)).where(col(Assertion.feed) == name).order_by(col(Assertion.object_id))
        ids = (await (await db.connection()).execute(said)).scalars().all()
        for start in range(0, len(ids), outbox.NAMED):
            part = list(ids[start : start + outbox.NAMED])
            outbox.add(db, "restate", {"feed": name, "terms": definition.worth, "objects": part})
        feed.terms = definition.worth


async def restate(db: AsyncSession, payload: Mapping[str, Any], definitions: Mapping[str, Definition]) -> None:
    """Give what a feed has said of `payload["objects"]` the worth of its present definition.

    Raises:
        SettingsError: this process has read an older definition than the one that the work was written for.
    """
    feed, row = definitions.get(payload["feed"]), await db.get_one(Feed, payload["feed"])
    if feed is None or row.terms != payload["terms"]:
        return  # nobody knows its worth, or there is newer work
    if feed.worth != row.terms:
        raise SettingsError(f"the definition of {feed.name} has changed since this process was started")
    await alone(db, "ingest")
    have = await assertions.listed(db, feed.name, payload["objects"])
    about = select(col(StixObject.id), col(StixObject.type), col(StixObject.valid_until), col(StixObject.pattern))
    rows = await (await db.connection()).execute(about.where(col(StixObject.id).in_(have)))
    will = {i or 0: _worth(feed, have[i or 0], kind, end, pattern) for i, kind, end, pattern in rows}
    will = {i: terms for i, terms in will.items() if terms != have[i]}
    await assertions.revise(db, feed.name, will)
    at = now()
    hand_on(
        db,
        shared=[i for i, terms in will.items() if not terms.says_as(have[i])],
        correlated=[i for i, terms in will.items() if concerns(have[i], terms, at, row.confirmed_at)],
    )


def _worth(feed: Definition, have: Terms, kind: str, end: datetime | None, pattern: str | None) -> Terms:
    sure = trust.confidence(feed, have.own_confidence)
    return replace(
        have,
        tlp=int(feed.tlp if have.own_tlp is None else have.own_tlp),
        confidence=sure,
        lasts_s=trust.lasts_s(feed, sure, pattern) if kind == Subject.INDICATOR and end is None else None,
    )
