"""What constituents' machines saw: sightings of indicators, and, as long as the settings say, all that was reported."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from sqlalchemy import Index, UniqueConstraint
from sqlmodel import Field

from citysec.tables.columns import BigCount, Json, KeyText, LongText, Row, UtcDateTime, new_id

FEED: Final = "telemetry"
"""The feed under whose name sightings by constituents' machines are STIX objects."""


class Sighting(Row, table=True):
    """How often, and when, a match's indicator was seen at its constituent on one day (UTC).

    `tlp` is the label under which the constituent tells it to others; it is at least the match's.
    """

    __table_args__ = (UniqueConstraint("match_id", "day", "tlp"), Index("ix_sighting_page", "first_told_at", "id"))

    id: str = Field(default_factory=new_id, primary_key=True)
    match_id: str = Field(foreign_key="match.id")
    day: str = Field(description="`2026-11-23`.")
    tlp: int
    first_seen: datetime = Field(sa_type=UtcDateTime)
    last_seen: datetime = Field(sa_type=UtcDateTime)
    count: int = Field(sa_type=BigCount)
    first_told_at: datetime = Field(sa_type=UtcDateTime)
    last_told_at: datetime = Field(sa_type=UtcDateTime)
    written_at: datetime | None = Field(default=None, sa_type=UtcDateTime, description="Written as STIX, as of then.")
    reporter: str = Field(description="Account, or who ran the command.")
    note: str | None = Field(default=None, sa_type=LongText)


class Report(Row, table=True):
    """One batch of observations, by its content: the same batch again is answered alike and counts nothing twice."""

    id: str = Field(primary_key=True, description="SHA-256 of who sent what for whom.")
    constituent_id: str = Field(foreign_key="constituent.id", index=True)
    at: datetime = Field(sa_type=UtcDateTime)
    answer: dict[str, Any] = Field(sa_type=Json)


class Observed(Row, table=True):
    """One fact that was observed, kept while `telemetry_keep_hours` says so."""

    __table_args__ = (Index("ix_observed_fact", "kind", "key"), Index("ix_observed_age", "told_at"))

    id: int | None = Field(default=None, primary_key=True, sa_type=BigCount)
    constituent_id: str = Field(foreign_key="constituent.id")
    observation: str = Field(index=True, description="The same for the facts of one observation.")
    type: str = Field(description="STIX type of the object.")
    role: str = Field(description="Of an address in traffic: `src_ref` or `dst_ref`; else empty.")
    kind: str
    key: str = Field(sa_type=KeyText)
    value: str = Field(sa_type=LongText)
    first_seen: int = Field(sa_type=BigCount, description="Microseconds since 1970.")
    last_seen: int = Field(sa_type=BigCount)
    count: int
    told_at: datetime = Field(sa_type=UtcDateTime)
