"""From drafts to stored objects: versions, assertions, the indicator index, the cursor and the work that follows.

One batch is one transaction. The same batch twice changes nothing and causes no work.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Any, Final

from sqlalchemy import update
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from citysec import outbox, tlp
from citysec.db import alone
from citysec.feeds import assertions, markings, objects, rejects, sightings, terms, versions
from citysec.feeds.authored import Author
from citysec.feeds.definition import Definition
from citysec.feeds.followup import hand_on
from citysec.feeds.formats import Draft, Entry, Reject
from citysec.feeds.formats.draft import rejected
from citysec.feeds.reading import Extent, Reading
from citysec.feeds.versions import Key, Plan, Stored
from citysec.tables import Feed, Meta
from citysec.tables.columns import now
from citysec.tlp import TLP

BATCH: Final = outbox.NAMED
_TEXTS: Final = attrgetter(
    "created_by_ref", "name", "pattern", "pattern_type", "source_ref", "target_ref", "relationship_type"
)
_NAMESPACE: Final = "feeds.namespace"
Stands = Mapping[str, Sequence[Stored]]
"""STIX id -> the versions that are here."""


@dataclass(frozen=True, slots=True)
class Batch:
    """A part of a feed's page, at most `BATCH` objects.

    Args:
        drafts: in the order of the feed.
        entries: the same for what is no STIX.
        rejects: what could not be read.
        markings: the marking definitions of the whole page: the label each stands for, None for statements.
        own: objects of our own making.
        cursor: where the feed stands after this batch; None leaves it, for a batch that does not end its page.
    """

    drafts: Sequence[Draft] = ()
    entries: Sequence[Entry] = ()
    rejects: Sequence[Reject] = ()
    markings: Mapping[str, TLP | None] = field(default_factory=dict[str, "TLP | None"])
    own: Sequence[Draft] = ()
    cursor: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a batch came to, object by object: stored, here already, refused; and not listed any more."""

    stored: int = 0
    known: int = 0
    refused: int = 0
    gone: int = 0

    def __add__(self, other: Outcome) -> Outcome:
        return Outcome(
            self.stored + other.stored,
            self.known + other.known,
            self.refused + other.refused,
            self.gone + other.gone,
        )


async def ingest(db: AsyncSession, feed: Definition, batch: Batch, reading: Reading | None = None) -> Outcome:
    """Store `batch` in the caller's transaction, with the work `correlate` and `share` for what it changes.

    Args:
        db: the session of the caller.
        feed: what says so.
        batch: what it says.
        reading: what the batch is a part of; by itself it is a part of the feed.
    """
    await alone(db, "ingest")  # one at a time decides which version is the newest
    reading = reading or Reading(now(), Extent.PART)
    at, author, row = now(), await the_author(db), await db.get_one(Feed, feed.name)
    if row.confirmed_at is None and reading.extent is Extent.WHOLE:
        row.confirmed_at = reading.began  # until the reading has ended, what it brings is as fresh as its beginning
    waited = await markings.waiting(db, feed.name, batch.markings)
    entries = _each_once(batch.entries, author)
    have = await objects.stored(db, {draft.stix_id for draft in (*batch.drafts, *batch.own, *waited)} | entries.keys())
    drafts, unstorable = _sorted_out(batch.drafts, author, have)
    drafts += (*waited, *batch.own)
    drafts += [author.draft(stix_id, entry, at) for stix_id, entry in entries.items() if stix_id not in have]
    plan = versions.plan(drafts, have, at)
    known = await markings.known(db, [*drafts, *entries.values()], batch.markings)
    labels = {draft.text: tlp.strictest(draft.marking_refs, known) for draft in drafts}
    ids = await objects.store(db, plan, have, labels, at)
    held = {ids[key]: draft for key, draft in plan.new.items()} | {have.id: draft for draft, have in plan.again}
    said = {object_id: terms.of_draft(feed, draft, labels[draft.text], reading) for object_id, draft in held.items()}
    listed = _standing_for(entries, ids, have)
    for object_id, stix_id in listed.items():
        entry = entries[stix_id]
        said[object_id] = terms.of_entry(feed, entry, tlp.strictest(entry.marking_refs, known), reading)
    changed = await _relabel(db, plan, labels)
    changed |= await assertions.record(db, row, said, new_ids=ids.values(), reading=reading)
    arrived = [(draft, said[i].tlp) for i, draft in held.items() if i in changed]  # repeated, but news of this feed
    changed |= await sightings.renew(db, arrived, {listed[i] for i in changed & listed.keys()}, at)
    reading.says(said)
    refused = [*batch.rejects, *unstorable, *plan.clashes]
    came = len(batch.drafts) - len(unstorable) - len(plan.clashes) + len(batch.entries) + len(batch.own)
    new_rejects = await rejects.keep(db, feed.name, refused, at)
    hand_on(db, shared=changed, correlated=[i for i in changed if i not in held or _is_correlated(held[i])])
    await _count(db, feed.name, len(ids), new_rejects, batch.cursor)
    return Outcome(stored=len(ids), known=came - len(ids), refused=len(refused))


async def the_author(db: AsyncSession) -> Author:
    """Return who makes the objects of this installation."""
    row = await db.get(Meta, _NAMESPACE)
    if row is None:
        row = Meta(name=_NAMESPACE, value=str(uuid.uuid4()))
        db.add(row)
        await db.flush()
    return Author(uuid.UUID(row.value))


def _each_once(entries: Sequence[Entry], author: Author) -> dict[str, Entry]:
    """Return the entry that counts of each thing: the first, unless one was seen later."""
    found: dict[str, Entry] = {}
    for entry in entries:
        stix_id = author.stix_id(entry)
        before = found.get(stix_id)
        if before is None or terms.is_newer(entry.seen, before.seen):
            found[stix_id] = entry
    return found


def _sorted_out(drafts: Sequence[Draft], author: Author, have: Stands) -> tuple[list[Draft], list[Reject]]:
    """Return what can be stored, and what cannot."""
    mine = author.ref
    faults = [(draft, _fault(draft, mine, have)) for draft in drafts]
    broken = [rejected(draft.stix_id, fault, draft.text.encode()) for draft, fault in faults if fault]
    return (list(drafts) if not broken else [draft for draft, fault in faults if not fault]), broken


def _fault(draft: Draft, mine: str, have: Stands) -> str | None:
    if "\\u0000" in draft.text and _has_nul(draft):
        return "it holds the character U+0000"
    if draft.created_by_ref == mine and not _is_known(draft, have):
        return "it names this citysec as its creator, which did not make it"
    return None


def _is_known(draft: Draft, have: Stands) -> bool:
    return any(version.content_hash == draft.content_hash for version in have.get(draft.stix_id, ()))


def _has_nul(draft: Draft) -> bool:
    """Return whether a column would hold the character NUL, which PostgreSQL has no way to write."""
    texts = (*_TEXTS(draft), *draft.labels, *draft.indicator_types)
    return any("\0" in text for text in texts if text is not None)


async def _relabel(db: AsyncSession, plan: Plan, labels: objects.Labels) -> set[int]:
    """Mark stored versions anew whose marking definition has come since, and return those."""
    marked = {have.id: objects.own_tlp(labels[draft.text]) for draft, have in plan.again}
    changes = {have.id: marked[have.id] for _, have in plan.again if marked[have.id] != have.tlp}
    await objects.relabel(db, changes)
    return set(changes)


def _standing_for(entries: Mapping[str, Entry], ids: Mapping[Key, int], have: Stands) -> dict[int, str]:
    """Return row id -> STIX id of the object that stands for each entry."""
    rows = {key[0]: object_id for key, object_id in ids.items()}
    rows |= {stix_id: next(v.id for v in found if v.latest) for stix_id, found in have.items()}
    return {rows[stix_id]: stix_id for stix_id in entries}


def _is_correlated(draft: Draft) -> bool:
    return draft.type in {"indicator", "vulnerability"} or (
        draft.type == "relationship" and draft.relationship_type == "indicates"
    )


async def _count(db: AsyncSession, name: str, stored: int, refused: int, cursor: Mapping[str, Any] | None) -> None:
    """Add up what the feed has brought, and move its cursor."""
    moved = {} if cursor is None else {"cursor": dict(cursor)}
    counts = {"objects": col(Feed.objects) + stored, "rejects": col(Feed.rejects) + refused}
    connection = await db.connection()
    await connection.execute(update(Feed).where(col(Feed.name) == name).values(**counts, **moved))
