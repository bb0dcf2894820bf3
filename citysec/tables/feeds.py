"""What feeds brought: objects as received, who asserted them, their comparable atoms; what was refused; the polls."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, Final

from sqlalchemy import Index, UniqueConstraint, text
from sqlmodel import Field, col

from citysec.tables.columns import BigCount, Json, KeyText, LongText, Row, UtcDateTime

PRODUCT: Final = "kind = 'product'"
"""Of what there is an index of keys by object: of vulnerabilities, whose keys do not follow from a pattern."""
_BY_OBJECT: Final = ("kind", "object_id", "certain")
"""What is constant comes first: else SQLite prefers to read all products where some objects are asked for."""
BLOCK: Final = "kind = 'ip' AND key NOT LIKE '%/32' AND key NOT LIKE '%/128'"
"""Of what there is an index by itself: blocks of addresses, far fewer than single ones, so that they can be listed."""
NAMED_BY_CVE: Final = "type = 'vulnerability' AND length(name) < 30"
"""Of which objects there is an index of names: of longer ones than CVE ids PostgreSQL's would make an error."""
THREAT: Final = "threat"
NEW_DOMAIN: Final = "new-domain"
_RELATED: Final = "source_ref IS NOT NULL"
_SIGHTING: Final = "relationship_type IS NULL AND target_ref IS NOT NULL"


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
    confirmed_at: datetime | None = Field(
        default=None, sa_type=UtcDateTime, description="When all that it has was last read, or found unchanged."
    )
    says: str = Field(default=THREAT, description="`threat`, or `new-domain`: that names are new, and no more.")
    terms: str | None = Field(default=None, description="Digest of what its definition says of its word's worth.")


class StixObject(Row, table=True):
    """One version of one STIX object, its text as received.

    `version` is `modified`, else `created`, else the time of arrival (STIX 2.1 §3.6; TAXII 2.1 §3.4.1).
    `latest` marks the greatest version of an id, whatever the order of arrival.
    """

    __table_args__ = (
        UniqueConstraint("stix_id", "version", "spec_version"),
        Index("ix_latest", "type", "latest"),
        Index("ix_sighting", "target_ref", sqlite_where=text(_SIGHTING), postgresql_where=text(_SIGHTING)),
        Index("ix_related", "source_ref", sqlite_where=text(_RELATED), postgresql_where=text(_RELATED)),
        Index("ix_vulnerability", "name", sqlite_where=text(NAMED_BY_CVE), postgresql_where=text(NAMED_BY_CVE)),
    )

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
    source_ref: str | None = Field(default=None, sa_type=KeyText)
    target_ref: str | None = Field(default=None, sa_type=KeyText)
    relationship_type: str | None = None
    labels: list[str] = Field(default_factory=list, sa_type=Json, description="Labels and indicator types.")
    tlp: int = Field(description="Strictest TLP of the object's own markings; -1 where it has none.")
    content_hash: str = Field(description="SHA-256 of the canonical JSON text (RFC 8785), hexadecimal.")
    text: str = Field(sa_type=LongText, description="JSON text as received.")
    received_at: datetime = Field(sa_type=UtcDateTime)


class Assertion(Row, table=True):
    """One feed says one object version; several feeds may say the same, each with its own terms.

    It counts while it is listed and its end (`word_ends`) has not come. What is gone stays, so that the past can be
    explained. What stands on the feed's last whole list is not touched when the list is read again: it is as fresh as
    the list, `Feed.confirmed_at`.
    """

    __table_args__ = (Index("ix_assertion_feed", "feed", "missed", "object_id", "lasts_s"),)

    object_id: int = Field(primary_key=True, foreign_key="stix_object.id", sa_type=BigCount)
    feed: str = Field(primary_key=True, foreign_key="feed.name")
    tlp: int = Field(description="The object's own TLP, else the feed's default.")
    confidence: int = Field(description="0-100: the object's confidence weighted by the feed's reliability.")
    own_tlp: int | None = Field(default=None, description="TLP of the object or record itself.")
    own_confidence: int | None = Field(default=None, description="Confidence that it states itself.")
    until: datetime | None = Field(default=None, sa_type=UtcDateTime, description="The end that the feed states.")
    fresh_at: datetime | None = Field(
        default=None, sa_type=UtcDateTime, description="When it was last known to be so; None for what stands listed."
    )
    lasts_s: float | None = Field(default=None, description="How long that counts from then; None is for ever.")
    seen_at: datetime | None = Field(default=None, sa_type=UtcDateTime, description="Last seen, as the feed says.")
    name: str | None = Field(default=None, description="What the feed calls the threat, where it sends no objects.")
    labels: list[str] = Field(default_factory=list, sa_type=Json, description="The same for kinds of threat.")
    facts: dict[str, Any] = Field(default_factory=dict, sa_type=Json, description="What else it says, as received.")
    missed: int | None = Field(
        default=None, description="Whole lists in a row that it was not on; 0 stands listed; None is not expected."
    )
    gone_at: datetime | None = Field(default=None, sa_type=UtcDateTime, description="Not listed any more since.")


WORD: Final = (
    col(Assertion.until),
    col(Assertion.missed),
    col(Assertion.fresh_at),
    col(Assertion.lasts_s),
    col(Feed.confirmed_at),
)
"""The columns that `word_ends` takes."""


def word_ends(
    until: datetime | None,
    missed: int | None,
    fresh_at: datetime | None,
    lasts_s: float | None,
    confirmed_at: datetime | None,
) -> datetime | None:
    """Return when a feed's word on an object counts no more; None is never.

    Days are whole: what was seen at any hour of a day is as fresh as its end, so that a list read every hour moves
    its ends once a day. What never counts, because it lasts for no time, does not count for that day either.
    """
    fresh = confirmed_at if missed == 0 else fresh_at
    if until is not None or lasts_s is None or fresh is None:
        return until
    try:
        return (whole_day(fresh) if lasts_s else fresh) + timedelta(seconds=lasts_s)
    except OverflowError:
        return None


def whole_day(at: datetime) -> datetime:
    """Return the midnight (UTC) that `at` is or that follows it."""
    midnight = at.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight if midnight == at else midnight + timedelta(days=1)


BLOCK_LENGTHS: Final = "indicator.blocks"
"""Name of the `Meta` row with the prefix lengths of the blocks in the indicator index, for instance `4/24 6/48`."""


class IndicatorKey(Row, table=True):
    """What an indicator or a vulnerability is about, by key: the indicator index, for newest versions only.

    `kind` and `key` are those of `citysec.observable`, of expressions those of `citysec.patterning.index_key`. There is
    no more in it than what finds an object: the pattern is in the object's row, and compiled again when it is found.
    """

    __table_args__ = (
        Index("ix_indicator_key_product", *_BY_OBJECT, sqlite_where=text(PRODUCT), postgresql_where=text(PRODUCT)),
        Index("ix_indicator_key_block", "key", sqlite_where=text(BLOCK), postgresql_where=text(BLOCK)),
        {"sqlite_with_rowid": False},
    )

    kind: str = Field(primary_key=True)
    key: str = Field(primary_key=True, sa_type=KeyText)
    object_id: int = Field(primary_key=True, foreign_key="stix_object.id", sa_type=BigCount)
    only_url: bool = Field(default=False, description="It is the host of a URL, and the object names it nowhere else.")
    certain: bool = Field(default=True, description="That alone fulfils the pattern; of a product, versions are known.")


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
