"""What patterns would touch in the register, before anything is stored."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import select
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from citysec.correlate import warnings
from citysec.correlate.assets import whole_register
from citysec.correlate.rules import Relation
from citysec.correlate.touch import Touch, touches
from citysec.correlate.warned import WarningIndex
from citysec.errors import InvalidInput
from citysec.patterning import Atom, compile  # noqa: A004
from citysec.tables.register import Asset, AssetOwner, Constituent

SHOWN: Final = 3
"""Assets of one pattern that are named."""


@dataclass(frozen=True, slots=True)
class Touched:
    """A registered asset, how it would be touched, and the names of those who own it."""

    asset: str
    relation: Relation
    certain: bool
    owners: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Prospect:
    """How many assets a pattern would touch, those that it would touch most closely, and the warning lists it is on."""

    count: int
    closest: tuple[Touched, ...]
    warned: tuple[str, ...]


async def prospects(db: AsyncSession, patterns: Iterable[str]) -> dict[str, Prospect]:
    """Return pattern -> what it would touch; what touches nothing and is on no warning list is left out."""
    index, lists = (await whole_register(db)).index, await warnings.current(db)
    atoms = {pattern: _atoms(pattern) for pattern in patterns}
    hits = {pattern: touches(found, (), index) for pattern, found in atoms.items()}
    warned = {pattern: _warned(lists, found) for pattern, found in atoms.items()}
    closest = {p: sorted(hit, key=lambda i, hit=hit: hit[i].rank)[:SHOWN] for p, hit in hits.items()}
    names = await _named(db, {asset for ids in closest.values() for asset in ids})
    return {
        pattern: Prospect(len(hit), tuple(_touched(hit[i], *names[i]) for i in closest[pattern]), warned[pattern])
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


def _touched(touch: Touch, asset: str, owners: list[str]) -> Touched:
    return Touched(asset, touch.relation, touch.certain, tuple(owners))


async def _named(db: AsyncSession, asset_ids: Iterable[int]) -> dict[int, tuple[str, list[str]]]:
    """Return asset id -> its value as registered, and the names of its owners."""
    query = (
        select(col(Asset.id), col(Asset.value), col(Constituent.name))
        .join(AssetOwner, col(AssetOwner.asset_id) == col(Asset.id))
        .join(Constituent, col(Constituent.id) == col(AssetOwner.constituent_id))
        .where(col(Asset.id).in_(list(asset_ids)))
        .order_by(col(Constituent.name))
    )
    named: dict[int, tuple[str, list[str]]] = {}
    for asset_id, value, owner in await (await db.connection()).execute(query):
        named.setdefault(asset_id or 0, (value, []))[1].append(owner)
    return named
