"""Which observations an indicator may speak of: what was seen, looked up in the indicator index.

Each different fact is looked up once, by equality: names, URLs, mailboxes, hashes as they are, addresses also by the
blocks around them that the index has, or may have where these are many. So the cost hardly grows with the index, and
nothing of it is held in memory.
"""

from __future__ import annotations

import asyncio
from bisect import bisect_left
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from time import thread_time
from typing import Any, Final

import msgspec
from sqlalchemy import select, text
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from citysec import log
from citysec.blocks import BITS, network_keys, parse_network_key, within
from citysec.correlate.patience import Patience
from citysec.db import dialect
from citysec.errors import NotEvaluable
from citysec.observable import Kind, reverse_labels
from citysec.patterning import TRIED_ON, expression, regex
from citysec.tables.feeds import BLOCK, BLOCK_LENGTHS, IndicatorKey
from citysec.tables.work import Meta
from citysec.telemetry import Seen, as_written

Fact = tuple[Kind, str]
"""What is looked up: (kind, key)."""

_log: Final = log.get(__name__)
_KEYS: Final = {
    "sqlite": text(
        "SELECT k.object_id, k.key FROM json_each(:keys) AS asked CROSS JOIN indicator_key AS k"
        " ON k.kind = :kind AND k.key = asked.value AND NOT k.only_url"
    ),
    "postgresql": text(
        "SELECT k.object_id, k.key FROM json_array_elements_text(CAST(:keys AS json)) AS asked(value)"
        ' JOIN indicator_key AS k ON k.kind = :kind AND k.key = asked.value COLLATE "C" AND NOT k.only_url'
    ),
}
_ALL: Final = "SELECT {}(key, ' ') FROM (SELECT key FROM indicator_key {} WHERE {} LIMIT :most) AS blocks"
_BLOCKS: Final = {  # as one text: row by row it takes SQLAlchemy eight times as long
    "sqlite": text(_ALL.format("group_concat", "INDEXED BY ix_indicator_key_block", BLOCK)),
    "postgresql": text(_ALL.format("string_agg", "", BLOCK)),
}
_READ: Final = 8
"""So many blocks for each address are read sooner than those around it are asked for."""
_TRIED: Final = {tried_on: [k for k, on in TRIED_ON.items() if on is tried_on] for tried_on in TRIED_ON.values()}
"""Kind of values -> kinds of the expressions that are tried on them."""
_BEYOND: Final = "~"  # sorts behind all keys


@dataclass(slots=True)
class Sifted:
    """What is left of observations.

    Args:
        seen: those that some indicator may speak of.
        objects: row id of an indicator's version -> the facts by which it may.
    """

    seen: Sequence[Seen] = ()
    objects: dict[int, set[Fact]] = field(default_factory=dict[int, "set[Fact]"])


async def sift(db: AsyncSession, seen: Sequence[Seen]) -> Sifted:
    """Return those of `seen` that have a fact in common with some indicator, and with which."""
    facts, found = _facts(seen), Sifted()
    addresses = _Addresses(facts.pop(Kind.IP, ()))
    for object_id, block in await _indexed(db, Kind.IP, await _around(db, addresses)):
        found.objects.setdefault(object_id, set()).update((Kind.IP, key) for key in addresses.inside(block))
    for kind, keys in facts.items():
        for object_id, key in await _indexed(db, kind, keys):
            found.objects.setdefault(object_id, set()).add((kind, key))
    for kind in _TRIED:
        for object_id, key in await _by_expression(db, kind, facts.get(kind, ()), seen):
            found.objects.setdefault(object_id, set()).add((kind, key))
    touched = {key for several in found.objects.values() for _, key in several}  # keys of different kinds differ
    found.seen = [one for one in seen if not touched.isdisjoint([fact.found.key for fact in one.facts])]
    return found


def _facts(seen: Iterable[Seen]) -> dict[Kind, set[str]]:
    found: dict[Kind, set[str]] = {}
    for one in seen:
        for fact in one.facts:
            keys = found.get(fact.found.kind)
            if keys is None:
                found[fact.found.kind] = {fact.found.key}
            else:
                keys.add(fact.found.key)
    return found


class _Addresses:
    """The addresses, or blocks, that were seen."""

    def __init__(self, keys: Iterable[str]) -> None:
        self.keys: Final = sorted(keys)

    def inside(self, block: str) -> list[str]:
        """Return the keys of those that are the block of that key, or lie inside it."""
        low, high = within(block)
        return self.keys[bisect_left(self.keys, low) : bisect_left(self.keys, high)]

    def within(self, blocks: Iterable[str]) -> Iterator[str]:
        """Yield those of the keys of blocks in which something was seen."""
        ordered = [*self.keys, _BEYOND]
        for block in blocks:
            nearest, digits = ordered[bisect_left(ordered, block)], int(block.rpartition("/")[2]) // 4
            if nearest.startswith(block[: len("4/") + digits]) and self.inside(block):  # nearly none comes so far
                yield block

    def around(self, lengths: Iterable[tuple[int, int]]) -> set[str]:
        """Return the keys of the blocks of these (family, prefix length) around those that were seen."""
        seen: dict[tuple[int, int], list[int]] = {}
        for key in self.keys:
            family, prefix, number = parse_network_key(key)
            seen.setdefault((family, prefix), []).append(number)
        found: set[str] = set()
        for family, length in lengths:
            shift = BITS[family] - length
            of_family = [numbers for (its, prefix), numbers in seen.items() if its == family and length <= prefix]
            starts = {number >> shift << shift for numbers in of_family for number in numbers}
            found.update(network_keys(family, length, starts))
        return found


async def _around(db: AsyncSession, addresses: _Addresses) -> Collection[str]:
    """Return the keys of `addresses`, and of the blocks around them that the index may have."""
    lengths = await _lengths(db) if addresses.keys else ()
    if not lengths:
        return addresses.keys
    most = _READ * len(addresses.keys)
    found = await (await db.connection()).execute(_BLOCKS[dialect(db)], {"most": most + 1})
    blocks = str(found.scalar() or "").split()
    return {*addresses.keys, *(addresses.within(blocks) if len(blocks) <= most else addresses.around(lengths))}


async def _indexed(db: AsyncSession, kind: Kind, keys: Collection[str]) -> Sequence[tuple[int, str]]:
    """Return (row id of an indicator's version, key) for each of `keys` that the index has."""
    if not keys:
        return []
    ordered = sorted(keys)  # in the order of the index its pages come once
    asked = {"kind": kind.value, "keys": msgspec.json.encode(ordered).decode()}
    rows = await (await db.connection()).execute(_KEYS[dialect(db)], asked)
    return [(row[0], row[1]) for row in rows]


async def _lengths(db: AsyncSession) -> list[tuple[int, int]]:
    """Return (family, prefix length) of the blocks that the index may hold."""
    noted = await db.get(Meta, BLOCK_LENGTHS, populate_existing=True)
    blocks = (one.split("/") for one in (noted.value.split() if noted else ()))
    return [(int(family), int(length)) for family, length in blocks]


async def _by_expression(
    db: AsyncSession, kind: Kind, keys: Collection[str], seen: Sequence[Seen]
) -> list[tuple[int, str]]:
    """Return the same for names, or URLs, that LIKE or MATCHES fits: in canonical form, or as they were written."""
    if not keys:
        return []
    columns = (col(IndicatorKey.object_id), col(IndicatorKey.kind), col(IndicatorKey.key))
    rows = await (await db.connection()).execute(select(*columns).where(col(IndicatorKey.kind).in_(_TRIED[kind])))
    indexed = rows.all()
    return await asyncio.to_thread(_fitting, indexed, _texts(kind, keys, seen)) if indexed else []


def _texts(kind: Kind, keys: Iterable[str], seen: Iterable[Seen]) -> dict[str, set[str]]:
    """Return what expressions are tried on -> the keys of which it is a spelling."""
    found: dict[str, set[str]] = {}
    for key in keys:
        text = reverse_labels(key) if kind is Kind.NAME else key
        found.setdefault(regex.composed(text), set()).add(key)
    for fact, text in (each for one in seen if one.whole is not None for each in as_written(one)):
        if fact.found.kind is kind:
            found.setdefault(regex.composed(text), set()).add(fact.found.key)
    return found


def _fitting(indexed: Iterable[Sequence[Any]], texts: Mapping[str, Collection[str]]) -> list[tuple[int, str]]:
    lines = regex.one_a_line(texts)
    labels = set(regex.parts(lines))
    expressions: dict[tuple[str, str], list[int]] = {}
    for object_id, kind, key in indexed:
        label, _, written = key.partition(" ")
        if label in labels:
            expressions.setdefault((kind, written), []).append(object_id)
    found, octets = list[tuple[int, str]](), lines.encode()
    patience = Patience(len(octets), thread_time)
    for (kind, written), object_ids in expressions.items():
        patience.begin()
        try:
            for fitting in expression(Kind(kind), written).matching(octets, patience):
                found += ((object_id, key) for object_id in object_ids for key in texts[fitting])
        except NotEvaluable:
            _log.warning("sighting.undecided", objects=object_ids, observations=len(texts))
    return found
