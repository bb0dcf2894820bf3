"""Collections: made by the operator, filled as objects come in."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import delete, func
from sqlalchemy import select as columns
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from citysec import outbox
from citysec.access import accounts, audit
from citysec.bulk import insert_many
from citysec.db import alone
from citysec.errors import Conflict, InvalidInput, NotShared
from citysec.share.membership import Candidate, Filter, from_json, wants
from citysec.tables.feeds import Assertion, StixObject
from citysec.tables.share import Collection, Grant, Member
from citysec.tlp import TLP

_Said = tuple[str, int, int]
"""An assertion: (feed, label, confidence)."""
_SLUG: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")


@dataclass(frozen=True, slots=True, kw_only=True)
class NewCollection:
    """What a collection is made of; objects above `ceiling` are never in it."""

    slug: str
    title: str
    ceiling: TLP
    description: str = ""
    filter: Filter = field(default_factory=Filter)


async def create(db: AsyncSession, new: NewCollection, *, actor: str) -> Collection:
    """Make a collection; what it wants of the objects here already is added by work that follows.

    Raises:
        InvalidInput: the slug or the title cannot be used.
        Conflict: the slug is taken.
    """
    if not _SLUG.fullmatch(new.slug):
        raise InvalidInput.at("slug", "use small letters, digits and hyphens, at most 63")
    if not new.title.strip():
        raise InvalidInput.at("title", "must not be empty")
    if (await db.exec(select(Collection.id).where(Collection.slug == new.slug))).first():
        raise Conflict(f"there is a collection {new.slug!r} already")
    collection = Collection(
        slug=new.slug, title=new.title, description=new.description, tlp=new.ceiling, filter=new.filter.to_json()
    )
    db.add(collection)
    facts = {"slug": new.slug, "tlp": new.ceiling.label, "filter": collection.filter}
    await audit.record(db, actor, "collection.add", f"collection:{collection.id}", facts)
    ids = (await db.exec(select(StixObject.id).order_by(col(StixObject.id)))).all()
    outbox.add_parts(db, "share", "objects", ids)
    return collection


async def grant(db: AsyncSession, slug: str, account: str, *, read: bool, write: bool, actor: str) -> None:
    """Let an account read from, or write to, a collection; the rights given replace those it had.

    Raises:
        NotShared: there is no such collection or account.
    """
    collection = (await db.exec(select(Collection).where(Collection.slug == slug))).first()
    if collection is None:
        raise NotShared(f"there is no collection {slug!r}")
    holder = await accounts.named(db, account)
    await db.merge(Grant(collection_id=collection.id, account_id=holder.id, can_read=read, can_write=write))
    facts = {"account": account, "read": read, "write": write}
    await audit.record(db, actor, "collection.grant", f"collection:{collection.id}", facts)


async def admit(db: AsyncSession, payload: Mapping[str, Any]) -> None:
    """Put new or changed objects into every collection that wants them, and take them out of those that may not.

    What no feed lists any more is in none.

    An object whose label has fallen comes anew, with a new date: readers who could not see it have passed its old one.

    Args:
        db: the stage's transaction.
        payload: `{"objects": [stix_object.id …]}`, at most `outbox.NAMED`.
    """
    await alone(db, "share")  # labels are not older than those others went by; dates are in the order of commits
    collections = (await db.exec(select(Collection).order_by(Collection.id))).all()
    if not collections:
        return
    candidates = await _candidates(db, payload["objects"])
    gone = set(payload["objects"]).difference(each.object_id for each in candidates)
    in_any = col(Member.collection_id).in_([each.id for each in collections])  # that is how its index begins
    await db.exec(delete(Member).where(in_any, col(Member.object_id).in_(gone)))
    dates = _dates(await _last_date(db))
    for collection in collections:
        await _settle(db, collection, candidates, dates)


async def _candidates(db: AsyncSession, ids: Sequence[int]) -> list[Candidate]:
    connection, said = await db.connection(), dict[int, list[_Said]]()
    rows = columns(col(Assertion.object_id), col(Assertion.feed), col(Assertion.tlp), col(Assertion.confidence))
    listed = rows.where(col(Assertion.object_id).in_(ids), col(Assertion.gone_at).is_(None))
    for object_id, feed, tlp, confidence in await connection.execute(listed):
        said.setdefault(object_id, []).append((feed, tlp, confidence))
    types = columns(col(StixObject.id), col(StixObject.type)).where(col(StixObject.id).in_(said))
    found = await connection.execute(types.order_by(col(StixObject.id)))
    return [_candidate(object_id or 0, kind, said[object_id or 0]) for object_id, kind in found]


def _candidate(object_id: int, kind: str, said: Sequence[_Said]) -> Candidate:
    return Candidate(
        object_id=object_id,
        type=kind,
        feeds=frozenset(feed for feed, _, _ in said),
        confidence=max(confidence for _, _, confidence in said),
        label=TLP(min(tlp for _, tlp, _ in said)),
    )


async def _settle(
    db: AsyncSession, collection: Collection, candidates: Sequence[Candidate], dates: Iterator[int]
) -> None:
    """Make the members among `candidates` those that the collection wants."""
    wanted, ceiling = from_json(collection.filter), TLP(collection.tlp)
    ids = [each.object_id for each in candidates]
    rows = select(Member).where(Member.collection_id == collection.id, col(Member.object_id).in_(ids))
    members = {member.object_id: member for member in await db.exec(rows)}
    fresh: list[Candidate] = []
    for each in candidates:
        member, is_wanted = members.get(each.object_id), wants(wanted, ceiling, each)
        if member is not None and (each.label < member.tlp or not is_wanted):
            await db.delete(member)
            member = None
        if member is not None:
            member.tlp = each.label
        elif is_wanted:
            fresh.append(each)
    await db.flush()
    if fresh:
        new = [
            {"date_added": next(dates), "collection_id": collection.id, "object_id": each.object_id, "tlp": each.label}
            for each in fresh
        ]
        await insert_many(db, Member, new)


async def _last_date(db: AsyncSession) -> int:
    return (await db.exec(select(func.coalesce(func.max(Member.date_added), 0)))).one()


def _dates(last: int) -> Iterator[int]:
    """Yield dates in microseconds: never the same twice, always growing, also when the clock is set back."""
    while True:
        last = max(time.time_ns() // 1000, last + 1)
        yield last
