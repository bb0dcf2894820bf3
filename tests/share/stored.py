"""Objects in the database, as feeds would have brought them."""

from __future__ import annotations

import json
import uuid
from datetime import UTC, datetime
from typing import Any

from sqlmodel import col, select, update

from citysec.access.policy import Role
from citysec.db import Database
from citysec.share import collections
from citysec.share.collections import NewCollection
from citysec.share.membership import Filter
from citysec.tables import Assertion, Feed, StixObject
from citysec.tables.columns import now
from citysec.tlp import TLP
from tests import city

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)


def stix_id(number: int, kind: str = "indicator") -> str:
    """The id of the object with that number."""
    return f"{kind}--{uuid.UUID(int=number, version=4)}"


async def feed(db: Database, name: str = "f") -> None:
    """A feed that may assert objects."""
    async with db.writing() as session:
        session.add(Feed(name=name))


async def put(
    db: Database, number: int, *, label: TLP = TLP.GREEN, modified: datetime = NOON, admit: bool = True, **facts: Any
) -> int:
    """Store one object version, asserted by the feed `f`, and let it into the collections; its row's id comes back."""
    kind = facts.pop("type", "indicator")
    spec = facts.pop("spec_version", "2.1")
    said = {"type": kind, "id": stix_id(number, kind), "spec_version": spec, "modified": modified.isoformat()}
    row = StixObject(
        stix_id=stix_id(number, kind), type=kind, spec_version=spec, version=modified, tlp=label, content_hash="",
        text=json.dumps(said | {"name": f"№ {number}"}, ensure_ascii=False), received_at=now(), **facts,
    )  # fmt: skip
    async with db.writing() as session:
        newest = select(StixObject.version).where(StixObject.stix_id == row.stix_id).order_by(col(StixObject.version))
        others = (await session.exec(newest)).all()
        row.latest = not others or others[-1] < modified
        if row.latest:
            await session.exec(update(StixObject).where(col(StixObject.stix_id) == row.stix_id).values(latest=False))
        session.add(row)
        await session.flush()
        object_id = row.id or 0
        session.add(Assertion(object_id=object_id, feed="f", tlp=label, confidence=60, seen_at=now()))
        await session.flush()
        if admit:
            await collections.admit(session, {"objects": [object_id]})
    return object_id


async def admit(db: Database, *ids: int) -> None:
    """Do what the work `share` does."""
    async with db.writing() as session:
        await collections.admit(session, {"objects": list(ids)})


async def collection(db: Database, slug: str = "main", ceiling: TLP = TLP.RED, wanted: Filter | None = None) -> str:
    """A collection; its id comes back."""
    new = NewCollection(slug=slug, title=slug.title(), ceiling=ceiling, filter=wanted or Filter())
    async with db.writing() as session:
        return (await collections.create(session, new, actor="t")).id


async def reader(db: Database, name: str = "siem", clearance: TLP = TLP.AMBER, *slugs: str) -> str:
    """A machine that may read the collections, `main` where none is named; its token comes back."""
    await city.account(db, name, Role.MACHINE, clearance=clearance)
    for slug in slugs or ("main",):
        async with db.writing() as session:
            await collections.grant(session, slug, name, read=True, write=False, actor="t")
    return await city.token(db, name)
