"""Advisories: what we tell one constituent, by which decision, over which channel, and what they answered."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Index, UniqueConstraint
from sqlmodel import Field

from citysec.tables.columns import BigCount, Json, LongText, Row, UtcDateTime, new_id


class Advisory(Row, table=True):
    """What we tell one constituent about one incident; a correction is a higher `revision`.

    `content` is the composed text as data (`advisories.compose`), already cut to the recipient's clearance. With
    `constituent_id` None it is public.
    """

    __table_args__ = (UniqueConstraint("incident_id", "constituent_id", "revision"),)

    id: str = Field(default_factory=new_id, primary_key=True)
    incident_id: str = Field(foreign_key="incident.id", index=True)
    constituent_id: str | None = Field(default=None, foreign_key="constituent.id", index=True)
    revision: int = Field(default=1)
    subject: str
    content: dict[str, Any] = Field(sa_type=Json)
    severity: str
    tlp: int
    published_at: datetime = Field(sa_type=UtcDateTime)
    answer_by: datetime | None = Field(default=None, sa_type=UtcDateTime)
    reminders: int = Field(default=0)
    overdue_at: datetime | None = Field(default=None, sa_type=UtcDateTime, description="When the clock ran out.")


class Decision(Row, table=True):
    """Why a recipient may, may in part, or may not have something; stored before anything leaves.

    Source:
        FIRST TLP 2.0; promise P2 (nothing leaks).
    """

    id: str = Field(default_factory=new_id, primary_key=True)
    advisory_id: str | None = Field(default=None, foreign_key="advisory.id", index=True)
    incident_id: str | None = Field(default=None, foreign_key="incident.id", index=True)
    recipient: str = Field(description="`contact:<id>`, `constituent:<id>` or `public`.")
    verdict: str = Field(description="allowed, reduced, refused")
    reason: str
    removed: list[str] = Field(default_factory=list, sa_type=Json, description="Fields that were taken out.")
    tlp: int = Field(description="TLP of the content before anything was removed.")
    clearance: int
    at: datetime = Field(sa_type=UtcDateTime)


class Delivery(Row, table=True):
    """One sending of one advisory over one channel.

    `id` is a hash of (advisory, revision, recipient, channel, reminder): the idempotency key, which the receiver
    gets too.
    """

    __table_args__ = (Index("ix_delivery_advisory", "advisory_id", "state"),)  # else SQLite goes by the state alone

    id: str = Field(primary_key=True)
    advisory_id: str = Field(foreign_key="advisory.id")
    contact_id: str = Field(foreign_key="contact.id")
    decision_id: str = Field(foreign_key="decision.id")
    channel: str
    reminder: int = Field(default=0, description="0 is the first message.")
    state: str = Field(default="queued", index=True, description="queued, sent, dead, cancelled")
    attempts: int = Field(default=0)
    error: str | None = Field(default=None, sa_type=LongText)
    queued_at: datetime = Field(sa_type=UtcDateTime)
    sent_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class Acknowledgement(Row, table=True):
    """A constituent's answer to an advisory; later ones are kept, the first stops the clock."""

    id: int | None = Field(default=None, primary_key=True, sa_type=BigCount)
    advisory_id: str = Field(foreign_key="advisory.id", index=True)
    contact_id: str | None = Field(default=None, foreign_key="contact.id")
    account: str | None = None
    answer: str = Field(description="received, in-hand, not-ours")
    name: str | None = None
    note: str | None = Field(default=None, sa_type=LongText)
    at: datetime = Field(sa_type=UtcDateTime)
