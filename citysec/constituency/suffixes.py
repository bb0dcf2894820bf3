"""Registered trees that a newer list of public suffixes calls nobody's, and those that it does no longer.

A tree is refused when it is registered as one, but lists change with each version of citysec. What is stored is judged
by the list that it was last judged with, so that one process cannot see it otherwise than another.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import select
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from citysec import log, outbox
from citysec.access import audit
from citysec.constituency import register
from citysec.db import alone
from citysec.observable import AssetKind, Scope, reverse_labels
from citysec.suffixes import Suffixes
from citysec.tables.register import Asset
from citysec.tables.work import Meta

DIGEST: Final = "suffixes.digest"
"""Name of the `Meta` row that says by which list trees were judged."""
NOBODYS: Final = "suffixes.nobodys"
"""Name of the `Meta` row with the keys of those that are public suffixes, apart by blanks; correlation reads it."""
ASSETS: Final = 200
"""Assets in one piece of work: each may have many indicators."""
_LOCK: Final = "suffixes"

_log: Final = log.get(__name__)


async def judge(db: AsyncSession, suffixes: Suffixes) -> None:
    """Have trees that are public suffixes reach no name below them, and those that are none any more reach them again.

    Only the matches of trees that are judged otherwise than before are looked at again, by work `rejudge`; nothing is
    done where the list is the one of the last time.
    """
    if await _said(db, DIGEST) == suffixes.digest:
        return
    await alone(db, _LOCK)
    before = set((await _said(db, NOBODYS)).split())
    tree = (col(Asset.kind) == AssetKind.DOMAIN, col(Asset.scope) == Scope.TREE)
    rows = (await (await db.connection()).execute(select(col(Asset.key), col(Asset.id)).where(*tree))).all()
    after = {key for key, _ in rows if reverse_labels(key) in suffixes}
    await db.merge(Meta(name=DIGEST, value=suffixes.digest))
    await db.merge(Meta(name=NOBODYS, value=" ".join(sorted(after))))
    concerned = sorted(asset_id or 0 for key, asset_id in rows if (key in before) != (key in after))
    if not concerned:
        return
    await register.revise(db)
    outbox.add_parts(db, "rejudge", "assets", concerned, most=ASSETS)
    names = {
        "public": sorted(map(reverse_labels, after - before)),
        "again": sorted(map(reverse_labels, before - after)),
    }
    await audit.record(db, "citysec", "suffixes.judge", "register", {"list": suffixes.digest, **names})
    _log.warning("suffixes.changed", public=len(after - before), again=len(before - after), list=suffixes.digest)


async def _said(db: AsyncSession, name: str) -> str:
    row = await db.get(Meta, name, populate_existing=True)
    return row.value if row else ""
