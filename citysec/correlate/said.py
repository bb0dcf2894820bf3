"""What feeds say, or have said, of indicators, and how these stand."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from sqlalchemy import select
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from citysec.correlate.batches import batches
from citysec.correlate.claims import Claim
from citysec.correlate.standing import Standing, standing
from citysec.tables.feeds import WORD, Assertion, Feed, word_ends

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
