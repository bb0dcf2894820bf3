"""Objects that we make for what feeds list that are no STIX: one for each thing, whoever lists it. Pure.

Such an object says only what the thing is; what a feed says of it is the feed's assertion. Its id is made from the
thing (as STIX 2.1 §2.9 makes ids of observables), so all who list it meet in one object.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final

import msgspec

from citysec.feeds.formats import Draft, Entry
from citysec.feeds.formats.draft import Subject

NAMESPACE: Final = uuid.uuid5(uuid.NAMESPACE_URL, "urn:citysec:entries")
AUTHOR: Final = f"identity--{uuid.uuid5(NAMESPACE, 'citysec')}"
"""The `created_by_ref` of what we make."""

_TYPES: Final = ["malicious-activity"]
_HEAD: Final = frozenset({"type", "spec_version", "id", "created_by_ref", "created", "modified"})
_PROPERTIES: Final[Mapping[str, frozenset[str]]] = {
    Subject.INDICATOR: _HEAD | {"pattern", "pattern_type", "valid_from", "indicator_types"},
    Subject.VULNERABILITY: _HEAD | {"name", "external_references"},
    Subject.REPORT: _HEAD | {"name", "description", "published", "object_refs", "external_references"},
}
_encoder: Final = msgspec.json.Encoder(order="sorted")


def stix_id(entry: Entry) -> str:
    """Return the id of the object that stands for what `entry` is about."""
    return _id(entry.subject, entry.key)


def _id(subject: str, key: str) -> str:
    return f"{subject}--{uuid.uuid5(NAMESPACE, f'{subject} {key}')}"


def is_ours(draft: Draft) -> bool:
    """Return whether `draft` claims to be made like ours, by us or by another citysec."""
    return draft.created_by_ref == AUTHOR


def is_forged(draft: Draft) -> bool:
    """Return whether `draft` claims to be made like ours and is not: nobody may add what ends or excuses a thing."""
    if not is_ours(draft):
        return False
    key = draft.pattern if draft.type == Subject.INDICATOR else draft.name
    if draft.type not in _PROPERTIES or draft.stix_id != _id(draft.type, key or ""):
        return True
    said = msgspec.json.decode(draft.text, type=dict[str, Any])
    return not said.keys() <= _PROPERTIES[draft.type] or said.get("indicator_types", _TYPES) != _TYPES


def draft(entry: Entry, at: datetime) -> Draft:
    """Return the object that stands for what `entry` is about, made at `at`."""
    written = at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    head = {
        "type": entry.subject.value,
        "spec_version": "2.1",
        "id": stix_id(entry),
        "created_by_ref": AUTHOR,
        "created": written,
        "modified": written,
    }
    text = _encoder.encode(head | _BODIES[entry.subject](entry, written))
    is_indicator = entry.subject is Subject.INDICATOR
    return Draft(
        stix_id=head["id"],
        type=entry.subject.value,
        spec_version="2.1",
        text=text.decode(),
        content_hash=hashlib.sha256(text).hexdigest(),
        created=at,
        modified=at,
        valid_from=at if is_indicator else None,
        created_by_ref=AUTHOR,
        name=None if is_indicator else entry.key,
        pattern=entry.key if is_indicator else None,
        pattern_type="stix" if is_indicator else None,
    )


def _indicator(entry: Entry, written: str) -> dict[str, Any]:
    return {
        "pattern": entry.key,
        "pattern_type": "stix",
        "valid_from": written,
        "indicator_types": _TYPES,
    }


def _vulnerability(entry: Entry, _: str) -> dict[str, Any]:
    return {"name": entry.key, "external_references": [{"source_name": "cve", "external_id": entry.key}]}


def _report(entry: Entry, written: str) -> dict[str, Any]:
    references = [{"source_name": "advisory", "url": url} for url in entry.references]
    return {
        "name": entry.key,
        "description": entry.name or entry.key,
        "published": written,
        "object_refs": [AUTHOR],
        **({"external_references": references} if references else {}),
    }


_BODIES: Final[Mapping[Subject, Callable[[Entry, str], dict[str, Any]]]] = {
    Subject.INDICATOR: _indicator,
    Subject.VULNERABILITY: _vulnerability,
    Subject.REPORT: _report,
}
