"""Matches: an indicator touches an asset, with the reason; and the vulnerabilities that cannot be matched."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from sqlalchemy import Index, UniqueConstraint, text
from sqlmodel import Field

from citysec.tables.columns import BigCount, Json, KeyText, LongText, Row, UtcDateTime, new_id

_SIGHTED: Final = "constituent_id IS NOT NULL"
_POSSIBLE: Final = "certain = {no} AND closed_at IS NULL"
OPEN_LOOKALIKES: Final = "relation = 'lookalike' AND closed_at IS NULL"
"""Which of the matches a page lists by an index of their own: a few of many."""


class Match(Row, table=True):
    """An indicator touches an asset, or was sighted at a constituent; what explains it later is in the row.

    Open while `closed_at` is None. `tlp` and `confidence` are those of the assertion it rests on; what was sighted is
    surer. Either `asset_id` is there, or `constituent_id` with the relation `sighted` and rows of `Sighting`.
    """

    __table_args__ = (
        UniqueConstraint("indicator_id", "asset_id"),
        Index(
            "ix_match_sighted",
            "indicator_id",
            "constituent_id",
            unique=True,
            sqlite_where=text(_SIGHTED),
            postgresql_where=text(_SIGHTED),
        ),
        Index(
            "ix_match_possible",
            "id",
            sqlite_where=text(_POSSIBLE.format(no="0")),
            postgresql_where=text(_POSSIBLE.format(no="false")),
        ),
        Index("ix_match_lookalike", "id", sqlite_where=text(OPEN_LOOKALIKES), postgresql_where=text(OPEN_LOOKALIKES)),
    )

    id: str = Field(default_factory=new_id, primary_key=True)
    indicator_id: str = Field(sa_type=KeyText, description="STIX id of the indicator or vulnerability.")
    object_id: int = Field(foreign_key="stix_object.id", sa_type=BigCount, description="The version it rests on.")
    asset_id: int | None = Field(default=None, foreign_key="asset.id", index=True)
    constituent_id: str | None = Field(
        default=None, foreign_key="constituent.id", index=True, description="Where it was sighted."
    )
    relation: str = Field(description="equal, contains, within, below, host …, announced, affected, lookalike, sighted")
    path: str = Field(description="STIX object path of the atom.")
    indicator_value: str = Field(sa_type=LongText)
    certain: bool
    feed: str = Field(foreign_key="feed.name")
    confidence: int
    tlp: int
    valid_from: datetime | None = Field(default=None, sa_type=UtcDateTime)
    valid_until: datetime | None = Field(default=None, sa_type=UtcDateTime)
    matched_at: datetime = Field(sa_type=UtcDateTime)
    closed_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    close_reason: str | None = None
    warning_lists: list[str] = Field(
        default_factory=list, sa_type=Json, description="Names of the warning lists that its value is on."
    )
    prefix: str | None = Field(default=None, description="Through which an autonomous system is touched (`announced`).")
    about: dict[str, Any] = Field(
        default_factory=dict,
        sa_type=Json,
        description="Of a vulnerability: `software.particulars`; of a lookalike: `lookalikes.alike`.",
    )


class Capped(Row, table=True):
    """An indicator touches more assets of a constituent than it has open matches there: both numbers, exactly."""

    indicator_id: str = Field(primary_key=True, sa_type=KeyText)
    constituent_id: str = Field(primary_key=True, index=True, description="It may have been removed a moment ago.")
    touched: int
    kept: int = Field(description="Open matches.")


class Unmatchable(Row, table=True):
    """A vulnerability of which nobody has said which versions of which product have it: nobody can be told.

    The row goes when somebody says so.
    """

    object_id: int = Field(primary_key=True, foreign_key="stix_object.id", sa_type=BigCount)
    cve: str = Field(sa_type=KeyText)
    since: datetime = Field(sa_type=UtcDateTime)
    product: str | None = Field(default=None, description="What is said of it in words.")
    exploited: bool = Field(default=False, description="Known to be exploited.")
