"""What the properties of a STIX object may be.

Source:
    STIX 2.1 §2.9 (ids), §3 (common properties, versions); STIX 2.0 Part 1 for what differs. The limits of times, and
    how the version of an object is told that does not say it, are our rules.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from operator import attrgetter
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta

from citysec.errors import InvalidInput, Problem

_OBSERVABLES: Final = frozenset(
    {
        "artifact", "autonomous-system", "directory", "domain-name", "email-addr", "email-message", "file", "ipv4-addr",
        "ipv6-addr", "mac-addr", "mutex", "network-traffic", "process", "software", "url", "user-account",
        "windows-registry-key", "x509-certificate",
    }
)  # fmt: skip
_VERSIONED: Final = frozenset(
    {
        "attack-pattern", "campaign", "course-of-action", "extension-definition", "grouping", "identity", "incident",
        "indicator", "infrastructure", "intrusion-set", "language-content", "location", "malware", "malware-analysis",
        "note", "observed-data", "opinion", "relationship", "report", "sighting", "threat-actor", "tool",
        "vulnerability",
    }
)  # fmt: skip
_MARKING: Final = "marking-definition"
KNOWN: Final = _OBSERVABLES | _VERSIONED | {_MARKING}
_REQUIRED: Final = {
    "indicator": ("pattern",),
    "sighting": ("sighting_of_ref",),
}
_OTHERS: Final = _VERSIONED - _REQUIRED.keys()
_TYPE: Final = re.compile(r"[a-z0-9-]{3,250}")
_HEX: Final = "[0-9a-fA-F]"
_UUID: Final = re.compile(rf"--{_HEX}{{8}}+-{_HEX}{{4}}+-{_HEX}{{4}}+-{_HEX}{{4}}+-{_HEX}{{12}}+")
"""What follows the type in an id."""
_EARLIEST: Final = datetime(1970, 1, 1, tzinfo=UTC)
_LATEST: Final = datetime(2200, 1, 1, tzinfo=UTC)
_SHOWN: Final = 60
_ABSENT: Final = msgspec.UNSET


class _Granular(msgspec.Struct, gc=False):
    marking_ref: str | None = None


class Common(msgspec.Struct, gc=False):
    """What every object may have; another type than here makes the object a reject."""

    type: str
    id: str
    spec_version: Literal["2.0", "2.1"] | None = None
    created: datetime | None = None
    modified: datetime | None = None
    revoked: bool | None = False
    confidence: Annotated[int, Meta(ge=0, le=100)] | None = None
    created_by_ref: str | None = None
    object_marking_refs: tuple[str, ...] | None = ()
    granular_markings: tuple[_Granular, ...] | None = ()
    labels: tuple[str, ...] | None = ()
    extensions: Any = _ABSENT


class Properties(Common, gc=False):
    """What the types that the standard defines may have; types of others may use the same names as they like."""

    name: str | None = None
    pattern: str | None = None
    pattern_type: str | None = None
    valid_from: datetime | None = None
    valid_until: datetime | None = None
    indicator_types: tuple[str, ...] | None = ()
    relationship_type: str | None = None
    source_ref: str | None = None
    target_ref: str | None = None
    sighting_of_ref: str | None = None
    object_refs: Any = _ABSENT
    is_family: Any = _ABSENT


def settle(found: Properties) -> None:
    """Check what an object says of itself, and put its times into UTC.

    Raises:
        InvalidInput: it breaks a rule; each problem names the property.
    """
    if not _is_sound(found):
        _check_properties(found)
        _settle_times(found)


def _is_sound(found: Properties) -> bool:
    """Return whether a versioned object keeps all rules, its times in UTC already: nothing is left to be done."""
    created, modified, begin, end = found.created, found.modified, found.valid_from, found.valid_until
    return bool(
        created is not None
        and modified is not None
        and created.tzinfo is modified.tzinfo is UTC
        and _EARLIEST <= created <= modified < _LATEST
        and (begin is None or begin.tzinfo is UTC)
        and (end is None or (end.tzinfo is UTC and (begin is None or begin < end)))
        and (found.pattern if found.type == "indicator" else found.type in _OTHERS)
        and found.id.startswith(found.type)
        and _UUID.fullmatch(found.id, len(found.type))
    )


def _check_properties(found: Properties) -> None:
    kind = found.type
    names, values = _required(kind)
    if not found.id.startswith(kind) or _UUID.fullmatch(found.id, len(kind)) is None:
        raise InvalidInput.at("id", f"{found.id!r} is not {kind}--UUID")
    if not all(values(found)):
        raise InvalidInput(Problem(name, "is missing") for name in names if not getattr(found, name))


@lru_cache(maxsize=256)
def _required(kind: str) -> tuple[Sequence[str], Callable[[Properties], Iterable[object]]]:
    """Return the names of the properties that objects of that type must have, and what gets their values.

    Raises:
        InvalidInput: there can be no such type.
    """
    if _TYPE.fullmatch(kind) is None:
        raise InvalidInput.at("type", f"{kind[:_SHOWN]!r} is no type")
    versions = ("created", "modified") if kind in _VERSIONED else ("created",) if kind == _MARKING else ()
    names = ("id", "type", *versions, *_REQUIRED.get(kind, ()))
    return names, attrgetter(*names)


def _settle_times(found: Properties) -> None:
    """Put the times into UTC and check them; observables have no versions, whatever they call `created`."""
    if found.type in _OBSERVABLES:
        found.created = found.modified = None
    created, modified = _version("created", found.created), _version("modified", found.modified)
    begin = found.valid_from and _utc("valid_from", found.valid_from)
    end = found.valid_until and _utc("valid_until", found.valid_until)
    if created is not None and modified is not None and modified < created:
        raise InvalidInput.at("modified", "is before created")
    if begin is not None and end is not None and end <= begin:
        raise InvalidInput.at("valid_until", "is not after valid_from")
    found.created, found.modified, found.valid_from, found.valid_until = created, modified, begin, end


def _version(name: str, instant: datetime | None) -> datetime | None:
    if instant is None:
        return None
    settled = instant if instant.tzinfo is UTC else _utc(name, instant)
    if not _EARLIEST <= settled < _LATEST:
        raise InvalidInput.at(name, f"{settled.isoformat()} is absurd")
    return settled


def _utc(name: str, instant: datetime) -> datetime:
    if instant.tzinfo is UTC:
        return instant
    if instant.tzinfo is None:
        raise InvalidInput.at(name, f"{instant.isoformat()} has no time zone")
    try:
        return instant.astimezone(UTC)
    except OverflowError as err:
        raise InvalidInput.at(name, f"{instant.isoformat()} is absurd") from err


def spec_version(found: Properties, bundle_version: str | None) -> str:
    """Return the version of an object that does not say it: what its bundle says, else what its properties tell."""
    if bundle_version in {"2.0", "2.1"}:
        return bundle_version
    newer = (
        found.type in _OBSERVABLES,
        found.pattern_type,
        found.indicator_types,
        found.type == "observed-data" and found.object_refs is not _ABSENT,
        found.is_family is not _ABSENT,
        found.confidence is not None,
        found.extensions is not _ABSENT,
    )
    return "2.1" if any(newer) else "2.0"
