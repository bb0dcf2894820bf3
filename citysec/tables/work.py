"""Work handed from stage to stage, and the changes that live views follow."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Index
from sqlmodel import Field

from citysec.tables.columns import BigCount, Json, LongText, Row, UtcDateTime, new_id, now


class Outbox(Row, table=True):
    """One piece of work, written in the transaction of the fact that causes it.

    `kind` is a name of `pipeline.stages`. It is not begun before `due_at`. `handed_over_at` is set when the durable
    engine is given it, `done_at` in the same transaction as the work's own effects.
    """

    __table_args__ = (Index("ix_outbox_waiting", "done_at", "handed_over_at", "due_at"),)

    id: str = Field(default_factory=new_id, primary_key=True)
    kind: str
    payload: dict[str, Any] = Field(sa_type=Json)
    created_at: datetime = Field(sa_type=UtcDateTime)
    due_at: datetime = Field(default_factory=now, sa_type=UtcDateTime)
    handed_over_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    done_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    attempts: int = Field(default=0)
    error: str | None = Field(default=None, sa_type=LongText)


class Change(Row, table=True):
    """Something that people look at has changed; `seq` grows, though not in the order of commits."""

    seq: int | None = Field(default=None, primary_key=True, sa_type=BigCount)
    at: datetime = Field(sa_type=UtcDateTime)
    subject: str = Field(description="incident, question, advisory, feed, run …")
    subject_id: str
    constituent_id: str | None = Field(default=None, description="Whose it is; None is the city's.")


class Meta(Row, table=True):
    """Small facts about this installation, for instance the register's revision."""

    name: str = Field(primary_key=True)
    value: str
