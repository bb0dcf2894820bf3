"""Which observations an indicator may speak of: what was seen, looked up in the indicator index.

Each different fact is looked up once, by equality: names, URLs, mailboxes, hashes as they are, addresses also by every
block around them of a length that the index has. So the cost hardly grows with the index, and nothing of it is held
in memory.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import msgspec
from sqlalchemy import select, text
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from citysec.blocks import BITS, network_keys, parse_network_key
from citysec.correlate.lookups import EXPRESSIONS
from citysec.db import dialect
from citysec.observable import Kind, reverse_labels
from citysec.patterning import regex
from citysec.tables.feeds import BLOCK_LENGTHS, IndicatorKey
from citysec.tables.work import Meta
from citysec.telemetry import Seen

Fact = tuple[Kind, str]
"""What is looked up: (kind, key)."""

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
_SINGLE: Final = tuple(BITS.items())


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
    facts = _facts(seen)
    found = Sifted()
    addresses = _Addresses(facts.get(Kind.IP, ()))
    for kind, keys in facts.items():
        if kind is not Kind.IP:
            for object_id, key in await _indexed(db, kind, keys):
                found.objects.setdefault(object_id, set()).add((kind, key))
    lengths = await _lengths(db) if Kind.IP in facts else ()
    for object_id, key in await _indexed(db, Kind.IP, addresses.around(lengths)):
        found.objects.setdefault(object_id, set()).update((Kind.IP, inside) for inside in addresses.inside(key))
    for object_id, key in await _by_expression(db, facts.get(Kind.NAME, ())):
        found.objects.setdefault(object_id, set()).add((Kind.NAME, key))
    touched = {key for several in found.objects.values() for _, key in several}  # keys of different kinds differ
    found.seen = [one for one in seen if not touched.isdisjoint([fact.found.key for fact in one.facts])]
    return found


def _facts(seen: Iterable[Seen]) -> Mapping[Kind, set[str]]:
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
        self._seen: dict[tuple[int, int], dict[int, str]] = {}
        for key in keys:
            family, prefix, number = parse_network_key(key)
            self._seen.setdefault((family, prefix), {})[number] = key

    def around(self, lengths: Iterable[tuple[int, int]]) -> list[str]:
        """Return the keys of the blocks of these (family, prefix length) around those that were seen."""
        found: list[str] = []
        for family, length in lengths:
            of_family = [(prefix, numbers) for (its, prefix), numbers in self._seen.items() if its == family]
            starts = [_starts(family, length, numbers) for prefix, numbers in of_family if length <= prefix]
            found += network_keys(family, length, sorted(set[int]().union(*starts)))
        return found

    def inside(self, key: str) -> Iterator[str]:
        """Yield the keys of those that were seen inside the block `key`."""
        family, length, block = parse_network_key(key)
        shift = BITS[family] - length
        for (its, prefix), numbers in self._seen.items():
            if its != family or prefix < length:
                continue
            if prefix == length:
                yield from (numbers[block],) if block in numbers else ()
            else:
                yield from (one for number, one in numbers.items() if number >> shift << shift == block)


def _starts(family: int, length: int, numbers: Iterable[int]) -> set[int]:
    shift = BITS[family] - length
    return {number >> shift << shift for number in numbers}


async def _indexed(db: AsyncSession, kind: Kind, keys: Collection[str]) -> Sequence[tuple[int, str]]:
    """Return (row id of an indicator's version, key) for each of `keys` that the index has."""
    if not keys:
        return []
    keys = keys if kind is Kind.IP else sorted(keys)  # in the order of the index its pages come once
    asked = {"kind": kind.value, "keys": msgspec.json.encode(keys).decode()}
    rows = await (await db.connection()).execute(_KEYS[dialect(db)], asked)
    return [(row[0], row[1]) for row in rows]


async def _lengths(db: AsyncSession) -> list[tuple[int, int]]:
    """Return (family, prefix length) of single addresses and of the blocks that the index may hold."""
    noted = await db.get(Meta, BLOCK_LENGTHS, populate_existing=True)
    blocks = (one.split("/") for one in (noted.value.split() if noted else ()))
    return [*_SINGLE, *((int(family), int(length)) for family, length in blocks)]


async def _by_expression(db: AsyncSession, names: Collection[str]) -> list[tuple[int, str]]:
    """Return the same for names that LIKE or MATCHES fits."""
    if not names:
        return []
    columns = (col(IndicatorKey.object_id), col(IndicatorKey.kind), col(IndicatorKey.key))
    rows = await (await db.connection()).execute(select(*columns).where(col(IndicatorKey.kind).in_(EXPRESSIONS)))
    labels = {"", *(label for name in names for label in name.split("."))}
    expressions: dict[tuple[str, str], list[int]] = {}
    for object_id, kind, key in rows:
        label, _, expression = key.partition(" ")
        if label in labels:
            expressions.setdefault((kind, expression), []).append(object_id)
    return await asyncio.to_thread(_fitting, expressions, names) if expressions else []


def _fitting(expressions: Mapping[tuple[str, str], Sequence[int]], names: Iterable[str]) -> list[tuple[int, str]]:
    lines = "\n".join(("", *map(reverse_labels, names), "")).encode()
    found: list[tuple[int, str]] = []
    for (kind, key), object_ids in expressions.items():
        compiled = regex.like(key) if kind == Kind.NAME_LIKE else regex.matches(key)
        for name in compiled.matching(lines):
            found += ((object_id, reverse_labels(name)) for object_id in object_ids)
    return found
