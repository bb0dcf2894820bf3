"""Which registered names and brands are watched for lookalikes, and whose they are.

A registrable domain is watched where it is certainly its owner's: where it is registered itself (or its `www`), or
stands under an ending of public bodies. What somebody hosts at `camden.sharepoint.com` does not make Microsoft's
lookalikes Camden's. However many names below it are registered, it is permuted once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Final

from sqlalchemy import ColumnElement, delete, or_, select, true
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from citysec import outbox
from citysec.bulk import insert_many
from citysec.correlate import claims, vocabularies
from citysec.correlate.batches import batches
from citysec.correlate.rules import RegisteredAsset
from citysec.correlate.warned import Reach
from citysec.lookalikes.forms import all_forms, subject
from citysec.lookalikes.names import parts
from citysec.lookalikes.permutations import forms
from citysec.lookalikes.vocabulary import Vocabulary
from citysec.observable import AssetKind, Kind, Scope, below, mailboxes_at, reverse_labels, url
from citysec.patterning import Atom
from citysec.tables.feeds import IndicatorKey, StixObject
from citysec.tables.lookalikes import Lookalike, NameForm
from citysec.tables.register import Asset, AssetOwner

_IDS: Final = 500  # values in one statement
_ASSETS: Final[Mapping[str, AssetKind]] = {Kind.NAME: AssetKind.DOMAIN, Kind.MAILBOX: AssetKind.EMAIL}
_NAMES: Final = (AssetKind.DOMAIN, AssetKind.HOST, AssetKind.MAIL_DOMAIN)
WATCHED: Final = (*_NAMES, AssetKind.BRAND)
"""Kinds of assets that others may look like."""
_TOGETHER: Final = 20  # names in one statement
Row = tuple[int, str, str, str]
"""An owned asset: id, kind, key, and the id of its owner."""
Rows = Mapping[str, Sequence[Row]]
"""The same by subject."""
NO_ROWS: Final[Rows] = {}


async def watch(db: AsyncSession, asset_ids: Collection[int], *, renew: bool = False) -> None:
    """Bring what is watched up to date after a change of these assets; what that touches is correlated again.

    Args:
        db: the stage's transaction.
        asset_ids: assets that were added, changed or withdrawn.
        renew: make anew what is watched already, too.
    """
    query = select(col(Asset.kind), col(Asset.key)).where(col(Asset.id).in_(asset_ids))
    changed = (await (await db.connection()).execute(query)).all()
    keys = {key for kind, text in changed if (key := subject_key(kind, text)) is not None}
    if not keys:
        return
    vocabulary = await vocabularies.current(db)
    wanted = await watchable(db, keys)
    before = await watched(db, keys)
    again = await _speaking(db, before)
    fresh = wanted if renew else wanted - before
    stale = before - (wanted - fresh)
    await (await db.connection()).execute(delete(Lookalike).where(col(Lookalike.of).in_(stale)))
    for key in sorted(fresh):
        made = await asyncio.to_thread(forms, subject(key))  # ten milliseconds each, and the loop goes on
        await insert_many(db, Lookalike, [{"form": form, "of": key, "kind": kind or ""} for form, kind in made.items()])
    again |= await _speaking(db, fresh) | await _within(db, keys, vocabulary)
    outbox.add_parts(db, "correlate", "objects", sorted(again))


async def watched(db: AsyncSession, keys: Collection[str]) -> set[str]:
    """Return those of the subjects of which it is stored what they are taken for."""
    connection, found = await db.connection(), set[str]()
    for part in batches(sorted(keys), _IDS):
        here = select(col(Lookalike.of)).where(col(Lookalike.of).in_(part)).distinct()
        found.update((await connection.execute(here)).scalars())
    return found


async def watchable(db: AsyncSession, keys: Collection[str], also: Rows = NO_ROWS) -> set[str]:
    """Return those of the subjects that are certainly somebody's who has registered them, and so are to be watched.

    The assets of `also`, by subject, count as if they were registered, here and below.
    """
    vocabulary = await vocabularies.current(db)
    return {key for key, rows in (await _carrying(db, keys, also)).items() if _ours(key, rows, vocabulary)}


async def registered_keys(db: AsyncSession) -> set[str]:
    """Return the subjects of all that is registered and verified."""
    rows = await _owned_rows(db, true())
    return {key for _, kind, text, _ in rows if (key := subject_key(kind, text)) is not None}


def subject_key(kind: str, key: str) -> str | None:
    """Return the key of what an asset has watched: the registrable domain of its name, or the brand."""
    if kind == AssetKind.BRAND:
        return key
    name = name_of(kind, key)
    return subject_of(name) if name else None


def subject_of(name: str) -> str | None:
    """Return the key of the registrable domain that a name is or stands in; None for a public suffix."""
    found = parts(name)
    return reverse_labels(found.registrable) if found else None


def names_of(atoms: Iterable[Atom]) -> dict[str, Atom]:
    """Return the names that atoms speak of, each with the surest: also as a URL's host, or behind a mailbox's `@`."""
    found: dict[str, Atom] = {}
    for atom in atoms:
        if atom.kind is Kind.NAME:
            name = reverse_labels(atom.key)
        elif atom.kind is Kind.MAILBOX:
            name = reverse_labels(atom.key.partition("@")[0])
        else:
            continue
        if name not in found or (atom.certain and not found[name].certain):
            found[name] = atom
    return found


def name_of(kind: str, key: str) -> str | None:
    """Return the name that an asset is, or stands on; None where there is none."""
    if kind in _NAMES:
        return reverse_labels(key)
    if kind == AssetKind.EMAIL:
        return reverse_labels(key.partition("@")[0])
    if kind == AssetKind.URL:
        host = url(key)[1]
        return host.value if host.kind is Kind.NAME else None
    return None


async def owned(db: AsyncSession, registrables: Collection[str], also: Rows = NO_ROWS) -> set[str]:
    """Return those of the registrable domains in which somebody has registered anything."""
    found: set[str | None] = set(also)
    for part in batches(sorted(registrables), _TOGETHER):
        rows = await _owned_rows(db, or_(*(_named_in(key) | _others_in(key) for key in map(reverse_labels, part))))
        found.update(subject_key(kind, text) for _, kind, text, _ in rows)
    return {name for name in registrables if reverse_labels(name) in found}


async def carriers(db: AsyncSession, keys: Collection[str], also: Rows = NO_ROWS) -> dict[str, list[int]]:
    """Return subject -> the assets that its matches are kept with: one for each owner, the name itself if there is.

    Who only has a name below one that somebody has registered is not told what looks like it: it is not theirs.
    """
    found: dict[str, list[int]] = {}
    for key, rows in (await _carrying(db, keys, also)).items():
        best: dict[str, tuple[str, int]] = {}
        for asset_id, _, text, owner in [row for row in rows if _is_itself(key, row)] or rows:
            best[owner] = min((text, asset_id), best.get(owner, (text, asset_id)))
        found[key] = sorted({asset_id for _, asset_id in best.values()})
    return found


async def _carrying(db: AsyncSession, keys: Collection[str], also: Rows) -> dict[str, list[Row]]:
    """Return subject -> the owned assets that are it, or names in it."""
    found, rows = {key: list(also.get(key, ())) for key in keys}, list[Row]()
    for part in batches(sorted(keys), _TOGETHER):
        rows += await _owned_rows(db, or_(*(_named_in(key) if "." in key else _is_brand(key) for key in part)))
    for row in rows:
        key = subject_key(row[1], row[2])
        if key in found:
            found[key].append(row)
    return found


def _ours(key: str, rows: Iterable[Row], vocabulary: Vocabulary) -> bool:
    """Return whether a subject, of which somebody owns `rows`, is certainly its owner's."""
    found = parts(reverse_labels(key)) if "." in key else None
    closed = found is None or found.suffix in vocabulary.closed
    return any(closed or _is_itself(key, row) for row in rows)


def _is_itself(key: str, row: Row) -> bool:
    """Return whether an asset is the subject, or its `www`, and no other name below it."""
    return row[2] in {key, f"{key}.www"}


def _is_brand(key: str) -> ColumnElement[bool]:
    return (col(Asset.kind) == AssetKind.BRAND) & (col(Asset.key) == key)


def _named_in(key: str) -> ColumnElement[bool]:
    """Return which assets are the name, or names below it.

    What lies within OR is written so that SQLite asks the index for each: else it reads all names.
    """
    name, text, (low, high) = col(Asset.kind).in_(_NAMES), col(Asset.key), below(key)
    return (name & (text == key)) | (name & (text >= low) & (text < high))


def _others_in(key: str) -> ColumnElement[bool]:
    """Return which mailboxes stand on the name or names below it, and which pages may do so."""
    kind, text, (low, high), (first, last) = col(Asset.kind), col(Asset.key), below(key), mailboxes_at(key)
    of_mail, of_page = kind == AssetKind.EMAIL, kind == AssetKind.URL
    on_it = (of_mail & (text >= low) & (text < high)) | (of_mail & (text >= first) & (text < last))
    return on_it | (of_page & text.contains(reverse_labels(key), autoescape=True))


async def _owned_rows(db: AsyncSession, condition: ColumnElement[bool]) -> list[Row]:
    columns = (col(Asset.id), col(Asset.kind), col(Asset.key), col(AssetOwner.constituent_id))
    query = select(*columns).join(AssetOwner, col(AssetOwner.asset_id) == col(Asset.id))
    query = query.where(condition, col(AssetOwner.verified))  # else who claims a lookalike would have it pass
    rows = await (await db.connection()).execute(query.order_by(col(Asset.id)))
    return [(asset_id or 0, kind, text, owner) for asset_id, kind, text, owner in rows]


async def _speaking(db: AsyncSession, keys: Collection[str]) -> set[int]:
    """Return the objects that speak of a name which may look like one of the subjects, other than its own."""
    query = (
        select(col(Lookalike.of), col(StixObject.id), col(StixObject.pattern))
        .join(NameForm, col(NameForm.form) == col(Lookalike.form))
        .join(StixObject, col(StixObject.id) == col(NameForm.object_id))
        .where(col(Lookalike.of).in_(keys), col(StixObject.latest))
        .distinct()
    )
    rows = await (await db.connection()).execute(query)
    spoken = ((i or 0, of, map(subject_of, names_of(claims.atoms(pattern)))) for of, i, pattern in rows)
    return {object_id for object_id, of, subjects in spoken if any(key != of for key in subjects)}


async def reached(db: AsyncSession, reach: Reach) -> set[int]:
    """Return the objects that speak of a name which may look like some subject, and is within reach."""
    query = (
        select(col(StixObject.id), col(StixObject.pattern))
        .join(NameForm, col(NameForm.object_id) == col(StixObject.id))
        .join(Lookalike, col(Lookalike.form) == col(NameForm.form))
        .where(col(StixObject.latest))
        .distinct()
    )
    rows = await (await db.connection()).execute(query)
    named = ((i or 0, map(reverse_labels, names_of(claims.atoms(pattern)))) for i, pattern in rows)
    return {object_id for object_id, keys in named if any(reach.includes(_exactly(key)) for key in keys)}


def _exactly(key: str) -> RegisteredAsset[int]:
    return RegisteredAsset(0, AssetKind.DOMAIN, key, Scope.EXACT)


async def _within(db: AsyncSession, keys: Collection[str], vocabulary: Vocabulary) -> set[int]:
    """Return the objects that speak of a name in one of these domains which may look like another one's."""
    found: set[int] = set()
    connection = await db.connection()
    for key in (key for key in keys if "." in key):
        query = select(col(IndicatorKey.kind), col(IndicatorKey.key), col(IndicatorKey.object_id)).where(inside(key))
        spoken: dict[str, set[int]] = {}
        for kind, text, object_id in await connection.execute(query):
            for form in all_forms(name_of(_ASSETS[kind], text) or "", vocabulary):
                spoken.setdefault(form, set()).add(object_id)
        for part in batches(sorted(spoken), _IDS):
            here = select(col(Lookalike.form)).where(col(Lookalike.form).in_(part), col(Lookalike.of) != key)
            found.update(i for form in (await connection.execute(here)).scalars() for i in spoken[form])
    return found


def inside(key: str) -> ColumnElement[bool]:
    """Return which rows of the indicator index speak of a name, or of names below it: of hosts or mailboxes."""
    kind, text = col(IndicatorKey.kind), col(IndicatorKey.key)
    ranges = ((Kind.NAME, *below(key)), (Kind.MAILBOX, *below(key)), (Kind.MAILBOX, *mailboxes_at(key)))
    return or_(
        (kind == Kind.NAME) & (text == key),
        *((kind == each) & (text >= low) & (text < high) for each, low, high in ranges),
    )
