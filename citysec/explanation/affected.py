"""Whose software has a vulnerability: what its open matches say, for versions are not compared anew."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from typing import Final

from sqlalchemy import select
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from citysec.access import policy
from citysec.access.policy import Principal
from citysec.correlate.batches import batches
from citysec.correlate.prospect import SHOWN, Prospect, Touched
from citysec.correlate.rules import Relation
from citysec.tables.matches import Match
from citysec.tables.register import Asset, AssetOwner, Constituent

_IDS: Final = 500  # ids in one statement
_ASSET: Final = (col(Match.indicator_id), col(Asset.id), col(Asset.value), col(Match.certain))
_OWNER: Final = (col(Constituent.name), col(Constituent.slug))


async def affected(db: AsyncSession, stix_ids: Collection[str], reader: Principal) -> dict[str, Prospect]:
    """Return vulnerability -> the registered software that has it, or may have it; those that none has are left out."""
    query = (
        select(*_ASSET, *_OWNER)
        .join(Asset, col(Asset.id) == col(Match.asset_id))
        .join(AssetOwner, col(AssetOwner.asset_id) == col(Asset.id))
        .join(Constituent, col(Constituent.id) == col(AssetOwner.constituent_id))
        .where(policy.matches(reader), col(Match.closed_at).is_(None))
        .order_by(col(Match.certain).desc(), col(Asset.id), col(Constituent.name))
    )
    if not reader.of_city:
        query = query.where(policy.owners(reader))
    connection, found = await db.connection(), dict[str, dict[int, Touched]]()
    for part in batches(sorted(stix_ids), _IDS):
        for stix_id, asset_id, value, certain, name, slug in await connection.execute(
            query.where(col(Match.indicator_id).in_(part))
        ):
            relation = Relation.AFFECTED if certain else Relation.POSSIBLE
            _add(found.setdefault(stix_id, {}), Touched(asset_id or 0, value, relation, certain, (name,), (slug,)))
    return {stix_id: Prospect(len(several), tuple(several.values())[:SHOWN], ()) for stix_id, several in found.items()}


def _add(several: dict[int, Touched], one: Touched) -> None:
    """Add an asset with one owner, or that owner to the asset."""
    known = several.get(one.asset_id)
    if known is not None:
        one = replace(one, owners=known.owners + one.owners, slugs=known.slugs + one.slugs)
    several[one.asset_id] = one
