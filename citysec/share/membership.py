"""Which objects belong to a collection. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from citysec.errors import InvalidInput
from citysec.tables.sightings import FEED
from citysec.tlp import TLP

_OF_MACHINES: Final = frozenset({FEED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """What a collection wants; a part that is left out wants everything.

    Args:
        types: STIX types.
        feeds: names; an object is wanted if one of them asserts it.
        min_confidence: 0-100, of the most confident assertion.
    """

    types: tuple[str, ...] = ()
    feeds: tuple[str, ...] = ()
    min_confidence: int = 0

    def to_json(self) -> dict[str, Any]:
        """Return it as the database has it: only what it restricts."""
        return {name: part for name, part in msgspec.to_builtins(self).items() if part}


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """An object version, as far as collections care: `label` is the lowest under which some feed asserts it."""

    object_id: int
    type: str
    feeds: frozenset[str]
    confidence: int
    label: TLP


def from_json(data: Mapping[str, Any]) -> Filter:
    """Return the filter that `data` describes.

    Raises:
        InvalidInput: a part is unknown or of the wrong type.
    """
    unknown = sorted(set(data) - set(Filter.__dataclass_fields__))
    if unknown:
        raise InvalidInput.at("filter", f"unknown: {', '.join(unknown)}")
    try:
        return msgspec.convert(data, Filter, strict=False)
    except msgspec.ValidationError as err:
        raise InvalidInput.at("filter", str(err)) from err


def _is_private(candidate: Candidate) -> bool:
    """Return whether an object stays between a constituent, whose machines saw something, and the city."""
    return candidate.feeds == _OF_MACHINES and candidate.label > TLP.AMBER


def wants(wanted: Filter, ceiling: TLP, candidate: Candidate) -> bool:
    """Return whether a collection with this filter and `ceiling` takes `candidate`."""
    return (
        candidate.label <= ceiling
        and not _is_private(candidate)
        and (not wanted.types or candidate.type in wanted.types)
        and (not wanted.feeds or not candidate.feeds.isdisjoint(wanted.feeds))
        and candidate.confidence >= wanted.min_confidence
    )
