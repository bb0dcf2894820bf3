"""What one version of an indicator means for the assets at an instant: the deciding half of correlation. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, Final, Generic

from citysec.correlate.index import AssetIndex
from citysec.correlate.listing import Effect
from citysec.correlate.patience import Patience
from citysec.correlate.rules import CLOSENESS, Doubt, Hit, Id, Relation
from citysec.correlate.standing import Standing, Terms, standing
from citysec.correlate.warned import NOTHING_WARNED, Verdict, WarningIndex
from citysec.patterning import Atom

ANONYMIZATION: Final = "anonymization"
"""Indicator type of relays and the like: many use them, few to do harm, so a match is no more than possible."""


@dataclass(frozen=True, slots=True)
class Touch:
    """By which atom an indicator touches an asset, how, why that is only possible, and what warning lists say of it.

    `about` is what is to be kept with the match of a vulnerability, `prefix` is `Hit.prefix`.
    """

    atom: Atom
    relation: Relation
    doubt: Doubt | None = None
    verdict: Verdict | None = None
    about: Mapping[str, Any] = field(default_factory=dict[str, Any])
    prefix: str | None = None

    @property
    def certain(self) -> bool:
        """Whether nothing speaks against it."""
        return self.doubt is None

    @property
    def suppressed(self) -> bool:
        """Whether a warning list says that this is no match."""
        return self.verdict is not None and self.verdict.effect is Effect.SUPPRESS

    @property
    def warning_lists(self) -> tuple[str, ...]:
        """The names of the lists, those that say most first."""
        return self.verdict.lists if self.verdict else ()

    @property
    def rank(self) -> tuple[bool, bool, int]:
        """Sorts the touch that says most first."""
        return self.suppressed, not self.certain, CLOSENESS[self.relation]


@dataclass(frozen=True, slots=True)
class Outlook(Generic[Id]):
    """How an indicator stands, what it touches while that is so, and when it will stand otherwise by itself.

    `turns_at` is None where nothing will change, for no asset or for no time. `suppressed` are the assets that it would
    touch but for a warning list, `allowed` those of which a name looks like theirs that is on the allow list.
    """

    standing: Standing
    touches: Mapping[Id, Touch]
    turns_at: datetime | None
    suppressed: Mapping[Id, Touch] = field(default_factory=dict[Id, Touch])
    allowed: Mapping[Id, str] = field(default_factory=dict[Id, str])


def touches(
    atoms: Iterable[Atom],
    types: Collection[str],
    index: AssetIndex[Id],
    warned: WarningIndex = NOTHING_WARNED,
    patience: Patience | None = None,
) -> dict[Id, Touch]:
    """Return, for each asset that any of the atoms touches, what says most about it; the first among equals.

    Args:
        atoms: of one indicator.
        types: its indicator types and labels.
        index: the assets.
        warned: the warning lists that count; a touch that one of them suppresses is returned where there is no other.
        patience: how long its expressions may be tried; what is given up touches nothing, and is counted there.
    """
    best: dict[Id, Touch] = {}
    doubtful = Doubt.ANONYMIZATION if ANONYMIZATION in types else None
    for atom, hit in index.hits(atoms, patience):
        known = best.get(hit.asset_id)
        if known is not None and known.rank <= (False, not hit.certain, CLOSENESS[hit.relation]):
            continue  # whatever a list may say of it
        verdict = warned.verdict(atom, hit.shared) if warned else None
        touch = Touch(atom, hit.relation, _doubt(hit, verdict, doubtful), verdict, prefix=hit.prefix)
        if known is None or touch.rank < known.rank:
            best[hit.asset_id] = touch
    return best


def _doubt(hit: Hit[Id], verdict: Verdict | None, doubtful: Doubt | None) -> Doubt | None:
    """Return the first that speaks against a touch: its indicator's pattern, its indicator's type, a warning list."""
    demoted = verdict is not None and verdict.effect is Effect.DEMOTE
    return hit.doubt or doubtful or (Doubt.WARNING_LIST if demoted else None)


def outlook(
    terms: Terms,
    atoms: Iterable[Atom],
    index: AssetIndex[Id],
    warned: WarningIndex,
    at: datetime,
    patience: Patience | None = None,
) -> Outlook[Id]:
    """Return what an indicator of `terms` means for the assets of `index` at `at`, with the warning lists `warned`."""
    now = standing(terms, at)
    if now not in {Standing.IN_FORCE, Standing.NOT_YET_VALID}:
        return Outlook(now, {}, None)
    every = touches(atoms, terms.types, index, warned, patience)
    suppressed = {asset_id: touch for asset_id, touch in every.items() if touch.suppressed} if warned else {}
    touched = {asset_id: touch for asset_id, touch in every.items() if asset_id not in suppressed}
    if now is Standing.NOT_YET_VALID:
        return Outlook(now, {}, terms.valid_from if touched else None)
    return Outlook(now, touched, terms.valid_until if touched else None, suppressed)


def beside(found: Outlook[Id], alike: Mapping[Id, Touch], allowed: Mapping[Id, str], terms: Terms) -> Outlook[Id]:
    """Return an outlook with what its indicator touches by lookalikes only; whatever else it touches says more.

    Args:
        found: without them.
        alike: asset -> the touch of a name that looks like it.
        allowed: assets that would be among them, but for the allow list, with the name that is on it.
        terms: of the indicator.
    """
    if found.standing not in {Standing.IN_FORCE, Standing.NOT_YET_VALID}:
        return found
    new = {i: touch for i, touch in alike.items() if i not in found.touches}
    touched = {i: touch for i, touch in new.items() if not touch.suppressed}
    suppressed = {i: touch for i, touch in new.items() if touch.suppressed} | dict(found.suppressed)
    if found.standing is Standing.NOT_YET_VALID:
        return replace(found, turns_at=terms.valid_from if touched else found.turns_at)
    ends = terms.valid_until if touched else found.turns_at
    return Outlook(found.standing, {**touched, **found.touches}, ends, suppressed, allowed)


class CloseReason(StrEnum):
    """Why a match ended although its indicator is in force; else the indicator's standing is the reason."""

    SUPERSEDED = "superseded"
    ASSET_WITHDRAWN = "asset-withdrawn"
    DELISTED = "delisted"
    WARNING_LIST = "warning-list"
    PUBLIC_SUFFIX = "public-suffix"
    ALLOWED = "allowed"


def close_reason(asset_id: Id, found: Outlook[Id] | None, owned: Collection[Id], nobodys: Collection[Id] = ()) -> str:
    """Return why a match is one no longer.

    Args:
        asset_id: its asset.
        found: how things stand with its indicator; None where no feed says it any more.
        owned: the assets that somebody still owns.
        nobodys: those of them that are public suffixes, and so reach no name below them.
    """
    if asset_id not in owned:
        return CloseReason.ASSET_WITHDRAWN
    if found is None:
        return CloseReason.DELISTED
    if asset_id in found.suppressed:
        return CloseReason.WARNING_LIST
    if asset_id in found.allowed:
        return CloseReason.ALLOWED
    if found.standing is not Standing.IN_FORCE:
        return found.standing
    return CloseReason.PUBLIC_SUFFIX if asset_id in nobodys else CloseReason.SUPERSEDED
