"""What a format module makes of a publisher's bytes, before anything is stored."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

import msgspec

from citysec.observable import Observable


class Draft(msgspec.Struct, frozen=True, gc=False):
    """One STIX object, checked, with the properties that stages ask for.

    A `msgspec.Struct` and no dataclass: it is made once per object of every feed, and frozen dataclasses of this size
    cost five times as much to make.

    `version` is `modified`, else `created`, else None (observables without either). `marking_refs` holds the object's
    own and its granular markings, and the TLP marking that a label such as `tlp:amber` stands for. `text` is the whole
    object, unknown properties included, as JSON with sorted names and no blanks.
    `observables` are those of an entry that the draft is made of.
    """

    stix_id: str
    type: str
    spec_version: str
    text: str
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
    observables: tuple[Observable, ...] = ()

    @property
    def version(self) -> datetime | None:
        """The instant that orders the versions of one id (STIX 2.1 §3.6)."""
        return self.modified or self.created

    @property
    def content_hash(self) -> str:
        """The SHA-256 of `text`, hexadecimal; made when it is asked for, as storing does."""
        return hashlib.sha256(self.text.encode()).hexdigest()


class Subject(StrEnum):
    """What an entry is about: the type of the STIX object that stands for it.

    Of what is on a warning list there is none: it is nothing bad, and comes from no feed.
    """

    INDICATOR = "indicator"
    VULNERABILITY = "vulnerability"
    REPORT = "report"
    WARNING = "warning"


class Entry(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One record of a feed that is no STIX: what it is about, and what the publisher says of that.

    Entries with equal `subject` and `key` are about the same thing, whoever lists it; the object that stands for them
    in the database is ours. Only what is said differs from feed to feed.

    Args:
        at: where the record stands, for instance `line 12` or `/vulnerabilities/3`.
        subject: what kind of thing.
        key: the thing itself in canonical form: an indicator's STIX pattern, a CVE id, a report's address.
        name: what people call it; for an indicator the threat or the campaign, not the observable.
        labels: kinds of threat in the words of STIX's open vocabularies, for instance `c2`, `phishing`.
        confidence: 0-100 as the publisher says; None is unspecified.
        since: first seen, published or added.
        seen: last seen by the publisher.
        until: to be disregarded from then on.
        description: one or a few sentences.
        references: addresses to read on.
        marking_refs: markings, as in a draft.
        facts: what else is said, as JSON: a port, an EPSS score, affected products …
        observables: what an indicator's pattern says, the observable itself first; empty where only the pattern tells.
    """

    at: str
    key: str
    subject: Subject = Subject.INDICATOR
    name: str | None = None
    labels: tuple[str, ...] = ()
    confidence: int | None = None
    since: datetime | None = None
    seen: datetime | None = None
    until: datetime | None = None
    description: str | None = None
    references: tuple[str, ...] = ()
    marking_refs: tuple[str, ...] = ()
    facts: Mapping[str, Any] = msgspec.field(default_factory=dict[str, Any])
    observables: tuple[Observable, ...] = ()


class Reject(msgspec.Struct, frozen=True):
    """One thing in a feed that could not be taken: where it stands, why, and how it begins.

    `raw` is all of it where it is small and can be read alone, so that it can be tried again when the reason is gone.
    """

    at: str
    reason: str
    excerpt: str
    raw: bytes = b""


RAW_BYTES: Final = 64 << 10
"""Most bytes of a reject that are kept."""
_EXCERPT: Final = 200


def rejected(at: str, reason: object, raw: bytes, shown: str | None = None) -> Reject:
    """Return the reject of something that can be read alone.

    Args:
        at: where it stands.
        reason: why.
        raw: all of it.
        shown: it without what `raw` needs around it, for instance the header of a table.
    """
    excerpt = raw[:_EXCERPT].decode(errors="replace") if shown is None else shown[:_EXCERPT]
    return Reject(at, str(reason), excerpt.strip(), raw if len(raw) <= RAW_BYTES else b"")


class Census(msgspec.Struct, frozen=True):
    """How many records the publisher says there are: a feed that brings another number is not whole."""

    records: int


Item = Draft | Entry | Reject | Census
