"""What an indicator just misses: names and addresses that seem a constituent's own, and by our rules are not."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Final

from sqlalchemy import and_, or_, select
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from citysec.announced import announcing
from citysec.blocks import network_text, parse_network_key
from citysec.observable import AssetKind, Kind, Scope, below, parents, reverse_labels
from citysec.patterning import Atom
from citysec.suffixes import is_public
from citysec.tables.register import Asset, AssetOwner

_NAMED: Final = (AssetKind.DOMAIN, AssetKind.HOST)
_TRIED: Final = 20  # names of one pattern


async def missed(db: AsyncSession, atoms: Sequence[Atom], constituent_id: str) -> str:
    """Return a sentence about the first thing that comes near to what the constituent owns; empty where none does."""
    names = dict.fromkeys(atom.key for atom in atoms if atom.kind is Kind.NAME)
    for key in list(names)[:_TRIED]:
        name = reverse_labels(key)
        if is_public(name):
            return f"{name} is a public suffix: what is below it has many owners, and it is nobody's."
        if sentence := await _of_name(db, key, name, constituent_id):
            return sentence
    blocks = dict.fromkeys(atom.key for atom in atoms if atom.kind is Kind.IP)
    systems = await _systems(db, constituent_id) if blocks else ()
    for key in list(blocks)[:_TRIED] if systems else ():
        if sentence := await _of_block(db, key, systems):
            return sentence
    return ""


async def _systems(db: AsyncSession, constituent_id: str) -> Collection[int]:
    """Return the numbers of the constituent's autonomous systems."""
    query = select(col(Asset.key)).join(AssetOwner, col(AssetOwner.asset_id) == col(Asset.id))
    query = query.where(col(AssetOwner.constituent_id) == constituent_id, col(Asset.kind) == AssetKind.ASN)
    return {int(key) for key in (await (await db.connection()).execute(query)).scalars()}


async def _of_block(db: AsyncSession, key: str, systems: Collection[int]) -> str:
    """Say which longer prefix takes addresses out of one that the constituent announces."""
    found = await announcing(db, key)
    mine = [one for one in found if one.system in systems]
    if not mine:
        return ""
    near, nearest = mine[-1], found[-1]
    wide, longer = (network_text(*parse_network_key(one.key)) for one in (near, nearest))
    announced = f"AS{near.system} announces {wide}, but AS{nearest.system} the longer {longer}"
    return f"{announced}: an address is whose the longest prefix is."


async def _of_name(db: AsyncSession, key: str, name: str, constituent_id: str) -> str:
    low, high = below(key)
    above = and_(col(Asset.key) >= low, col(Asset.key) < high)
    beside = col(Asset.key).in_(list(parents(key)))
    query = (
        select(col(Asset.value), col(Asset.key), col(Asset.scope))
        .join(AssetOwner, col(AssetOwner.asset_id) == col(Asset.id))
        .where(col(AssetOwner.constituent_id) == constituent_id, col(Asset.kind).in_(_NAMED))
        .where(or_(above, beside))
        .order_by(col(Asset.key))
        .limit(1)
    )
    found = (await (await db.connection()).execute(query)).first()
    if found is None:
        return ""
    value, asset_key, scope = found
    if len(asset_key) > len(key):
        return f"{name} stands above {value}, which is registered: what is said of a name does not hold below it."
    if scope == Scope.TREE:
        return f"{value} is registered with all below it, but is a public suffix: what is below it has many owners."
    return f"{value} is registered as exactly that name, not with what is below it."
