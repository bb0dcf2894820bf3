"""What one version of an indicator means for the assets at an instant: the deciding half of correlation. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final, Generic

from citysec.correlate.index import AssetIndex
from citysec.correlate.rules import CLOSENESS, Id, Relation
from citysec.correlate.standing import Standing, Terms, standing
from citysec.patterning import Atom

ANONYMIZATION: Final = "anonymization"
"""Indicator type of relays and the like: many use them, few to do harm, so a match is no more than possible."""


@dataclass(frozen=True, slots=True)
class Touch:
    """By which atom an indicator touches an asset, how, and whether that is certain."""

    atom: Atom
    relation: Relation
    certain: bool

    @property
    def rank(self) -> tuple[bool, int]:
        """Sorts the touch that says most first."""
        return not self.certain, CLOSENESS[self.relation]


@dataclass(frozen=True, slots=True)
class Outlook(Generic[Id]):
    """How an indicator stands, what it touches while that is so, and when it will stand otherwise by itself.

    `turns_at` is None where nothing will change, for no asset or for no time.
    """

    standing: Standing
    touches: Mapping[Id, Touch]
    turns_at: datetime | None


def touches(atoms: Iterable[Atom], types: Collection[str], index: AssetIndex[Id]) -> dict[Id, Touch]:
    """Return, for each asset that any of the atoms touches, what says most about it; the first among equals.

    Args:
        atoms: of one indicator.
        types: its indicator types and labels.
        index: the assets.
    """
    best: dict[Id, Touch] = {}
    doubtful = ANONYMIZATION in types
    for atom in atoms:
        for hit in index.matches(atom):
            touch = Touch(atom, hit.relation, hit.certain and not doubtful)
            if hit.asset_id not in best or touch.rank < best[hit.asset_id].rank:
                best[hit.asset_id] = touch
    return best


def outlook(terms: Terms, atoms: Iterable[Atom], index: AssetIndex[Id], at: datetime) -> Outlook[Id]:
    """Return what an indicator of `terms` means for the assets of `index` at `at`."""
    now = standing(terms, at)
    if now not in {Standing.IN_FORCE, Standing.NOT_YET_VALID}:
        return Outlook(now, {}, None)
    touched = touches(atoms, terms.types, index)
    if now is Standing.NOT_YET_VALID:
        return Outlook(now, {}, terms.valid_from if touched else None)
    return Outlook(now, touched, terms.valid_until if touched else None)


class CloseReason(StrEnum):
    """Why a match ended although its indicator is in force; else the indicator's standing is the reason."""

    SUPERSEDED = "superseded"
    ASSET_WITHDRAWN = "asset-withdrawn"
    DELISTED = "delisted"


def close_reason(stands: Standing | None, *, owned: bool) -> str:
    """Return why a match is one no longer.

    Args:
        stands: how its indicator stands; None where no feed says it any more.
        owned: whether anybody still owns its asset.
    """
    if not owned:
        return CloseReason.ASSET_WITHDRAWN
    if stands is None:
        return CloseReason.DELISTED
    return CloseReason.SUPERSEDED if stands is Standing.IN_FORCE else stands
