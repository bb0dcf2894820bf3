"""What patterns would touch in the register, before anything is stored."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from time import thread_time
from typing import Final

from sqlalchemy import ColumnElement, select
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from citysec import log
from citysec.correlate import lookalikes, warnings
from citysec.correlate.assets import whole_register
from citysec.correlate.batches import batches
from citysec.correlate.index import AssetIndex
from citysec.correlate.lookalikes import NO_RESEMBLANCE, Said
from citysec.correlate.patience import PATTERN, Patience
from citysec.correlate.rules import Relation
from citysec.correlate.touch import Touch, touches
from citysec.correlate.warned import WarningIndex
from citysec.errors import InvalidInput
from citysec.patterning import Atom, compile  # noqa: A004
from citysec.tables.register import Asset, AssetOwner, Constituent

_log: Final = log.get(__name__)
_IDS: Final = 500  # ids in one statement
SHOWN: Final = 3
"""Assets of one pattern that are named."""


@dataclass(frozen=True, slots=True)
class Touched:
    """A registered asset, how it would be touched, and the names of those who own it; their slugs beside."""

    asset_id: int
    asset: str
    relation: Relation
    certain: bool
    owners: tuple[str, ...]
    slugs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Prospect:
    """How many assets a pattern would touch, those that it would touch most closely, and the warning lists it is on."""

    count: int
    closest: tuple[Touched, ...]
    warned: tuple[str, ...]


async def prospects(
    db: AsyncSession, patterns: Iterable[str], owners: ColumnElement[bool] | None = None
) -> dict[str, Prospect]:
    """Return pattern -> what it would touch; what touches nothing and is on no warning list is left out.

    With `owners` only the assets and owners count whose `AssetOwner` rows it admits.
    """
    index, lists = (await whole_register(db)).index, await warnings.current(db)
    atoms = {pattern: _atoms(pattern) for pattern in patterns}
    hits = await asyncio.to_thread(_hits, atoms, index)
    alike = await lookalikes.resembling(db, {pattern: Said(found) for pattern, found in atoms.items()}, lists)
    hits = {p: {**alike.get(p, NO_RESEMBLANCE).touches, **hit} for p, hit in hits.items()}
    if owners is not None:
        known = await _known(db, {asset for hit in hits.values() for asset in hit}, owners)
        hits = {p: {asset: touch for asset, touch in hit.items() if asset in known} for p, hit in hits.items()}
    warned = {pattern: _warned(lists, found) for pattern, found in atoms.items()}
    closest = {p: sorted(hit, key=lambda i, hit=hit: hit[i].rank)[:SHOWN] for p, hit in hits.items()}
    names = await _named(db, {asset for ids in closest.values() for asset in ids}, owners)
    return {
        pattern: Prospect(len(hit), tuple(_touched(hit[i], i, names[i]) for i in closest[pattern]), warned[pattern])
        for pattern, hit in hits.items()
        if hit or warned[pattern]
    }


def _atoms(pattern: str) -> Sequence[Atom]:
    try:
        return compile(pattern).atoms
    except InvalidInput:
        return ()


def _warned(lists: WarningIndex, atoms: Iterable[Atom]) -> tuple[str, ...]:
    verdicts = [verdict for atom in atoms if (verdict := lists.verdict(atom))]
    return tuple(dict.fromkeys(name for verdict in verdicts for name in verdict.lists))


def _touched(touch: Touch, asset_id: int, named: _Named) -> Touched:
    names = tuple(name for name, _ in named.owners)
    return Touched(asset_id, named.asset, touch.relation, touch.certain, names, tuple(slug for _, slug in named.owners))


def _hits(atoms: Mapping[str, Sequence[Atom]], index: AssetIndex[int]) -> dict[str, dict[int, Touch]]:
    patience = Patience(index.size, thread_time, PATTERN)
    hits = {pattern: touches(found, (), index, patience=patience) for pattern, found in atoms.items()}
    if patience.spent:
        _log.warning("prospect.undecided", patterns=patience.spent, size=index.size)
    return hits


async def _known(db: AsyncSession, asset_ids: Iterable[int], owners: ColumnElement[bool]) -> set[int]:
    """Return those of the assets of which `owners` admits an owner."""
    connection, known = await db.connection(), set[int]()
    for part in batches(sorted(asset_ids), _IDS):
        query = select(col(AssetOwner.asset_id)).where(owners, col(AssetOwner.asset_id).in_(part))
        known.update((await connection.execute(query)).scalars())
    return known


@dataclass(frozen=True, slots=True)
class _Named:
    """An asset's value as registered, and its owners: name and slug."""

    asset: str
    owners: list[tuple[str, str]]


async def _named(db: AsyncSession, asset_ids: Iterable[int], owners: ColumnElement[bool] | None) -> dict[int, _Named]:
    query = (
        select(col(Asset.id), col(Asset.value), col(Constituent.name), col(Constituent.slug))
        .join(AssetOwner, col(AssetOwner.asset_id) == col(Asset.id))
        .join(Constituent, col(Constituent.id) == col(AssetOwner.constituent_id))
        .order_by(col(Constituent.name))
    )
    connection, named = await db.connection(), dict[int, _Named]()
    for part in batches(sorted(asset_ids), _IDS):
        here = (col(Asset.id).in_(part),) if owners is None else (col(Asset.id).in_(part), owners)
        for asset_id, value, name, slug in await connection.execute(query.where(*here)):
            named.setdefault(asset_id or 0, _Named(value, [])).owners.append((name, slug))
    return named
