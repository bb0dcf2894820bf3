"""One STIX object: from its JSON text to a checked draft.

Source:
    STIX 2.1 §2.9 (ids), §3 (common properties, versions), §7.2 (markings); STIX 2.0 Part 1 for what differs. The
    limits, and which gaps are filled (`pattern_type`, `valid_from`, `spec_version`), are our rules.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from operator import attrgetter
from typing import Annotated, Any, Final, Literal, cast

import msgspec
from msgspec import Meta, Raw
from msgspec.structs import replace

from citysec.errors import InvalidInput, Problem
from citysec.feeds.formats import markings
from citysec.feeds.formats.draft import Draft

MAX_OBJECT_BYTES: Final = 4 << 20
MAX_DEPTH: Final = 64

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
_KNOWN: Final = _OBSERVABLES | _VERSIONED | {_MARKING}
_REQUIRED: Final = {
    "indicator": ("pattern",),
    "sighting": ("sighting_of_ref",),
}
_OTHERS: Final = _VERSIONED - _REQUIRED.keys()
_POINTING: Final = frozenset({"relationship", "sighting"})
_INDICATOR_TYPES: Final = frozenset(
    {"anomalous-activity", "anonymization", "benign", "compromised", "malicious-activity", "attribution", "unknown"}
)
_TYPE: Final = re.compile(r"[a-z0-9-]{3,250}")
_HEX: Final = "[0-9a-fA-F]"
_UUID: Final = re.compile(rf"--{_HEX}{{8}}+-{_HEX}{{4}}+-{_HEX}{{4}}+-{_HEX}{{4}}+-{_HEX}{{12}}+")
"""What follows the type in an id."""
_LONGEST_ID: Final = 250 + len("--") + 36
_EARLIEST: Final = datetime(1970, 1, 1, tzinfo=UTC)
_LATEST: Final = datetime(2200, 1, 1, tzinfo=UTC)
_SHOWN: Final = 60


_ABSENT: Final = msgspec.UNSET


class _Granular(msgspec.Struct, gc=False):
    marking_ref: str | None = None


class _Common(msgspec.Struct, gc=False):
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


class _Object(_Common, gc=False):
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


class _Kind(msgspec.Struct, gc=False):
    type: str | None = None


_anything: Final = msgspec.json.Decoder()
_object: Final = msgspec.json.Decoder(_Object)
_kind: Final = msgspec.json.Decoder(_Kind)
_canonical: Final = msgspec.json.Encoder(order="sorted")
MALFORMED: Final = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


def draft(raw: Raw, bundle_version: str | None) -> Draft:
    """Return the draft of one object.

    Args:
        raw: its JSON text.
        bundle_version: the `spec_version` of the bundle around it, where that has one (STIX 2.0).

    Raises:
        InvalidInput: the object breaks a rule; each problem names the property.
    """
    found, text = _decode(raw)
    return _checked(found, bundle_version, text.decode())


def kind(raw: Raw) -> str | None:
    """Return the type of an object; None where that cannot be told at once."""
    try:
        return _kind.decode(raw).type
    except MALFORMED:
        return None


def claim(raw: Raw, bundle_version: str | None) -> Draft:
    """Return an indicator as `draft` does, but for its text, which is empty: in less than half the time.

    Raises:
        InvalidInput: as `draft`.
    """
    if len(raw) > MAX_OBJECT_BYTES or _may_be_deep(bytes(raw)):
        return draft(raw, bundle_version)
    try:
        found = _object.decode(raw)
    except MALFORMED:
        return draft(raw, bundle_version)
    return _checked(found, bundle_version)


def _decode(raw: Raw) -> tuple[_Object, bytes]:
    """Return the properties that are read, and the whole object in canonical form.

    Raises:
        InvalidInput: the object is too large or too deep, or a property has the wrong type.
    """
    if len(raw) > MAX_OBJECT_BYTES:
        raise InvalidInput.at("", f"larger than {MAX_OBJECT_BYTES} bytes")
    try:
        everything = _anything.decode(raw)
        found, text = _read(everything), _canonical.encode(everything)
    except MALFORMED as err:
        raise InvalidInput.at("", str(err)) from err
    if _may_be_deep(text) and _depth(everything) > MAX_DEPTH:
        raise InvalidInput.at("", f"nested deeper than {MAX_DEPTH}")
    return found, text


def _read(everything: object) -> _Object:
    try:
        return msgspec.convert(everything, _Object)
    except msgspec.ValidationError:
        common = msgspec.convert(everything, _Common)
        if common.type in _KNOWN:
            raise
        return msgspec.convert(common, _Object, from_attributes=True)


def _may_be_deep(text: bytes) -> bool:
    """Return whether there are brackets enough; to take what is rare out of a text is faster than to count it."""
    return len(text) - len(text.replace(b"{", b"").replace(b"[", b"")) > MAX_DEPTH


def _depth(value: object) -> int:
    """Return how many lists and objects lie in each other, without recursion."""
    deepest, waiting = 0, [(value, 0)]
    while waiting:
        item, depth = waiting.pop()
        deepest = max(deepest, depth)
        if isinstance(item, dict):
            waiting.extend((inner, depth + 1) for inner in cast("dict[str, object]", item).values())
        elif isinstance(item, list):
            waiting.extend((inner, depth + 1) for inner in cast("list[object]", item))
    return deepest


def _checked(found: _Object, bundle_version: str | None, text: str = "") -> Draft:
    """Return the draft of an object that keeps the rules.

    Not all is passed by name: CPython makes a dictionary of more names than here.

    Raises:
        InvalidInput: it does not.
    """
    if not _is_sound(found):
        _check_properties(found)
        _settle_times(found)
    version = found.spec_version or _spec_version(found, bundle_version)
    _settle_indicator(found)
    made = Draft(
        found.id,
        found.type,
        version,
        text,
        found.created,
        found.modified,
        revoked=found.revoked is True,
        valid_from=found.valid_from,
        valid_until=found.valid_until,
        confidence=found.confidence,
        created_by_ref=found.created_by_ref,
        name=found.name,
        pattern=found.pattern,
        pattern_type=found.pattern_type,
        marking_refs=_marking_refs(found),
        labels=found.labels or (),
        indicator_types=found.indicator_types or (),
    )
    if found.type not in _POINTING:
        return made
    target = found.target_ref or found.sighting_of_ref
    if max(len(found.source_ref or ""), len(target or "")) > _LONGEST_ID:
        raise InvalidInput.at("", f"refers to what is no id: it has more than {_LONGEST_ID} characters")
    return replace(made, relationship_type=found.relationship_type, source_ref=found.source_ref, target_ref=target)


def _settle_indicator(found: _Object) -> None:
    """Fill the gaps of an indicator; what other objects call `pattern` or `valid_from` means something else."""
    if found.type != "indicator":
        found.pattern = found.pattern_type = found.valid_from = found.valid_until = found.indicator_types = None
        return
    found.pattern_type = found.pattern_type or "stix"
    found.valid_from = found.valid_from or found.created
    if not found.indicator_types and found.labels:
        found.indicator_types = tuple(filter(_INDICATOR_TYPES.__contains__, found.labels))


def _is_sound(found: _Object) -> bool:
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


def _check_properties(found: _Object) -> None:
    kind = found.type
    names, values = _required(kind)
    if not found.id.startswith(kind) or _UUID.fullmatch(found.id, len(kind)) is None:
        raise InvalidInput.at("id", f"{found.id!r} is not {kind}--UUID")
    if not all(values(found)):
        raise InvalidInput(Problem(name, "is missing") for name in names if not getattr(found, name))


@lru_cache(maxsize=256)
def _required(kind: str) -> tuple[Sequence[str], Callable[[_Object], Iterable[object]]]:
    """Return the names of the properties that objects of that type must have, and what gets their values.

    Raises:
        InvalidInput: there can be no such type.
    """
    if _TYPE.fullmatch(kind) is None:
        raise InvalidInput.at("type", f"{kind[:_SHOWN]!r} is no type")
    versions = ("created", "modified") if kind in _VERSIONED else ("created",) if kind == _MARKING else ()
    names = ("id", "type", *versions, *_REQUIRED.get(kind, ()))
    return names, attrgetter(*names)


def _settle_times(found: _Object) -> None:
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


def _spec_version(found: _Object, bundle_version: str | None) -> str:
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


def _marking_refs(found: _Object) -> tuple[str, ...]:
    """Return what the object, its parts and its labels are marked with, each once."""
    own = found.object_marking_refs or ()
    further = markings.of_labels(found.labels) if found.labels else ()
    if found.granular_markings:
        further = (*(part.marking_ref for part in found.granular_markings if part.marking_ref), *further)
    return tuple(dict.fromkeys((*own, *further))) if further else own
