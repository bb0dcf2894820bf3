"""Registered address blocks, found by overlap.

What contains a block is one look-up per prefix length that occurs; what lies inside it is one stretch of a sorted list.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from typing import Generic

from citysec.correlate.rules import Id, Relation
from citysec.observable import BITS, parse_network_key


class Networks(Generic[Id]):
    """Blocks of both families with the ids of who registered them."""

    def __init__(self) -> None:
        self._blocks: dict[int, dict[int, dict[int, tuple[Id, ...]]]] = {4: {}, 6: {}}
        self._sorted: dict[int, list[int]] = {}

    def add(self, key: str, asset_id: Id) -> None:
        """Register the block `key`."""
        family, prefix, number = parse_network_key(key)
        ids = self._blocks[family].setdefault(prefix, {})
        ids[number] = (*ids.get(number, ()), asset_id)
        self._sorted.pop(family, None)

    def overlapping(self, key: str) -> Iterator[tuple[Id, Relation]]:
        """Yield every id whose block overlaps the block `key`, and how `key` lies to it."""
        family, prefix, number = parse_network_key(key)
        bits, blocks = BITS[family], self._blocks[family]
        for length in blocks:
            if length <= prefix:
                shift = bits - length
                for asset_id in blocks[length].get(number >> shift << shift, ()):
                    yield asset_id, Relation.EQUAL if length == prefix else Relation.WITHIN
        if prefix < bits:
            yield from self._inside(family, prefix, number)

    def _inside(self, family: int, prefix: int, number: int) -> Iterator[tuple[Id, Relation]]:
        ordered = self._ordered(family)
        end = (number + (1 << (BITS[family] - prefix))) << 8
        at = bisect_left(ordered, number << 8)
        while at < len(ordered) and ordered[at] < end:
            start, length = ordered[at] >> 8, ordered[at] & 255
            if length > prefix:
                for asset_id in self._blocks[family][length][start]:
                    yield asset_id, Relation.CONTAINS
            at += 1

    def _ordered(self, family: int) -> list[int]:
        """Return all blocks in the order of their first address, each as address × 256 + prefix length."""
        if family not in self._sorted:
            blocks = self._blocks[family].items()
            self._sorted[family] = sorted(start << 8 | length for length, starts in blocks for start in starts)
        return self._sorted[family]
