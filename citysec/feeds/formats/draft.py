"""What a format module makes of a publisher's bytes, before anything is stored."""

from __future__ import annotations

from datetime import datetime

import msgspec


class Draft(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One STIX object, checked, with the properties that stages ask for.

    A `msgspec.Struct` and no dataclass: it is made once per object of every feed, and frozen dataclasses of this size
    cost five times as much to make.

    `version` is `modified`, else `created`, else None (observables without either). `marking_refs` holds the object's
    own and its granular markings, and the TLP marking that a label such as `tlp:amber` stands for. `text` is the whole
    object, unknown properties included, as JSON with sorted names and no blanks; `content_hash` is its SHA-256.
    """

    stix_id: str
    type: str
    spec_version: str
    text: str
    content_hash: str
    created: datetime | None = None
    modified: datetime | None = None
    revoked: bool = False
    valid_from: datetime | None = None
    valid_until: datetime | None = None
    confidence: int | None = None
    created_by_ref: str | None = None
    name: str | None = None
    pattern: str | None = None
    pattern_type: str | None = None
    marking_refs: tuple[str, ...] = ()
    relationship_type: str | None = None
    source_ref: str | None = None
    target_ref: str | None = None
    labels: tuple[str, ...] = ()
    indicator_types: tuple[str, ...] = ()

    @property
    def version(self) -> datetime | None:
        """The instant that orders the versions of one id (STIX 2.1 §3.6)."""
        return self.modified or self.created


class Reject(msgspec.Struct, frozen=True):
    """One thing in a feed that could not be taken: where it stands, why, and how it begins."""

    at: str
    reason: str
    excerpt: str
