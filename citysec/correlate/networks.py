"""Registered address blocks, found by overlap.

What contains a block is one look-up per prefix length that occurs; what lies inside it is one stretch of a sorted list.
Most addresses of a feed are nowhere near any asset: one look-up for the region, the first 16 (IPv4) or 32 (IPv6) bits
as they stand in a key, tells.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from typing import Final, Generic

from citysec.blocks import BITS
from citysec.correlate.rules import Id, Relation

_REGION: Final = {4: 16, 6: 32}
_REGION_IN_KEY: Final = {4: slice(2, 6), 6: slice(2, 10)}
_LENGTH_IN_KEY: Final = {4: slice(11, None), 6: slice(35, None)}
_WIDEST: Final = {4: 4, 6: 16}  # what is wider has too many regions to list


class Networks(Generic[Id]):
    """Blocks of one address family with the ids of who registered them."""

    def __init__(self, family: int) -> None:
        self._bits, self._region, self._widest = BITS[family], _REGION[family], _WIDEST[family]
        self._region_at, self._length_at = _REGION_IN_KEY[family], _LENGTH_IN_KEY[family]
        self._region_length = f"{self._region:0{len(str(self._bits))}}"
        self._written = f"0{self._region // 4}x"
        self._blocks: dict[int, dict[int, tuple[Id, ...]]] = {}
        self._regions: set[str] = set()
        self._everywhere = False
        self._sorted: list[int] = []

    def add(self, prefix: int, number: int, asset_id: Id) -> None:
        """Register the block of that prefix length and first address."""
        ids = self._blocks.setdefault(prefix, {})
        ids[number] = (*ids.get(number, ()), asset_id)
        self._sorted.clear()
        if prefix < self._widest:
            self._everywhere = True
        else:
            first = number >> (self._bits - self._region)
            regions = range(first, first + (1 << max(0, self._region - prefix)))
            self._regions.update(format(region, self._written) for region in regions)

    def is_far(self, key: str) -> bool:
        """Return whether the block of that key lies in a region without any of the blocks: most do."""
        return (
            key[self._region_at] not in self._regions
            and key[self._length_at] >= self._region_length
            and not self._everywhere
        )

    def overlapping(self, prefix: int, number: int) -> Iterator[tuple[Id, Relation, tuple[int, int]]]:
        """Yield every id whose block overlaps the one given, how that lies to it, and the prefix and start of it."""
        for length, blocks in self._blocks.items():
            if length <= prefix:
                shift = self._bits - length
                start = number >> shift << shift
                for asset_id in blocks.get(start, ()):
                    yield asset_id, Relation.EQUAL if length == prefix else Relation.WITHIN, (length, start)
        if prefix < self._bits:
            yield from self._inside(prefix, number)

    def _inside(self, prefix: int, number: int) -> Iterator[tuple[Id, Relation, tuple[int, int]]]:
        ordered = self._ordered()
        end = (number + (1 << (self._bits - prefix))) << 8
        for at in range(bisect_left(ordered, number << 8), bisect_left(ordered, end)):
            start, length = ordered[at] >> 8, ordered[at] & 255
            if length > prefix:
                for asset_id in self._blocks[length][start]:
                    yield asset_id, Relation.CONTAINS, (length, start)

    def _ordered(self) -> list[int]:
        """Return all blocks in the order of their first address, each as address × 256 + prefix length."""
        if not self._sorted:
            blocks = self._blocks.items()
            self._sorted = sorted(start << 8 | length for length, starts in blocks for start in starts)
        return self._sorted
