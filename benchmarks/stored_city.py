"""A database with a made-up register and index, for the benchmark of correlation: as ingest and an import leave it.

Ten keys stand for each object that touches nothing: what matters to a look-up is how many keys there are. One key in
two hundred is an expression.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from itertools import islice
from typing import Any, Final

from pydantic_core import PydanticUndefined
from sqlmodel import SQLModel

from benchmarks import made_city
from citysec.bulk import insert_many
from citysec.db import Database
from citysec.patterning import compile, index_key  # noqa: A004
from citysec.tables import Assertion, Asset, AssetOwner, Constituent, Feed, IndicatorKey, StixObject

PLANTED: Final = 10_000
"""Indicators that each touch one asset."""
_PER_OBJECT: Final = 10
_EXPRESSION_EVERY: Final = 200
_AT_ONCE: Final = 20_000
_AT: Final = datetime.fromisoformat(made_city.AT)
_Rows = Iterator[Mapping[str, Any]]


async def fill(database: Database, keys: int, assets: int) -> None:
    """Store so many assets and keys."""
    async with database.writing() as db:
        db.add(Feed(name="made-up"))
        db.add(Constituent(id="camden", slug="camden", name="Camden", kind="body", sector="any"))
    await _put(database, Asset, _assets(assets))
    await _put(database, AssetOwner, _owners(assets))
    await _put(database, StixObject, _objects(keys // _PER_OBJECT, assets))
    await _put(database, Assertion, (_said(keys // _PER_OBJECT + n) for n in range(PLANTED)))
    await _put(database, IndicatorKey, _keys(keys, assets))


def touched(assets: int) -> Iterator[tuple[int, int]]:
    """Yield which object of those planted touches which asset; both numbers count from 0."""
    return ((number, number * 7919 % assets) for number in range(PLANTED))


async def _put(database: Database, table: type[SQLModel], rows: _Rows) -> None:
    given = {name: field.get_default(call_default_factory=True) for name, field in table.model_fields.items()}
    defaults = {name: value for name, value in given.items() if value is not PydanticUndefined and value is not None}
    while part := [{**defaults, **row} for row in islice(rows, _AT_ONCE)]:
        async with database.writing() as db:
            await insert_many(db, table, part)


def _assets(assets: int) -> _Rows:
    for asset in made_city.register(assets):
        about = {"kind": asset.kind, "value": asset.key, "scope": asset.scope, "key": asset.key}
        yield {"id": asset.id + 1, "key_kind": asset.kind, **about}


def _owners(assets: int) -> _Rows:
    about = {"constituent_id": "camden", "registered_at": _AT}
    return ({"ref": str(n), "asset_id": n + 1, **about} for n in range(assets))


def _objects(harmless: int, assets: int) -> _Rows:
    yield from (_object(number, None) for number in range(harmless))
    for number, asset in touched(assets):
        path, said = made_city.touching(asset)
        yield _object(harmless + number, made_city.pattern(path, said.value))


def _object(number: int, pattern: str | None) -> Mapping[str, Any]:
    return {
        "id": number + 1, "stix_id": made_city.stix_id("indicator", number), "type": "indicator", "spec_version": "2.1",
        "version": _AT, "latest": True, "revoked": False, "valid_from": _AT, "pattern": pattern, "pattern_type": "stix",
        "labels": [], "tlp": 1, "content_hash": "", "text": "{}", "received_at": _AT,
    }  # fmt: skip


def _said(number: int) -> Mapping[str, Any]:
    return {
        "object_id": number + 1, "feed": "made-up", "tlp": 1, "confidence": 80, "labels": [], "facts": {},
    }  # fmt: skip


def _keys(keys: int, assets: int) -> _Rows:
    for number in range(keys):
        yield _key(number // _PER_OBJECT, *_harmless(number))
    for number, asset in touched(assets):
        _, said = made_city.touching(asset)
        yield _key(keys // _PER_OBJECT + number, said.kind, said.key)


def _harmless(number: int) -> tuple[str, str]:
    if number % _EXPRESSION_EVERY == 0:
        (atom,) = compile(f"[domain-name:value LIKE '%.login{number}.host{number % 9973}.test']").atoms
        return atom.kind, index_key(atom)
    _, said = made_city.harmless(number)
    return said.kind, said.key


def _key(number: int, kind: str, key: str) -> Mapping[str, Any]:
    return {"kind": str(kind), "key": key, "object_id": number + 1}
