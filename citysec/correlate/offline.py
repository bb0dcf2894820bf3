"""Correlation without a database: versions of indicators in any order against a fixed register.

It is the same index and the same rules as the stage's.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from citysec.correlate.index import AssetIndex
from citysec.correlate.standing import Standing, Terms, standing
from citysec.correlate.touch import Touch, touches
from citysec.patterning import compile  # noqa: A004

POSSIBLE: Final = "possible"


@dataclass(frozen=True, slots=True)
class Pair:
    """An indicator touches an asset."""

    indicator_id: str
    asset_id: str
    touch: Touch

    @property
    def relation(self) -> str:
        """The relation as it is reported: `possible` wherever it is not certain."""
        return self.touch.relation if self.touch.certain else POSSIBLE


class Correlation:
    """The pairs of the newest versions seen so far.

    Args:
        index: the register.
        at: the instant at which an indicator must be in force.
    """

    def __init__(self, index: AssetIndex[str], at: datetime) -> None:
        self._index, self._at = index, at
        self._versions: dict[str, datetime] = {}
        self._pairs: dict[str, list[Pair]] = {}

    def take(self, indicator_id: str, version: datetime, terms: Terms, pattern: str) -> None:
        """Take one version of an indicator into account; an older one than already seen changes nothing.

        Args:
            indicator_id: STIX id.
            version: its `modified`.
            terms: whether and when it counts.
            pattern: what it matches by.

        Raises:
            InvalidInput: the pattern is none; the version counts nevertheless, and matches nothing.
        """
        known = self._versions.get(indicator_id)
        if known is not None and version <= known:
            return
        self._versions[indicator_id] = version
        self._pairs.pop(indicator_id, None)
        if standing(terms, self._at) is Standing.IN_FORCE:
            found = touches(compile(pattern).atoms, terms.types, self._index)
            if found:
                self._pairs[indicator_id] = [Pair(indicator_id, asset, touch) for asset, touch in found.items()]

    def pairs(self) -> Iterator[Pair]:
        """Yield each indicator × asset once, by what says most about it."""
        for found in self._pairs.values():
            yield from found
