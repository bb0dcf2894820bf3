"""Changing warning lists: what is imported, switched on or off, or removed counts for the stored matches, too.

A change puts `rejudge` into the outbox for the assets that something listed may touch. It is undone by the opposite
change: nothing of an indicator is lost by being on a list.
"""

from __future__ import annotations

from collections.abc import Sequence, Set
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import delete, insert, select
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from citysec import outbox
from citysec.access import audit
from citysec.correlate import following, warnings
from citysec.correlate.assets import registered_assets
from citysec.correlate.batches import batches
from citysec.correlate.listing import Effect, Entry, EntryKind, ListType, Reading, concerns
from citysec.correlate.reconcile import LOCK
from citysec.correlate.subjects import reached
from citysec.correlate.warned import Reach, Warner
from citysec.db import alone
from citysec.errors import InvalidInput
from citysec.tables.columns import now
from citysec.tables.warnings import WarningEntry, WarningList

ASSETS: Final = 200
"""Assets in one piece of work: each may have many indicators."""

_ROWS: Final = 5000  # entries in one statement


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """A list as it is to be; one of the same name takes its place and stays enabled or not.

    Args:
        name: short, as commands and matches name it.
        title: what it calls itself.
        version: empty where it states none.
        description: in its own words.
        type: how its values are meant.
        attributes: its `matching_attributes`.
        effect: what becomes of matches whose value is on it.
        reading: its values.
    """

    name: str
    title: str
    version: str
    description: str
    type: ListType
    attributes: tuple[str, ...]
    effect: Effect
    reading: Reading

    @property
    def warner(self) -> Warner:
        """What the index knows of it."""
        return Warner(self.name, self.effect, concerns(self.attributes))


@dataclass(frozen=True, slots=True)
class State:
    """How a list counts: not at all where `warner` is None."""

    warner: Warner | None
    entries: frozenset[Entry]

    @property
    def counting(self) -> frozenset[Entry]:
        """The entries, if they count."""
        return self.entries if self.warner else frozenset[Entry]()


_NONE: Final = State(None, frozenset[Entry]())


def between(before: State, after: State) -> Set[Entry]:
    """Return the entries that count differently."""
    if before.warner == after.warner:
        return before.counting ^ after.counting
    return before.counting | after.counting


async def state(db: AsyncSession, row: WarningList | None) -> State:
    """Return how a stored list counts."""
    if row is None:
        return _NONE
    listed = select(col(WarningEntry.kind), col(WarningEntry.key)).where(col(WarningEntry.list_name) == row.name)
    rows = await (await db.connection()).execute(listed)
    warner = Warner(row.name, Effect(row.effect), concerns(row.attributes)) if row.enabled else None
    return State(warner, frozenset(Entry(EntryKind(kind), key) for kind, key in rows))


async def proposed(db: AsyncSession, proposal: Proposal) -> tuple[State, State]:
    """Return how the list counts now, and how it would if it were `store`d."""
    row = await db.get(WarningList, proposal.name)
    warner = proposal.warner if row is None or row.enabled else None
    return await state(db, row), State(warner, frozenset(proposal.reading.entries))


async def affected(db: AsyncSession, before: State, after: State) -> list[int]:
    """Return the assets whose matches may change, sorted."""
    reach = Reach(between(before, after))
    return sorted(asset.id for asset in await registered_assets(db) if reach.includes(asset))


async def store(db: AsyncSession, proposal: Proposal, actor: str) -> None:
    """Import a list, a new one enabled, or put it in the place of the one that has its name.

    Args:
        db: a writing session.
        proposal: the list.
        actor: who does it, for the audit.
    """
    await alone(db, LOCK)
    before, after = await proposed(db, proposal)
    row = await db.get(WarningList, proposal.name)
    facts: dict[str, Any] = {
        "title": proposal.title, "version": proposal.version, "description": proposal.description,
        "type": proposal.type.value, "attributes": list(proposal.attributes), "effect": proposal.effect.value,
        "entries": len(after.entries), "unread": len(proposal.reading.unread), "imported_at": now(),
    }  # fmt: skip
    if row is None:
        db.add(WarningList(name=proposal.name, enabled=True, **facts))
    else:
        row.sqlmodel_update(facts)
    await db.flush()
    await _replace_entries(db, proposal.name, before.entries, after.entries)
    data = {name: facts[name] for name in ("version", "effect", "entries", "unread")}
    await audit.record(db, actor, "warnings.import", f"warning-list:{proposal.name}", data)
    await _counts(db, before, after)


async def switch(db: AsyncSession, name: str, actor: str, *, enabled: bool, effect: Effect | None = None) -> None:
    """Have a list count or not, and give it another class if `effect` says so.

    Raises:
        InvalidInput: there is no such list.
    """
    await alone(db, LOCK)
    row = await named(db, name)
    before = await state(db, row)
    row.enabled, row.effect = enabled, effect.value if effect else row.effect
    await db.flush()
    action = "warnings.enable" if enabled else "warnings.disable"
    await audit.record(db, actor, action, f"warning-list:{name}", {"effect": row.effect})
    await _counts(db, before, await state(db, row))


async def remove(db: AsyncSession, name: str, actor: str) -> None:
    """Forget a list.

    Raises:
        InvalidInput: there is no such list.
    """
    await alone(db, LOCK)
    row = await named(db, name)
    before = await state(db, row)
    await (await db.connection()).execute(delete(WarningEntry).where(col(WarningEntry.list_name) == name))
    await db.delete(row)
    await audit.record(db, actor, "warnings.remove", f"warning-list:{name}")
    await _counts(db, before, _NONE)


async def named(db: AsyncSession, name: str) -> WarningList:
    """Return a list.

    Raises:
        InvalidInput: there is no such list.
    """
    row = await db.get(WarningList, name)
    if row is None:
        raise InvalidInput.at("", f"no warning list {name!r}: `citysec warnings list` names them")
    return row


async def _replace_entries(db: AsyncSession, name: str, before: Set[Entry], after: Set[Entry]) -> None:
    connection = await db.connection()
    of_list = col(WarningEntry.list_name) == name
    if before - after:
        await connection.execute(delete(WarningEntry).where(of_list))
        before = frozenset()
    new = [{"list_name": name, "kind": entry.kind.value, "key": entry.key} for entry in after - before]
    for part in batches(new, _ROWS):
        await connection.execute(insert(WarningEntry), part)


async def _counts(db: AsyncSession, before: State, after: State) -> None:
    """Have what has changed count from now on, for the stored matches, too."""
    await warnings.revise(db)
    asset_ids: Sequence[int] = await affected(db, before, after)
    outbox.add_parts(db, "rejudge", "assets", asset_ids, most=ASSETS)
    reach = Reach(between(before, after))
    objects = await reached(db, reach) | await following.reached(db, reach)
    outbox.add_parts(db, "correlate", "objects", sorted(objects))
