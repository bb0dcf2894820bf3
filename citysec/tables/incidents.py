"""Incidents: what needs a response, and what happened to it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlmodel import Field

from citysec.tables.columns import IN_ORDER, BigCount, Json, KeyText, LongText, Row, UtcDateTime, new_id


class Incident(Row, table=True):
    """Matches of one root cause at one constituent; with `constituent_id` None the city's own, with children.

    `threat` names the root cause: a STIX id, or the observable itself. `open_key` is unique while the incident is open
    and None afterwards: the database itself keeps one root cause to one open incident.
    """

    id: str = Field(default_factory=new_id, primary_key=True)
    ref: str = Field(unique=True, description="What people call it, for instance `LDN-2026-0042`.")
    constituent_id: str | None = Field(default=None, foreign_key="constituent.id", index=True)
    parent_id: str | None = Field(default=None, foreign_key="incident.id", index=True)
    threat: str = Field(sa_type=KeyText, index=True)
    open_key: str | None = Field(default=None, sa_type=KeyText, unique=True)
    kind: str
    title: str
    severity: str = Field(description="low, medium, high, critical")
    state: str = Field(index=True)
    confidence: int
    tlp: int
    aware_at: datetime = Field(sa_type=UtcDateTime, description="First match; legal clocks start here.")
    updated_at: datetime = Field(sa_type=UtcDateTime)
    closed_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    due_at: datetime | None = Field(default=None, sa_type=UtcDateTime, description="By when it is to be mended.")


class IncidentMatch(Row, table=True):
    """A match belongs to an incident; a match on an asset of several owners belongs to one incident of each.

    `kind`, `criticality` and `shift` are what the match weighs there: with its confidence they make its severity.
    """

    __table_args__ = IN_ORDER

    incident_id: str = Field(primary_key=True, foreign_key="incident.id")
    match_id: str = Field(primary_key=True, foreign_key="match.id", index=True)
    kind: str
    criticality: int = Field(description="Of the asset to the constituent, 1-5; 0 once the match is no concern of it.")
    shift: int = Field(default=0, description="Grades up or down from the strategy's table.")
    due_at: datetime | None = Field(default=None, sa_type=UtcDateTime, description="By when it is to be mended.")


class TimelineEntry(Row, table=True):
    """One thing that happened to an incident, in order of `id`."""

    id: int | None = Field(default=None, primary_key=True, sa_type=BigCount)
    incident_id: str = Field(foreign_key="incident.id", index=True)
    at: datetime = Field(sa_type=UtcDateTime)
    kind: str = Field(description="opened, match, severity, state, escalated, advisory, acknowledged, run, note …")
    text: str = Field(sa_type=LongText)
    actor: str = Field(description="Account name, or `citysec`.")
    data: dict[str, Any] = Field(default_factory=dict, sa_type=Json)
