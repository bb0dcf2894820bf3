"""Correlation without a database: versions of indicators in any order against a fixed register.

It is the same index and the same rules as the stage's.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from citysec.correlate.index import AssetIndex
from citysec.correlate.patience import PATTERN, STANDING, Clock, Patience
from citysec.correlate.standing import Standing, Terms, standing
from citysec.correlate.touch import Touch, touches
from citysec.errors import NotEvaluable
from citysec.patterning import compile  # noqa: A004

POSSIBLE: Final = "possible"
_IN_FORCE: Final = Standing.IN_FORCE


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
    """The pairs of the newest versions.

    Only the indicators that touch something are held. Of the others 16 bytes a version: a fingerprint of the id and the
    instant, to tell at the end whether a newer version of one that touches something has come before it or after.

    Args:
        index: the register.
        at: the instant at which an indicator must be in force.
        clock: tells the CPU time of this thread, of which no pattern may take too much.
    """

    def __init__(self, index: AssetIndex[str], at: datetime, clock: Clock = STANDING) -> None:
        self._index, self._at = index, at
        self._patience = Patience(index.size, clock, PATTERN)
        self._touching: dict[str, _Touching] = {}
        self._others, self._versions = array("q"), array("d")

    def take(self, indicator_id: str, version: datetime, terms: Terms, pattern: str) -> None:
        """Take one version of an indicator into account; an older one than another, whenever that comes, says nothing.

        Args:
            indicator_id: STIX id.
            version: its `modified`; of two that are equal the first counts.
            terms: whether and when it counts.
            pattern: what it matches by.

        Raises:
            InvalidInput: the pattern is none; the version counts nevertheless, and matches nothing.
            NotEvaluable: expressions take too long; the version counts by what else it says.
        """
        found, spent = dict[str, Touch](), self._patience.spent
        try:
            if standing(terms, self._at) is _IN_FORCE:
                found = touches(compile(pattern).atoms, terms.types, self._index, patience=self._patience)
        finally:
            instant = version.timestamp()
            if not found:
                self._others.append(hash(indicator_id))
                self._versions.append(instant)
        if found:
            known = self._touching.get(indicator_id)
            if known is None or known.version < instant:
                self._touching[indicator_id] = _Touching(instant, len(self._others), found)
        if self._patience.spent > spent:
            raise NotEvaluable.at("", "its expressions take too long")

    def pairs(self) -> Iterator[Pair]:
        """Yield each indicator × asset once, by what says most about it."""
        beaten = self._beaten()
        for indicator_id, touching in self._touching.items():
            if indicator_id not in beaten:
                yield from (Pair(indicator_id, asset, touch) for asset, touch in touching.touches.items())

    def _beaten(self) -> set[str]:
        """Return the indicators that have a newer version, or an equal one that came before, which touches nothing."""
        by_fingerprint = {hash(indicator_id): indicator_id for indicator_id in self._touching}
        beaten: set[str] = set()
        for number, (fingerprint, version) in enumerate(zip(self._others, self._versions, strict=True)):
            indicator_id = by_fingerprint.get(fingerprint)
            if indicator_id is not None and self._touching[indicator_id].is_beaten_by(version, number):
                beaten.add(indicator_id)
        return beaten


@dataclass(frozen=True, slots=True)
class _Touching:
    """The newest version of an indicator that touches something, and how many that touch nothing came before it."""

    version: float
    after: int
    touches: Mapping[str, Touch]

    def is_beaten_by(self, version: float, number: int) -> bool:
        return version > self.version or (version == self.version and number < self.after)
