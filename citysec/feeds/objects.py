"""Object versions in the database, and the index of the newest indicators' atoms."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from operator import attrgetter
from typing import Any, Final

from sqlalchemy import bindparam, delete, func, select, text, update
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from citysec.blocks import is_single
from citysec.bulk import among, insert_records
from citysec.db import dialect
from citysec.feeds.atoms import atoms, is_host_of_url, of_pattern
from citysec.feeds.formats import Draft
from citysec.feeds.versions import Key, Plan, Stored, newest
from citysec.observable import Kind
from citysec.patterning import Atom, index_key
from citysec.tables import Assertion, IndicatorKey, Meta, StixObject
from citysec.tables.columns import indexable
from citysec.tables.feeds import BLOCK_LENGTHS, PRODUCT
from citysec.tlp import TLP

Labels = Mapping[str, TLP | None]
"""Text of an object -> the label of its own markings, None where no TLP marking applies to it."""
UNMARKED: Final = -1
_COPIED: Final = (
    "stix_id", "type", "spec_version", "created", "created_by_ref", "revoked", "valid_from", "valid_until",
    "confidence", "name", "pattern", "pattern_type", "source_ref", "target_ref", "relationship_type", "content_hash",
    "text",
)  # fmt: skip
_COLUMNS: Final = (*_COPIED, "version", "labels", "tlp", "id", "latest", "pattern_error", "received_at")
_KEYED: Final = ("kind", "key", "object_id", "only_url", "certain")
_Indexed = tuple[str, str, int, bool, bool]
_copied: Final[Callable[[Draft], tuple[Any, ...]]] = attrgetter(*_COPIED)
_VERSION: Final = (
    col(StixObject.id),
    col(StixObject.stix_id),
    col(StixObject.version),
    col(StixObject.spec_version),
    col(StixObject.content_hash),
    col(StixObject.created_by_ref),
    col(StixObject.revoked),
    col(StixObject.latest),
    col(StixObject.tlp),
)

_SEQUENCE: Final = text(
    "SELECT nextval(pg_get_serial_sequence('stix_object', 'id')) FROM generate_series(1, CAST(:number AS integer))"
)

_UNINDEX: Final = delete(IndicatorKey).where(
    col(IndicatorKey.kind) == bindparam("_kind"),
    col(IndicatorKey.key) == bindparam("_key"),
    col(IndicatorKey.object_id) == bindparam("_object_id"),
)
_IP: Final = Kind.IP.value


async def stored(db: AsyncSession, stix_ids: Collection[str]) -> dict[str, list[Stored]]:
    """Return all versions that we have of `stix_ids`."""
    connection = await db.connection()
    rows = await connection.execute(select(*_VERSION).where(among(col(StixObject.stix_id), stix_ids)))
    found: dict[str, list[Stored]] = {}
    for row in rows:
        found.setdefault(row.stix_id, []).append(Stored(*row))
    return found


async def store(
    db: AsyncSession, plan: Plan, have: Mapping[str, Sequence[Stored]], labels: Labels, at: datetime
) -> dict[Key, int]:
    """Insert the new versions of `plan`, move `latest` and the index to the newest of each id, and return their ids.

    Args:
        db: the session of the caller; it commits.
        plan: what to store.
        have: the versions that were here before, by STIX id.
        labels: what their own markings say.
        at: when they arrived.
    """
    if not plan.new:
        return {}
    winners = newest(plan.new, have)
    found = {key: atoms(draft) for key, draft in plan.new.items()}
    ids = dict(zip(plan.new, await _fresh_ids(db, len(plan.new)), strict=True))
    records = [
        (
            *_copied(draft), key[1], _kinds(draft.labels, draft.indicator_types), own_tlp(labels[draft.text]),
            ids[key], winners[key[0]] == key, found[key][1], at,
        )
        for key, draft in plan.new.items()
    ]  # fmt: skip
    await insert_records(db, StixObject, _COLUMNS, records)
    await _supersede(db, winners, have)
    live = (key for key, draft in plan.new.items() if winners[key[0]] == key and not draft.revoked)
    await _index(db, {ids[key]: found[key][0] for key in live})
    return ids


def own_tlp(label: TLP | None) -> int:
    """Return how the column `tlp` says an object's own label."""
    return UNMARKED if label is None else int(label)


@lru_cache(maxsize=1024)
def _kinds(labels: tuple[str, ...], indicator_types: tuple[str, ...]) -> tuple[str, ...]:
    """Return both, each word once; most objects of a feed share theirs."""
    return tuple(dict.fromkeys((*labels, *indicator_types)))


async def _fresh_ids(db: AsyncSession, number: int) -> Sequence[int]:
    """Return ids for that many rows; known before the rows are written, they need not be asked for afterwards."""
    connection = await db.connection()
    if dialect(db) == "postgresql":
        drawn = await connection.execute(_SEQUENCE, {"number": number})
        return drawn.scalars().all()
    last = (await connection.execute(select(func.max(col(StixObject.id))))).scalar() or 0
    return range(last + 1, last + number + 1)  # nobody else writes until this transaction ends


async def _supersede(db: AsyncSession, winners: Mapping[str, Key], have: Mapping[str, Sequence[Stored]]) -> None:
    """Take the place of the newest, and the index, from versions that are no longer it."""
    beaten = [
        version.id
        for stix_id, winner in winners.items()
        for version in have.get(stix_id, ())
        if version.latest and (stix_id, version.version, version.spec_version) != winner
    ]
    if beaten:
        connection = await db.connection()
        await connection.execute(update(StixObject).where(col(StixObject.id).in_(beaten)).values(latest=False))
        await _unindex(db, beaten)
        on_lists = update(Assertion).where(col(Assertion.object_id).in_(beaten), col(Assertion.missed).is_not(None))
        await connection.execute(on_lists.values(missed=None))  # nobody expects them on the next list


async def _index(db: AsyncSession, found: Mapping[int, Sequence[Atom]]) -> None:
    """Put keys into the index, save those that are too long for it: they must not stop the page they come with."""
    every = (row for object_id, atoms in found.items() for row in _rows(object_id, atoms))
    rows = [row for row in every if indexable(row[1])]
    await insert_records(db, IndicatorKey, _KEYED, rows)
    await _note_lengths(db, {_length(key) for kind, key, *_ in rows if kind == _IP and not is_single(key)})


async def _note_lengths(db: AsyncSession, lengths: Collection[str]) -> None:
    """Add to the lengths of blocks that the index may hold; one that it holds no more makes no look-up wrong."""
    if lengths:
        row = await db.get(Meta, BLOCK_LENGTHS) or Meta(name=BLOCK_LENGTHS, value="")
        row.value = " ".join(sorted({*row.value.split(), *lengths}))
        db.add(row)


def _length(key: str) -> str:
    """Return the family and the prefix length of a block, for instance `4/24`."""
    return f"{key[0]}/{int(key.rpartition('/')[2])}"


def _rows(object_id: int, found: Sequence[Atom]) -> Collection[_Indexed]:
    """Return the rows of an object's keys, each once: what fulfils the pattern alone, or is no host, says more."""
    if len(found) == 1:
        return (_row(object_id, found[0]),)
    rows: dict[tuple[str, str], _Indexed] = {}
    for row in (_row(object_id, atom) for atom in found):
        kind, key, _, only_url, certain = rows.get(row[:2], row)
        rows[row[:2]] = (kind, key, object_id, only_url and row[3], certain or row[4])
    return rows.values()


def _row(object_id: int, atom: Atom) -> _Indexed:
    return atom.kind.value, index_key(atom), object_id, is_host_of_url(atom), atom.certain


async def _unindex(db: AsyncSession, object_ids: Collection[int]) -> None:
    """Take what is about these objects out of the index: it is found by what they say."""
    connection = await db.connection()
    await connection.execute(delete(IndicatorKey).where(text(PRODUCT), col(IndicatorKey.object_id).in_(object_ids)))
    columns = (col(StixObject.id), col(StixObject.pattern))
    said = select(*columns).where(col(StixObject.id).in_(object_ids), col(StixObject.pattern_type) == "stix")
    stored = [(number, pattern) for number, pattern in await connection.execute(said) if number and pattern]
    rows = [row for number, pattern in stored for row in _rows(number, of_pattern(pattern)[0])]
    if rows:
        keys = [{"_kind": kind, "_key": key, "_object_id": number} for kind, key, number, *_ in rows]
        await connection.execute(_UNINDEX, keys)


async def relabel(db: AsyncSession, labels: Mapping[int, int]) -> None:
    """Set the label that stored versions are marked with."""
    if labels:
        statement = update(StixObject).where(col(StixObject.id) == bindparam("_id")).values(tlp=bindparam("_tlp"))
        rows = [{"_id": object_id, "_tlp": label} for object_id, label in labels.items()]
        await (await db.connection()).execute(statement, rows)
