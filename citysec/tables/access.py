"""Who may do what, and the record of what was done."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlmodel import Field

from citysec.tables.columns import BigCount, Json, LongText, Row, UtcDateTime, new_id


class Account(Row, table=True):
    """A person or machine that may sign in. `constituent_id` None is the city's own team."""

    id: str = Field(default_factory=new_id, primary_key=True)
    name: str = Field(unique=True)
    role: str = Field(description="coordinator, analyst, lead, member, machine")
    constituent_id: str | None = Field(default=None, foreign_key="constituent.id", index=True)
    clearance: int = Field(description="Highest TLP it may see.")
    password_hash: str | None = None
    disabled_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    created_at: datetime = Field(sa_type=UtcDateTime)


class Session(Row, table=True):
    """A sign-in of a person; `id` is the SHA-256 of the cookie's value."""

    id: str = Field(primary_key=True)
    account_id: str = Field(foreign_key="account.id", index=True)
    csrf: str
    created_at: datetime = Field(sa_type=UtcDateTime)
    expires_at: datetime = Field(sa_type=UtcDateTime)


class Token(Row, table=True):
    """A machine's credential; `digest` is the SHA-256 of the token, which nobody but its holder has."""

    id: str = Field(default_factory=new_id, primary_key=True)
    account_id: str = Field(foreign_key="account.id", index=True)
    digest: str = Field(unique=True)
    scopes: list[str] = Field(sa_type=Json)
    created_at: datetime = Field(sa_type=UtcDateTime)
    expires_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    used_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class Answer(Row, table=True):
    """What the API answered to a request with an `Idempotency-Key`, so that the same request again repeats nothing."""

    account_id: str = Field(primary_key=True, foreign_key="account.id")
    key: str = Field(primary_key=True)
    request: str = Field(description="SHA-256 of method, path, query and body.")
    status: int
    body: str = Field(sa_type=LongText)
    at: datetime = Field(sa_type=UtcDateTime)


class AuditEntry(Row, table=True):
    """One thing done, chained: `digest` covers the entry and the digest before it, so no entry can go unnoticed."""

    seq: int = Field(primary_key=True, sa_type=BigCount)
    at: datetime = Field(sa_type=UtcDateTime)
    actor: str
    action: str
    subject: str
    data: dict[str, Any] = Field(default_factory=dict, sa_type=Json)
    previous: str
    digest: str = Field(unique=True)
