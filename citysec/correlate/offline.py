"""Correlation without a database: versions of indicators in any order against a fixed register.

It is the same index and the same rules as the stage's.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from citysec.correlate.index import AssetIndex
from citysec.correlate.rules import Hit
from citysec.patterning import Atom, compile  # noqa: A004

POSSIBLE: Final = "possible"


@dataclass(frozen=True, slots=True)
class Pair:
    """An indicator touches an asset: by which of its atoms, and how."""

    indicator_id: str
    atom: Atom
    hit: Hit[str]

    @property
    def relation(self) -> str:
        """The relation as it is reported: `possible` wherever it is not certain."""
        return self.hit.relation if self.hit.certain else POSSIBLE


class Correlation:
    """The pairs of the newest versions seen so far.

    Args:
        index: the register.
    """

    def __init__(self, index: AssetIndex[str]) -> None:
        self._index = index
        self._versions: dict[str, datetime] = {}
        self._pairs: dict[str, tuple[Pair, ...]] = {}

    def take(self, indicator_id: str, version: datetime, pattern: str | None) -> None:
        """Take one version of an indicator into account; an older one than already seen changes nothing.

        Args:
            indicator_id: STIX id.
            version: its `modified`.
            pattern: what it matches by; None where this version matches nothing: revoked, not valid now, in another
                pattern language.

        Raises:
            InvalidInput: the pattern is none; the version counts nevertheless, and matches nothing.
        """
        known = self._versions.get(indicator_id)
        if known is not None and version <= known:
            return
        self._versions[indicator_id] = version
        self._pairs.pop(indicator_id, None)
        if pattern is not None and (found := self._found(indicator_id, pattern)):
            self._pairs[indicator_id] = found

    def pairs(self) -> Iterator[Pair]:
        """Yield each indicator × asset once, by what says most about it."""
        for found in self._pairs.values():
            yield from found

    def _found(self, indicator_id: str, pattern: str) -> tuple[Pair, ...]:
        best: dict[str, Pair] = {}
        for atom in compile(pattern).atoms:
            for hit in self._index.matches(atom):
                known = best.get(hit.asset_id)
                if known is None or hit.rank < known.hit.rank:
                    best[hit.asset_id] = Pair(indicator_id, atom, hit)
        return tuple(best.values())
