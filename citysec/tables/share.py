"""TAXII collections: what others may pull from us."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import Index, UniqueConstraint
from sqlmodel import Field

from citysec.tables.columns import BigCount, Json, Row, UtcDateTime


def _uuid4() -> str:
    return str(uuid.uuid4())


class Collection(Row, table=True):
    """A saved filter × TLP ceiling (TAXII 2.1 §5.2).

    `id` is a UUIDv4; `filter` is for instance `{"types": ["indicator"]}`.
    """

    id: str = Field(default_factory=_uuid4, primary_key=True)
    slug: str = Field(unique=True, description="The alias in URLs.")
    title: str
    description: str = ""
    tlp: int = Field(description="Objects above this label are never in it.")
    filter: dict[str, Any] = Field(
        default_factory=dict, sa_type=Json, description='For instance `{"types": ["indicator"]}`.'
    )


class Grant(Row, table=True):
    """An account may read from, or write to, a collection."""

    collection_id: str = Field(primary_key=True, foreign_key="collection.id")
    account_id: str = Field(primary_key=True, foreign_key="account.id", index=True)
    can_read: bool = False
    can_write: bool = False


class Receipt(Row, table=True):
    """What came of objects that an account posted: TAXII's status resource, ready to be sent (§4.3)."""

    id: str = Field(default_factory=_uuid4, primary_key=True)
    account_id: str = Field(foreign_key="account.id", index=True)
    resource: dict[str, Any] = Field(default_factory=dict, sa_type=Json)
    at: datetime = Field(sa_type=UtcDateTime)


class Member(Row, table=True):
    """An object version is in a collection since `date_added`: microseconds since 1970, unique and ever growing."""

    __table_args__ = (
        UniqueConstraint("collection_id", "object_id"),
        Index("ix_member_page", "collection_id", "date_added"),
    )

    date_added: int = Field(primary_key=True, sa_type=BigCount)
    collection_id: str = Field(foreign_key="collection.id")
    object_id: int = Field(foreign_key="stix_object.id", sa_type=BigCount)
    tlp: int = Field(description="The lowest label under which some feed asserts it.")
