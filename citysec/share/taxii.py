"""TAXII 2.1 without HTTP: which collections a reader has, and pages of what it may see in them.

What is above the reader's ceiling does not exist for it: no object, no manifest entry, no version, no count. A page
costs the same however large the collection is and however deep the page lies: it is found by key.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Container, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import msgspec
import sqlalchemy as sa
from sqlalchemy import ColumnElement, and_, or_, true
from sqlalchemy.orm import aliased
from sqlmodel import col, exists, select
from sqlmodel.ext.asyncio.session import AsyncSession

from citysec.access import keys
from citysec.access.policy import Principal, Scope
from citysec.errors import InvalidInput
from citysec.share.filters import Filters, Version, written
from citysec.tables.feeds import StixObject
from citysec.tables.share import Collection, Grant, Member
from citysec.tlp import TLP

MAX_PAGE_BYTES: Final = 16 << 20
_AT_ONCE: Final = 100


@dataclass(frozen=True, slots=True)
class View:
    """A collection as one reader has it: its own rights, and the highest label that it is shown there."""

    collection: Collection
    can_read: bool
    can_write: bool
    ceiling: TLP


@dataclass(frozen=True, slots=True)
class Entry:
    """One object version in a collection, its text as received."""

    date_added: int
    stix_id: str
    spec_version: str
    stored_version: datetime
    text: bytes

    @property
    def version(self) -> str:
        """The version in the object's own words: `modified`, else `created`, else ours (§3.4.1)."""
        said = msgspec.json.decode(self.text, type=_Dated)
        return said.modified or said.created or written(self.stored_version)


@dataclass(frozen=True, slots=True)
class Page:
    """One page; `next` is None after the last."""

    entries: Sequence[Entry]
    next: str | None


class _Dated(msgspec.Struct):
    modified: str | None = None
    created: str | None = None


async def views(db: AsyncSession, principal: Principal, inlets: Container[str]) -> list[View]:
    """Return the collections that `principal` may read or write, by title; the others do not exist for it.

    Args:
        db: a reading session.
        principal: the reader.
        inlets: slugs of the collections that anybody can write to at all.
    """
    granted = (
        select(Collection, Grant)
        .join(Grant, col(Grant.collection_id) == col(Collection.id))
        .where(Grant.account_id == principal.account_id)
        .order_by(Collection.title, Collection.id)
    )
    found = [_view(principal, collection, grant, inlets) for collection, grant in await db.exec(granted)]
    return [view for view in found if view.can_read or view.can_write]


async def view(db: AsyncSession, principal: Principal, name: str, inlets: Container[str]) -> View | None:
    """Return the collection with the id or alias `name`; None where it does not exist for `principal`."""
    every = await views(db, principal, inlets)
    return next((one for one in every if name in (one.collection.id, one.collection.slug)), None)


def _view(principal: Principal, collection: Collection, grant: Grant, inlets: Container[str]) -> View:
    return View(
        collection,
        can_read=grant.can_read and Scope.TAXII_READ in principal.scopes,
        can_write=grant.can_write and Scope.TAXII_WRITE in principal.scopes and collection.slug in inlets,
        ceiling=min(TLP(collection.tlp), principal.clearance),
    )


async def page(db: AsyncSession, view: View, filters: Filters, walk: Walk) -> Page:
    """Return the page of `view` that `filters` ask for, filled as far as limits allow.

    Raises:
        InvalidInput: the cursor is not one of this walk.
    """
    after = filters.added_after if filters.next is None else walk.position(filters)
    statement = (
        sa.select(
            col(Member.date_added),
            col(StixObject.stix_id),
            col(StixObject.spec_version),
            col(StixObject.version),
            col(StixObject.text),
        )
        .join(StixObject, col(StixObject.id) == col(Member.object_id))
        .where(_asked(view, filters))
        .order_by(col(Member.date_added))
        .limit(filters.limit + 1)
    )
    if after is not None:
        statement = statement.where(col(Member.date_added) > after)
    entries: list[Entry] = []
    size = 0
    async for row in await db.stream(statement.execution_options(yield_per=_AT_ONCE)):
        date_added, stix_id, spec_version, version, text = row
        entry = Entry(date_added, stix_id, spec_version, version, text.encode())
        size += len(entry.text)
        if len(entries) == filters.limit or (entries and size > MAX_PAGE_BYTES):
            return Page(entries, walk.cursor(filters, entries[-1].date_added))
        entries.append(entry)
    return Page(entries, None)


async def known(db: AsyncSession, view: View, stix_id: str) -> bool:
    """Return whether any version of the object exists for the reader of `view`."""
    some = select(Member.date_added).join(StixObject, col(StixObject.id) == col(Member.object_id))
    every = Filters(ids=(stix_id,), spec_versions=("2.0", "2.1"), versions=("all",))
    return (await db.exec(some.where(_asked(view, every)).limit(1))).first() is not None


@dataclass(frozen=True, slots=True)
class Walk:
    """What a cursor is bound to: one reader's way through one endpoint of one collection."""

    key: bytes
    account_id: str
    collection_id: str
    endpoint: str

    def cursor(self, filters: Filters, date_added: int) -> str:
        """Return the `next` that goes on behind `date_added`; it needs no memory of ours and never expires."""
        return keys.sealed(self.key, self._identity(filters) + date_added.to_bytes(8, "big"))

    def position(self, filters: Filters) -> int:
        """Return the date behind which `filters.next` goes on.

        Raises:
            InvalidInput: it was made for another walk, or not by us.
        """
        payload, identity = keys.unsealed(self.key, filters.next or ""), self._identity(filters)
        if payload is None or payload[:-8] != identity:
            raise InvalidInput.at("next", "is not the `next` of the page before, with the same parameters")
        return int.from_bytes(payload[-8:], "big")

    def _identity(self, filters: Filters) -> bytes:
        said = repr((self.account_id, self.collection_id, self.endpoint, filters.identity()))
        return hashlib.sha256(said.encode()).digest()[:16]


def _asked(view: View, filters: Filters) -> ColumnElement[bool]:
    """Return the condition for the rows of `Member` × `StixObject` that are visible and asked for.

    Rights come first, then the choice of spec version, then of version, and only then types and ids: what `last` is
    depends on what the reader may see, never on what else it asks for.
    """
    chosen = [_visible(view), ~_withdrawn(view), _of_spec(view, filters.spec_versions)]
    chosen.append(or_(*(_of_version(view, version) for version in filters.versions)))
    if filters.types:
        chosen.append(col(StixObject.type).in_(filters.types))
    if filters.ids:
        chosen.append(col(StixObject.stix_id).in_(filters.ids))
    return and_(*chosen)


def _visible(view: View, member: type[Member] = Member) -> ColumnElement[bool]:
    return and_(col(member.collection_id) == view.collection.id, col(member.tlp) <= view.ceiling)


def _withdrawn(view: View) -> ColumnElement[bool]:
    """Return whether the newest version is revoked where the reader cannot see it: then older ones mislead."""
    newest, member = aliased(StixObject), aliased(Member)
    seen = exists().where(col(member.object_id) == col(newest.id), _visible(view, member))
    same = col(newest.stix_id) == col(StixObject.stix_id)
    return exists().where(same, col(newest.latest), col(newest.revoked), ~seen)


def _of_spec(view: View, spec_versions: Sequence[str]) -> ColumnElement[bool]:
    if spec_versions:
        return col(StixObject.spec_version).in_(spec_versions)
    return ~_another(view, lambda other: col(other.spec_version) > col(StixObject.spec_version))


def _of_version(view: View, version: Version) -> ColumnElement[bool]:
    match version:
        case "all":
            return true()
        case "last":
            return ~_another(view, lambda o: and_(_same_spec(o), col(o.version) > col(StixObject.version)))
        case "first":
            return ~_another(view, lambda o: and_(_same_spec(o), col(o.version) < col(StixObject.version)))
        case _:
            return col(StixObject.version) == version


def _same_spec(other: type[StixObject]) -> ColumnElement[bool]:
    return col(other.spec_version) == col(StixObject.spec_version)


def _another(view: View, is_it: Callable[[type[StixObject]], ColumnElement[bool]]) -> ColumnElement[bool]:
    """Return whether the reader may see another version of the same object that `is_it`."""
    other, member = aliased(StixObject), aliased(Member)
    return exists().where(
        col(other.stix_id) == col(StixObject.stix_id),
        is_it(other),
        col(member.object_id) == col(other.id),
        _visible(view, member),
    )
