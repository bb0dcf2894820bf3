"""What counts for lookalikes beside what is stored: assets as if they were registered, and what is not watched yet."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from sqlalchemy import select
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from citysec.correlate import subjects
from citysec.correlate.batches import batches
from citysec.correlate.subjects import NO_ROWS, Row, Rows
from citysec.lookalikes.forms import Subject, subject
from citysec.lookalikes.kinds import Kind
from citysec.lookalikes.permutations import forms
from citysec.tables.feeds import StixObject
from citysec.tables.lookalikes import Lookalike, NameForm

_IDS: Final = 500  # values in one statement
_Taken = tuple[Subject, Kind | None]


@dataclass(frozen=True, slots=True)
class Unwatched:
    """What counts beside what is stored.

    Args:
        rows: subject -> assets as if they were registered and verified, of many those that would have its matches.
        forms: what subjects are taken for of which that is not stored.
    """

    rows: Rows = field(default_factory=dict[str, Sequence[Row]])
    forms: Mapping[str, Sequence[_Taken]] = field(default_factory=dict[str, Sequence[_Taken]])


NOTHING: Final = Unwatched()


async def awaiting(db: AsyncSession) -> Unwatched:
    """Return what is registered and will be watched as soon as the service comes to it."""
    found: dict[str, list[_Taken]] = {}
    async for of, made in _forms(db, await subjects.registered_keys(db), NO_ROWS):
        for form, kind in made.items():
            found.setdefault(form, []).append((of, kind))
    return Unwatched(forms=found)


async def if_registered(db: AsyncSession, rows: Sequence[Row]) -> Unwatched:
    """Return what would be registered and watched, too, if these assets were: only forms of names that are spoken of.

    All forms of a thousand domains would take two hundred megabytes.
    """
    by_subject: dict[str, list[Row]] = {}
    for row in rows:
        if (key := subjects.subject_key(row[1], row[2])) is not None:
            by_subject.setdefault(key, []).append(row)
    taken: dict[str, list[_Taken]] = {}
    async for of, made in _forms(db, by_subject.keys(), by_subject):
        for form in await _spoken(db, made):
            taken.setdefault(form, []).append((of, made[form]))
    carried = await subjects.carriers(db, by_subject.keys(), by_subject)
    best = {key: [row for row in several if row[0] in carried[key]] for key, several in by_subject.items()}
    return Unwatched(best, taken)


async def speaking(db: AsyncSession, keys: Collection[str], unwatched: Unwatched) -> set[str]:
    """Return the indicators that speak of a name which may look like one of the subjects."""
    if not keys:
        return set()
    connection, found = await db.connection(), set[str]()
    texts = {form for form, taken in unwatched.forms.items() if any(of.key in keys for of, _ in taken)}
    for part in batches(sorted(keys), _IDS):
        stored = select(col(Lookalike.form)).where(col(Lookalike.of).in_(part))
        texts.update((await connection.execute(stored)).scalars())
    spoken = select(col(StixObject.stix_id)).join(NameForm, col(NameForm.object_id) == col(StixObject.id))
    for part in batches(sorted(texts), _IDS):
        query = spoken.where(col(NameForm.form).in_(part), col(StixObject.latest)).distinct()
        found.update((await connection.execute(query)).scalars())
    return found


async def _spoken(db: AsyncSession, forms: Collection[str]) -> list[str]:
    """Return those of the forms that names have of which an indicator speaks."""
    connection, found = await db.connection(), list[str]()
    for part in batches(sorted(forms), _IDS):
        query = select(col(NameForm.form)).where(col(NameForm.form).in_(part)).distinct()
        found += (await connection.execute(query)).scalars()
    return found


async def _forms(
    db: AsyncSession, keys: Collection[str], also: Rows
) -> AsyncGenerator[tuple[Subject, Mapping[str, Kind | None]], None]:
    """Yield what those of the subjects are taken for that are to be watched and are not."""
    missing = set(keys) - await subjects.watched(db, keys)
    for of in map(subject, sorted(await subjects.watchable(db, missing, also))):
        yield of, await asyncio.to_thread(forms, of)  # ten milliseconds each, and the loop goes on
