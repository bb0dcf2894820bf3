"""What feeds brought: objects as received, who asserted them, their comparable atoms; what was refused; the polls."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Index, UniqueConstraint
from sqlmodel import Field

from citysec.tables.columns import BigCount, Json, KeyText, LongText, Row, UtcDateTime


class Feed(Row, table=True):
    """One feed's state; its definition is a TOML file in `feeds/`.

    `cursor` holds what the next poll goes on from, in the publisher's own text; it moves only together with the page
    that it follows.
    """

    name: str = Field(primary_key=True)
    enabled: bool = Field(default=False)
    enabled_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    cursor: dict[str, Any] = Field(default_factory=dict, sa_type=Json)
    attempted_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    succeeded_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    next_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    stale_since: datetime | None = Field(
        default=None, sa_type=UtcDateTime, description="It has been silent for too long, which is an incident."
    )
    failures: int = Field(default=0, description="Failed polls since the last good one.")
    error: str | None = Field(default=None, sa_type=LongText)
    objects: int = Field(default=0, description="Object versions stored from this feed.")
    rejects: int = Field(default=0, description="Objects refused, ever.")
    held: str | None = Field(
        default=None, sa_type=LongText, description="Why the last list was not believed; a person may accept it."
    )
    accepted: bool = Field(default=False, description="The next list is believed, however short.")


class StixObject(Row, table=True):
    """One version of one STIX object, its text as received.

    `version` is `modified`, else `created`, else the time of arrival (STIX 2.1 §3.6; TAXII 2.1 §3.4.1).
    `latest` marks the greatest version of an id, whatever the order of arrival.
    """

    __table_args__ = (UniqueConstraint("stix_id", "version", "spec_version"), Index("ix_latest", "type", "latest"))

    id: int | None = Field(default=None, primary_key=True, sa_type=BigCount)
    stix_id: str = Field(sa_type=KeyText)
    type: str
    spec_version: str
    version: datetime = Field(sa_type=UtcDateTime)
    created: datetime | None = Field(default=None, sa_type=UtcDateTime)
    created_by_ref: str | None = Field(default=None, sa_type=KeyText, description="Who alone may make new versions.")
    latest: bool = Field(default=True)
    revoked: bool = Field(default=False)
    valid_from: datetime | None = Field(default=None, sa_type=UtcDateTime)
    valid_until: datetime | None = Field(default=None, sa_type=UtcDateTime)
    confidence: int | None = Field(default=None, description="0-100 as the creator says; None is unspecified.")
    name: str | None = None
    pattern: str | None = Field(default=None, sa_type=LongText)
    pattern_type: str | None = None
    pattern_error: str | None = Field(default=None, sa_type=LongText)
    source_ref: str | None = Field(default=None, sa_type=KeyText, index=True)
    target_ref: str | None = Field(default=None, sa_type=KeyText)
    relationship_type: str | None = None
    labels: list[str] = Field(default_factory=list, sa_type=Json, description="Labels and indicator types.")
    tlp: int = Field(description="Strictest TLP of the object's own markings; -1 where it has none.")
    content_hash: str = Field(description="SHA-256 of the canonical JSON text (RFC 8785), hexadecimal.")
    text: str = Field(sa_type=LongText, description="JSON text as received.")
    received_at: datetime = Field(sa_type=UtcDateTime)


class Assertion(Row, table=True):
    """One feed says one object version; several feeds may say the same, each with its own terms.

    It counts while it is listed and `until` has not come. What is gone stays, so that the past can be explained.
    """

    __table_args__ = (Index("ix_assertion_feed", "feed", "seen_at", "gone_at"),)

    object_id: int = Field(primary_key=True, foreign_key="stix_object.id", sa_type=BigCount)
    feed: str = Field(primary_key=True, foreign_key="feed.name")
    tlp: int = Field(description="The object's own TLP, else the feed's default.")
    confidence: int = Field(description="0-100: the object's confidence weighted by the feed's reliability.")
    until: datetime | None = Field(
        default=None, sa_type=UtcDateTime, description="When the feed's word has decayed; the object's own end is its."
    )
    name: str | None = Field(default=None, description="What the feed calls the threat, where it sends no objects.")
    labels: list[str] = Field(default_factory=list, sa_type=Json, description="The same for kinds of threat.")
    facts: dict[str, Any] = Field(default_factory=dict, sa_type=Json, description="What else it says, as received.")
    seen_at: datetime = Field(sa_type=UtcDateTime)
    missed: int = Field(default=0, description="Whole lists in a row that it was not on, for feeds that list all.")
    gone_at: datetime | None = Field(default=None, sa_type=UtcDateTime, description="Not listed any more since.")


class IndicatorKey(Row, table=True):
    """One atom of one indicator's pattern: the indicator index.

    `kind` and `key` are those of `citysec.observable`; `certain` is false where the atom alone does not fulfil the
    pattern.
    """

    __table_args__ = (Index("ix_indicator_key", "kind", "key"),)

    id: int | None = Field(default=None, primary_key=True, sa_type=BigCount)
    object_id: int = Field(foreign_key="stix_object.id", index=True, sa_type=BigCount)
    kind: str
    key: str = Field(sa_type=KeyText)
    path: str = Field(description="STIX object path, for instance `url:value`.")
    value: str = Field(sa_type=LongText, description="The literal as the pattern has it.")
    certain: bool = Field(default=True)


class Reject(Row, table=True):
    """One object that was refused, with its place and the reason; kept so that it can be looked at and replayed."""

    id: int | None = Field(default=None, primary_key=True, sa_type=BigCount)
    feed: str = Field(foreign_key="feed.name", index=True)
    at: str
    reason: str = Field(sa_type=LongText)
    excerpt: str = Field(sa_type=LongText)
    raw: bytes = Field(default=b"", description="All of it, where it can be tried again.")
    received_at: datetime = Field(sa_type=UtcDateTime)


class PollRun(Row, table=True):
    """One poll of a feed and what it came to, object by object; it is still going on while `ended_at` is None."""

    __table_args__ = (Index("ix_poll_run", "feed", "id"),)

    id: int | None = Field(default=None, primary_key=True, sa_type=BigCount)
    feed: str = Field(foreign_key="feed.name")
    started_at: datetime = Field(sa_type=UtcDateTime)
    ended_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    stored: int = Field(default=0, description="New object versions.")
    known: int = Field(default=0, description="Here already.")
    refused: int = 0
    gone: int = Field(default=0, description="Not listed any more.")
    error: str | None = Field(default=None, sa_type=LongText, description="Why it failed.")
