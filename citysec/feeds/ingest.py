"""From drafts to stored objects: versions, assertions, the indicator index, the cursor and the work that follows.

One batch is one transaction. The same batch twice changes nothing and causes no work.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from operator import attrgetter
from typing import Any, Final

from sqlalchemy import update
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from citysec import outbox, tlp
from citysec.db import alone
from citysec.feeds import assertions, markings, objects, rejects, trust, versions
from citysec.feeds.assertions import Terms
from citysec.feeds.definition import Definition, Semantics
from citysec.feeds.formats import Draft, Reject
from citysec.feeds.versions import Key, Plan
from citysec.tables import Feed
from citysec.tables.columns import now
from citysec.tlp import TLP

BATCH: Final = 1000
WORK: Final = 1000
"""Objects that one piece of work names at most."""
UNMARKED: Final = -1
_TEXTS: Final = attrgetter(
    "created_by_ref", "name", "pattern", "pattern_type", "source_ref", "target_ref", "relationship_type"
)
Labels = Mapping[str, TLP | None]
"""Content hash of an object -> the label of its own markings, None where no TLP marking applies to it."""


@dataclass(frozen=True, slots=True)
class Batch:
    """A part of a feed's page, at most `BATCH` objects.

    Args:
        drafts: in the order of the feed.
        rejects: what could not be read.
        markings: the marking definitions of the whole page: the label each stands for, None for statements.
        cursor: where the feed stands after this batch; None leaves it, for a batch that does not end its page.
    """

    drafts: Sequence[Draft] = ()
    rejects: Sequence[Reject] = ()
    markings: Mapping[str, TLP | None] = field(default_factory=dict[str, "TLP | None"])
    cursor: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a batch came to, object by object: stored, here already, refused."""

    stored: int = 0
    known: int = 0
    refused: int = 0

    def __add__(self, other: Outcome) -> Outcome:
        return Outcome(self.stored + other.stored, self.known + other.known, self.refused + other.refused)


async def ingest(db: AsyncSession, feed: Definition, batch: Batch) -> Outcome:
    """Store `batch` in the caller's transaction, with the work `correlate` and `share` for what it changes."""
    await alone(db, "ingest")  # one at a time decides which version is the newest
    at = now()
    drafts, unstorable = _sorted_out(batch.drafts)
    drafts += await markings.waiting(db, feed.name, batch.markings)
    have = await objects.stored(db, {draft.stix_id for draft in drafts})
    plan = versions.plan(drafts, have, at)
    known = await markings.known(db, drafts, batch.markings)
    labels = {draft.content_hash: tlp.strictest(draft.marking_refs, known) for draft in drafts}
    rows = {key: _row(feed, key, draft, labels, at) for key, draft in plan.new.items()}
    ids = await objects.store(db, plan, have, rows)
    revised = await _revise(db, feed, plan, labels)
    held = {ids[key]: draft for key, draft in plan.new.items()} | {have.id: draft for draft, have in plan.again}
    said = {object_id: _terms(feed, draft, labels) for object_id, draft in held.items()}
    changed = revised | await assertions.record(db, feed.name, said, new_ids=ids.values(), at=at)
    if feed.semantics is Semantics.SNAPSHOT:
        await assertions.seen(db, feed.name, said, at)
    refused = [*batch.rejects, *unstorable, *plan.clashes]
    outcome = Outcome(
        stored=len(ids),
        known=len(batch.drafts) - len(unstorable) - len(plan.clashes) - len(ids),
        refused=len(refused),
    )
    new_rejects = await rejects.keep(db, feed.name, refused, at)
    _hand_on(db, {object_id: held[object_id] for object_id in sorted(changed)})
    await _count(db, feed.name, outcome.stored, new_rejects, batch.cursor)
    return outcome


def _sorted_out(drafts: Sequence[Draft]) -> tuple[list[Draft], list[Reject]]:
    """Return what can be stored, and what cannot."""
    broken = [draft for draft in drafts if "\\u0000" in draft.text and _has_nul(draft)]
    if not broken:
        return list(drafts), []
    reasons = [Reject(draft.stix_id, "it holds the character U+0000", draft.text[:200]) for draft in broken]
    return [draft for draft in drafts if draft not in broken], reasons


def _has_nul(draft: Draft) -> bool:
    """Return whether a column would hold the character NUL, which PostgreSQL has no way to write."""
    texts = (*_TEXTS(draft), *draft.labels, *draft.indicator_types)
    return any("\0" in text for text in texts if text is not None)


def _row(feed: Definition, key: Key, draft: Draft, labels: Labels, at: datetime) -> dict[str, Any]:
    """Return the columns of a new object version."""
    return {
        "stix_id": draft.stix_id,
        "type": draft.type,
        "spec_version": draft.spec_version,
        "version": key[1],
        "created": draft.created,
        "created_by_ref": draft.created_by_ref,
        "revoked": draft.revoked,
        "valid_from": draft.valid_from,
        "valid_until": _valid_until(feed, draft),
        "confidence": draft.confidence,
        "name": draft.name,
        "pattern": draft.pattern,
        "pattern_type": draft.pattern_type,
        "source_ref": draft.source_ref,
        "target_ref": draft.target_ref,
        "relationship_type": draft.relationship_type,
        "labels": list(dict.fromkeys((*draft.labels, *draft.indicator_types))),
        "tlp": _column(labels[draft.content_hash]),
        "content_hash": draft.content_hash,
        "text": draft.text,
        "received_at": at,
    }


def _column(label: TLP | None) -> int:
    return UNMARKED if label is None else int(label)


def _valid_until(feed: Definition, draft: Draft) -> datetime | None:
    return trust.expiry(feed, draft.version, draft.valid_until) if draft.type == "indicator" else draft.valid_until


async def _revise(db: AsyncSession, feed: Definition, plan: Plan, labels: Labels) -> set[int]:
    """Follow what has become known about stored versions, and return those that it changes.

    A marking definition may have come since; and of two feeds that say the same without an end, the longer lifetime
    counts.
    """
    changes: list[tuple[int, Mapping[str, Any]]] = []
    for draft, have in plan.again:
        own, until = _column(labels[draft.content_hash]), have.valid_until
        if until is not None and draft.valid_until is None:
            longer = _valid_until(feed, draft)
            until = None if longer is None else max(longer, until)
        if (own, until) != (have.tlp, have.valid_until):
            changes.append((have.id, {"tlp": own, "valid_until": until}))
    await objects.revise(db, changes)
    return {object_id for object_id, _ in changes}


def _terms(feed: Definition, draft: Draft, labels: Labels) -> Terms:
    own = labels[draft.content_hash]
    return Terms(int(feed.tlp if own is None else own), trust.confidence(feed, draft.confidence))


def _hand_on(db: AsyncSession, changed: Mapping[int, Draft]) -> None:
    """Write the work for what the batch changed: all of it to be shared, what can match something to be correlated."""
    for kind, ids in (
        ("correlate", [object_id for object_id, draft in changed.items() if _is_correlated(draft)]),
        ("share", list(changed)),
    ):
        for start in range(0, len(ids), WORK):
            outbox.add(db, kind, {"objects": ids[start : start + WORK]})


def _is_correlated(draft: Draft) -> bool:
    return draft.type == "indicator" or (draft.type == "relationship" and draft.relationship_type == "indicates")


async def _count(db: AsyncSession, name: str, stored: int, refused: int, cursor: Mapping[str, Any] | None) -> None:
    """Add up what the feed has brought, and move its cursor."""
    moved = {} if cursor is None else {"cursor": dict(cursor)}
    counts = {"objects": col(Feed.objects) + stored, "rejects": col(Feed.rejects) + refused}
    connection = await db.connection()
    await connection.execute(update(Feed).where(col(Feed.name) == name).values(**counts, **moved))
