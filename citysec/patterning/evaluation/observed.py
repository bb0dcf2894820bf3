"""Observations: what observed-data say was seen, how often and when.

Source:
    STIX 2.1 §4.14 and §9.1: an observed-data is `number_observed` observations, each at some instant between
    `first_observed` and `last_observed`; §9.7.4: with `object_refs` only objects listed there are part of it. STIX 2.0
    Part 1 §2.8 for `objects`, which 2.1 still has.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from citysec.errors import InvalidInput
from citysec.patterning import literals
from citysec.patterning.evaluation.paths import Json, Object, Objects

MAX_OBSERVED: Final = 999_999_999
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_NO_OBSERVABLES: Final = frozenset((
    *("attack-pattern", "bundle", "campaign", "course-of-action", "extension-definition", "grouping", "identity"),
    *("incident", "indicator", "infrastructure", "intrusion-set", "language-content", "location", "malware"),
    *("malware-analysis", "marking-definition", "note", "observed-data", "opinion", "relationship", "report"),
    *("sighting", "threat-actor", "tool", "vulnerability"),
))  # fmt: skip
"""Types of which no object is an observable; custom ones may be."""


@dataclass(frozen=True, slots=True)
class Observation:
    """`number` equal observations, each at some instant from `first` to `last`, in microseconds since 1970.

    `objects` are what references lead to, `roots` are those of them that a comparison may start from.
    """

    id: str
    first: int
    last: int
    number: int
    objects: Objects
    roots: Sequence[Object]


def microseconds(instant: datetime) -> int:
    """Return the microseconds from 1970 to `instant`."""
    passed = instant - _EPOCH
    return (passed.days * 86_400 + passed.seconds) * 1_000_000 + passed.microseconds


def observable_type(name: str) -> bool:
    """Return whether there may be an observable of that type."""
    return name not in _NO_OBSERVABLES


def observations(data: Sequence[Json]) -> list[Observation]:
    """Return the observed-data among `data`, in their order, with the objects that they refer to.

    `data` are STIX objects and bundles of them; an observed-data without an id goes by its place.

    Raises:
        InvalidInput: one is no observed-data as the standard has it; the places are JSON pointers.
    """
    found = list(_objects(data))
    known = {name: one for _, one in found if isinstance(name := one.get("id"), str)}
    return [_observation(at, one, known) for at, one in found if _tells_of_observations(one)]


def _tells_of_observations(one: Object) -> bool:
    """Return whether `one` is an observed-data; drafts of the standard had other names for the type."""
    return one.get("type") == "observed-data" or "number_observed" in one or isinstance(one.get("objects"), dict)


def _objects(data: Sequence[Json]) -> Iterator[tuple[str, Object]]:
    """Yield every object with its place, those of bundles instead of the bundles."""
    for number, one in enumerate(data):
        if not isinstance(one, dict):
            raise InvalidInput.at(f"/{number}", "is not an object")
        if one.get("type") != "bundle":
            yield f"/{number}", one
            continue
        inner = one.get("objects", [])
        if not isinstance(inner, list):
            raise InvalidInput.at(f"/{number}/objects", "is not a list")
        for place, member in enumerate(inner):
            if not isinstance(member, dict):
                raise InvalidInput.at(f"/{number}/objects/{place}", "is not an object")
            yield f"/{number}/objects/{place}", member


def _observation(at: str, data: Object, known: Objects) -> Observation:
    name = data.get("id")
    first, last = _time(at, data, "first_observed"), _time(at, data, "last_observed")
    if last < first:
        raise InvalidInput.at(f"{at}/last_observed", "is before first_observed")
    number = data.get("number_observed")
    if not isinstance(number, int) or isinstance(number, bool) or not 1 <= number <= MAX_OBSERVED:
        raise InvalidInput.at(f"{at}/number_observed", f"is not a number from 1 to {MAX_OBSERVED}")
    objects = _referred(at, data, known) if "object_refs" in data else _contained(at, data)
    return Observation(name if isinstance(name, str) else at, first, last, number, objects, _roots(objects.values()))


def _time(at: str, data: Object, name: str) -> int:
    text = data.get(name)
    found = literals.instant(text) if isinstance(text, str) else None
    if not isinstance(found, datetime):
        raise InvalidInput.at(f"{at}/{name}", "is missing" if text is None else "is not a time in UTC")
    return microseconds(found)


def _referred(at: str, data: Object, known: Objects) -> Objects:
    names = data["object_refs"]
    if not isinstance(names, list):
        raise InvalidInput.at(f"{at}/object_refs", "is not a list")
    return {name: known[name] for name in names if isinstance(name, str) and name in known}


def _contained(at: str, data: Object) -> Objects:
    objects = data.get("objects")
    if not isinstance(objects, dict):
        raise InvalidInput.at(at, "has neither object_refs nor objects")
    wrong = next((name for name, one in objects.items() if not isinstance(one, dict)), None)
    if wrong is not None:
        raise InvalidInput.at(f"{at}/objects/{wrong}", "is not an object")
    return {name: one for name, one in objects.items() if isinstance(one, dict)}


def _roots(objects: Iterable[Object]) -> Sequence[Object]:
    return tuple(one for one in objects if isinstance(kind := one.get("type"), str) and observable_type(kind))
