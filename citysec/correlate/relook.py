"""The stage `relook`: what is stored for lookalikes, made anew after a change of what it was made with.

That is the vocabulary (`playbooks/lookalikes.toml`), the list of public suffixes, dnstwist and the confusables. Nothing
is deleted before it is made again, so no match ends for a while.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import version
from typing import Any, Final

from sqlalchemy import select
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from citysec import outbox, suffixes
from citysec.correlate import claims, lookalikes, subjects, vocabularies
from citysec.correlate.reconcile import LOCK
from citysec.db import alone
from citysec.lookalikes.vocabulary import Vocabulary
from citysec.tables.feeds import StixObject
from citysec.tables.register import Asset

OBJECTS: Final = 1000
ASSETS: Final = 50
"""Of either in one piece of work: the permutations of a name take ten milliseconds."""
_RULES: Final = 3  # counts changes of our own rules of forms


async def begin(db: AsyncSession, vocabulary: Vocabulary) -> None:
    """Have this vocabulary count; where things are stored that were made with another, write the work `relook`."""
    packages = " ".join(f"{name} {version(name)}" for name in ("dnstwist", "confusable-homoglyphs"))
    made_with = f"{packages} suffixes {suffixes.bundled().digest} rules {_RULES}"
    if not await vocabularies.store(db, vocabulary, made_with):
        return
    named = select(col(Asset.id)).where(col(Asset.kind).in_(subjects.WATCHED)).order_by(col(Asset.id))
    ids = (await (await db.connection()).execute(named)).scalars().all()
    outbox.add_parts(db, "relook", "assets", ids, most=ASSETS)
    if (await (await db.connection()).execute(select(col(StixObject.id)).limit(1))).first() is not None:
        outbox.add(db, "relook", {"after": 0})


async def relook(db: AsyncSession, payload: Mapping[str, Any]) -> None:
    """Make anew what is stored of some assets, or of the next indicators; the first is done before the last.

    Args:
        db: the stage's transaction.
        payload: `{"assets": [asset id …]}`, or `{"after": row id of an object}`.
    """
    await alone(db, LOCK)
    if "assets" in payload:
        await subjects.watch(db, payload["assets"], renew=True)
        return
    columns = (col(StixObject.id), col(StixObject.pattern))
    query = select(*columns).where(col(StixObject.id) > payload["after"], col(StixObject.latest))
    query = query.where(col(StixObject.type) == "indicator").order_by(col(StixObject.id)).limit(OBJECTS)
    found = (await (await db.connection()).execute(query)).all()
    objects = {i or 0: claims.atoms(pattern) for i, pattern in found}
    await lookalikes.remember(db, objects)
    if alike := await lookalikes.known(db, objects):
        outbox.add(db, "correlate", {"objects": sorted(alike)})
    if len(found) == OBJECTS:
        outbox.add(db, "relook", {"after": found[-1][0]})
