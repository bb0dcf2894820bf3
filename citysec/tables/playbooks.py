"""Playbooks, their runs, and the questions that runs put to people."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import UniqueConstraint
from sqlmodel import Field

from citysec.tables.columns import BigCount, Json, LongText, Row, UtcDateTime, new_id


class Playbook(Row, table=True):
    """One version of one CACAO playbook; only an approved version may run."""

    __table_args__ = (UniqueConstraint("playbook_id", "version"),)

    id: int | None = Field(default=None, primary_key=True, sa_type=BigCount)
    playbook_id: str = Field(description="CACAO id.")
    version: str = Field(description="`modified`, as written.")
    name: str
    digest: str = Field(description="SHA-256 of the canonical JSON text (RFC 8785): what was approved.")
    text: str = Field(sa_type=LongText)
    approved_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    approved_by: str | None = None


class Run(Row, table=True):
    """One execution of one playbook version for one incident."""

    __table_args__ = (UniqueConstraint("incident_id", "playbook_id"),)

    id: str = Field(default_factory=new_id, primary_key=True)
    incident_id: str = Field(foreign_key="incident.id", index=True)
    playbook_id: int = Field(foreign_key="playbook.id", sa_type=BigCount)
    state: str = Field(default="waiting", description="waiting, running, completed, failed, cancelled")
    variables: dict[str, Any] = Field(default_factory=dict, sa_type=Json)
    started_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    ended_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    error: str | None = Field(default=None, sa_type=LongText)


class RunStep(Row, table=True):
    """One occurrence of one step in a run: what people see of it."""

    run_id: str = Field(primary_key=True, foreign_key="run.id")
    step_id: str = Field(primary_key=True)
    occurrence: int = Field(primary_key=True, default=0)
    position: int = Field(description="Order in which steps began.")
    name: str
    kind: str = Field(description="CACAO step type.")
    state: str = Field(description="ongoing, completed, failed, cancelled")
    started_at: datetime = Field(sa_type=UtcDateTime)
    ended_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    detail: str | None = Field(default=None, sa_type=LongText)


class Question(Row, table=True):
    """A manual step: put to an owner, with a deadline."""

    __table_args__ = (UniqueConstraint("run_id", "step_id", "occurrence"),)

    id: str = Field(default_factory=new_id, primary_key=True)
    run_id: str = Field(foreign_key="run.id")
    incident_id: str = Field(foreign_key="incident.id", index=True)
    step_id: str
    occurrence: int = 0
    title: str
    text: str = Field(sa_type=LongText)
    owner: str = Field(description="Role that answers: coordinator, or lead of the constituent concerned.")
    asked_at: datetime = Field(sa_type=UtcDateTime)
    due_at: datetime = Field(sa_type=UtcDateTime)
    answer: str | None = Field(default=None, description="approved, refused, expired")
    answered_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    answered_by: str | None = None
    note: str | None = Field(default=None, sa_type=LongText)
