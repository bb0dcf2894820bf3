"""What the lines of a register file would be matched with, before anybody is told."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlmodel.ext.asyncio.session import AsyncSession

from citysec import announced
from citysec.constituency.lines import Line
from citysec.constituency.plan import Plan
from citysec.correlate.history import History, histories
from citysec.correlate.retro import batches
from citysec.correlate.rules import RegisteredAsset
from citysec.observable import AssetKind

_ASSETS = 500  # whose history is read at once


def new(plan: Plan[Line]) -> list[Line]:
    """Return the lines of a plan that bring an asset: those added, and those whose asset is another, if verified.

    A history is not for those who say only that an asset is theirs.
    """
    changed = (change for change in plan.changed if _identity(change.before) != _identity(change.after))
    return [line for line in (*plan.added, *(change.after for change in changed)) if line.verified is not False]


async def retrospect(db: AsyncSession, lines: Sequence[Line], at: datetime) -> dict[str, History]:
    """Return the id of each line whose asset has a history -> that history."""
    distinct = {_identity(line): line for line in lines}
    numbers = {identity: number for number, identity in enumerate(distinct)}
    systems = {int(line.asset.key) for line in distinct.values() if line.kind is AssetKind.ASN}
    shares = await announced.shares_of(db, systems)
    assets = [
        RegisteredAsset(n, one.kind, one.asset.key, one.scope, shares.get(int(one.asset.key), ()))
        if one.kind is AssetKind.ASN
        else RegisteredAsset(n, one.kind, one.asset.key, one.scope)
        for n, one in enumerate(distinct.values())
    ]
    found: dict[int, History] = {}
    for part in batches(assets, _ASSETS):
        found |= await histories(db, part, at)
    return {line.ref: found[number] for line in lines if (number := numbers[_identity(line)]) in found}


def _identity(line: Line) -> tuple[str, str, str]:
    return line.kind, line.asset.key, line.scope
