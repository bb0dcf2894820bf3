"""Matches: an indicator touches an asset, with the reason."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import UniqueConstraint
from sqlmodel import Field

from citysec.tables.columns import BigCount, Json, KeyText, LongText, Row, UtcDateTime, new_id


class Match(Row, table=True):
    """An indicator × asset relation found by correlation; everything needed to explain it later is in the row.

    Open while `closed_at` is None. `tlp` and `confidence` are those of the assertion it rests on.
    """

    __table_args__ = (UniqueConstraint("indicator_id", "asset_id"),)

    id: str = Field(default_factory=new_id, primary_key=True)
    indicator_id: str = Field(sa_type=KeyText, index=True, description="STIX id.")
    object_id: int = Field(foreign_key="stix_object.id", sa_type=BigCount, description="The version it rests on.")
    asset_id: int = Field(foreign_key="asset.id", index=True)
    relation: str = Field(description="equal, contains, within, below, host …, or possible")
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
