"""Object versions in the database, and the index of the newest indicators' atoms."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

from sqlalchemy import bindparam, delete, func, select, text, update
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from citysec.blocks import is_single
from citysec.db import dialect, insert_many
from citysec.feeds.atoms import atoms, is_host_of_url, of_pattern
from citysec.feeds.versions import Key, Plan, Stored, newest
from citysec.observable import Kind
from citysec.patterning import Atom, index_key
from citysec.tables import Assertion, IndicatorKey, Meta, StixObject
from citysec.tables.columns import indexable
from citysec.tables.feeds import BLOCK_LENGTHS, PRODUCT

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
    rows = await connection.execute(select(*_VERSION).where(col(StixObject.stix_id).in_(stix_ids)))
    found: dict[str, list[Stored]] = {}
    for row in rows:
        found.setdefault(row.stix_id, []).append(Stored(*row))
    return found


async def store(
    db: AsyncSession, plan: Plan, have: Mapping[str, Sequence[Stored]], rows: Mapping[Key, dict[str, Any]]
) -> dict[Key, int]:
    """Insert the new versions of `plan`, move `latest` and the index to the newest of each id, and return their ids.

    Args:
        db: the session of the caller; it commits.
        plan: what to store.
        have: the versions that were here before, by STIX id.
        rows: the columns of each new version; `id`, `latest` and `pattern_error` are put in here.
    """
    if not plan.new:
        return {}
    winners = newest(plan.new, have)
    found = {key: atoms(draft) for key, draft in plan.new.items()}
    ids = dict(zip(plan.new, await _fresh_ids(db, len(plan.new)), strict=True))
    for key, row in rows.items():
        row.update(id=ids[key], latest=winners[key[0]] == key, pattern_error=found[key][1])
    await insert_many(db, StixObject, list(rows.values()))
    await _supersede(db, winners, have)
    live = (key for key, draft in plan.new.items() if winners[key[0]] == key and not draft.revoked)
    await _index(db, {ids[key]: found[key][0] for key in live})
    return ids


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
    rows = [row for row in every if indexable(row["key"])]
    await insert_many(db, IndicatorKey, rows)
    await _note_lengths(db, {_length(row["key"]) for row in rows if row["kind"] == _IP and not is_single(row["key"])})


async def _note_lengths(db: AsyncSession, lengths: Collection[str]) -> None:
    """Add to the lengths of blocks that the index may hold; one that it holds no more makes no look-up wrong."""
    if lengths:
        row = await db.get(Meta, BLOCK_LENGTHS) or Meta(name=BLOCK_LENGTHS, value="")
        row.value = " ".join(sorted({*row.value.split(), *lengths}))
        db.add(row)


def _length(key: str) -> str:
    """Return the family and the prefix length of a block, for instance `4/24`."""
    return f"{key[0]}/{int(key.rpartition('/')[2])}"


def _rows(object_id: int, found: Sequence[Atom]) -> Collection[dict[str, Any]]:
    """Return the rows of an object's keys, each once: what fulfils the pattern alone, or is no host, says more."""
    if len(found) == 1:
        return (_row(object_id, found[0]),)
    rows: dict[tuple[str, str], dict[str, Any]] = {}
    for row in (_row(object_id, atom) for atom in found):
        known = rows.setdefault((row["kind"], row["key"]), row)
        if known is not row:
            known["only_url"] = known["only_url"] and row["only_url"]
            known["certain"] = known["certain"] or row["certain"]
    return rows.values()


def _row(object_id: int, atom: Atom) -> dict[str, Any]:
    return {
        "kind": atom.kind.value,
        "key": index_key(atom),
        "object_id": object_id,
        "only_url": is_host_of_url(atom),
        "certain": atom.certain,
    }


async def _unindex(db: AsyncSession, object_ids: Collection[int]) -> None:
    """Take what is about these objects out of the index: it is found by what they say."""
    connection = await db.connection()
    await connection.execute(delete(IndicatorKey).where(text(PRODUCT), col(IndicatorKey.object_id).in_(object_ids)))
    columns = (col(StixObject.id), col(StixObject.pattern))
    said = select(*columns).where(col(StixObject.id).in_(object_ids), col(StixObject.pattern_type) == "stix")
    stored = [(number, pattern) for number, pattern in await connection.execute(said) if number and pattern]
    rows = [row for number, pattern in stored for row in _rows(number, of_pattern(pattern)[0])]
    if rows:
        await connection.execute(
            _UNINDEX, [{f"_{name}": row[name] for name in ("kind", "key", "object_id")} for row in rows]
        )


async def relabel(db: AsyncSession, labels: Mapping[int, int]) -> None:
    """Set the label that stored versions are marked with."""
    if labels:
        statement = update(StixObject).where(col(StixObject.id) == bindparam("_id")).values(tlp=bindparam("_tlp"))
        rows = [{"_id": object_id, "_tlp": label} for object_id, label in labels.items()]
        await (await db.connection()).execute(statement, rows)
