"""Sightings renew what feeds say: what was seen again has not decayed.

A sighting renews the word of every feed on the indicator, where all who may read that word may learn of the sighting:
longer life under a wider label would tell them of it.

Source:
    STIX 2.1 §5.2 (sighting). That its own date, not `last_seen`, counts is our rule: it cannot lie in the future of the
    feed that sends it.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

import msgspec
from sqlalchemy import bindparam, select, update
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from citysec.bulk import among
from citysec.feeds.formats import Draft
from citysec.feeds.terms import ends_otherwise
from citysec.tables import Assertion, Feed, StixObject
from citysec.tables.feeds import WORD, word_ends

_RENEW: Final = (
    update(Assertion)
    .where(col(Assertion.object_id) == bindparam("_object_id"), col(Assertion.feed) == bindparam("_feed"))
    .values(fresh_at=bindparam("_fresh_at"))
)


class _Said(msgspec.Struct):
    count: int = 1


_said: Final = msgspec.json.Decoder(_Said)


class _Sighting(NamedTuple):
    of: str
    at: datetime
    tlp: int


async def renew(
    db: AsyncSession, arrived: Sequence[tuple[Draft, int]], listed: Collection[str], at: datetime
) -> set[int]:
    """Renew what is said of indicators by the sightings that have arrived, or that were here before their indicators.

    Args:
        db: the session of the caller.
        arrived: objects that a feed says for the first time, or otherwise, with the label under which it does.
        listed: STIX ids of what it says so by entries.
        at: the present instant.

    Returns:
        The indicators that count again by that.
    """
    found = [
        _Sighting(draft.target_ref, min(draft.version, at), label)
        for draft, label in arrived
        if draft.target_ref and draft.version and not draft.revoked and _was_seen(draft.type, draft.text)
    ]
    found += await _before(db, {draft.stix_id for draft, _ in arrived if draft.type == "indicator"}.union(listed), at)
    return await _renewed(db, found, at) if found else set()


def _was_seen(kind: str, text: str) -> bool:
    """Return whether an object is a sighting of something; one whose count is 0 says that it was not seen."""
    if kind != "sighting":
        return False
    try:
        return _said.decode(text).count != 0
    except msgspec.ValidationError:
        return True


async def _before(db: AsyncSession, indicator_ids: Collection[str], at: datetime) -> list[_Sighting]:
    """Return the sightings of these indicators that are here, under each label that one is said with."""
    if not indicator_ids:
        return []
    of, seen_at = col(StixObject.target_ref), col(StixObject.version)
    columns = of, seen_at, col(Assertion.tlp), col(StixObject.type), col(StixObject.text)
    query = select(*columns).join(Assertion, col(Assertion.object_id) == col(StixObject.id))
    query = query.where(col(StixObject.relationship_type).is_(None), among(of, indicator_ids))  # the index of sightings
    rows = await (await db.connection()).execute(query.where(col(StixObject.latest), ~col(StixObject.revoked)))
    return [_Sighting(of or "", min(seen, at), label) for of, seen, label, *about in rows if _was_seen(*about)]


async def _renewed(db: AsyncSession, found: Sequence[_Sighting], at: datetime) -> set[int]:
    """Let each word count from the last sighting that all its readers may know, and return what counts otherwise."""
    said = (
        select(col(Assertion.object_id), col(Assertion.feed), col(Assertion.tlp), col(StixObject.stix_id), *WORD)
        .join(StixObject, col(StixObject.id) == col(Assertion.object_id))
        .join(Feed, col(Feed.name) == col(Assertion.feed))
        .where(col(StixObject.stix_id).in_({each.of for each in found}), col(Assertion.gone_at).is_(None))
        .where(col(Assertion.fresh_at).is_not(None), col(Assertion.lasts_s).is_not(None))
    )
    times: dict[str, list[_Sighting]] = {}
    for each in found:
        times.setdefault(each.of, []).append(each)
    connection, renewed, changed = await db.connection(), list[dict[str, Any]](), set[int]()
    for row in (await connection.execute(said)).all():
        seen_at = max((each.at for each in times[row.stix_id] if each.tlp <= row.tlp), default=row.fresh_at)
        if seen_at > row.fresh_at:
            renewed.append({"_object_id": row.object_id, "_feed": row.feed, "_fresh_at": seen_at})
            later = word_ends(row.until, row.missed, seen_at, row.lasts_s, row.confirmed_at)
            if ends_otherwise(word_ends(*row[4:]), later, at):
                changed.add(row.object_id)
    if renewed:
        await connection.execute(_RENEW, renewed)
    return changed
