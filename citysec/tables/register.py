"""The register: whom we serve, whom to tell there, their public services and assets."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from sqlalchemy import Index, UniqueConstraint, text
from sqlmodel import Field

from citysec.tables.columns import KeyText, Row, UtcDateTime, new_id


class Constituent(Row, table=True):
    """A body we serve. `clearance` is the highest TLP it may see (`citysec.tlp.TLP`)."""

    id: str = Field(default_factory=new_id, primary_key=True)
    slug: str = Field(unique=True)
    name: str = Field(unique=True)
    kind: str = Field(description="borough, nhs-trust, transport, police …")
    sector: str
    gss_code: str | None = None
    ods_code: str | None = None
    abbreviation: str | None = Field(default=None, description="Three letters for the grid of boroughs.")
    grid_col: int | None = None
    grid_row: int | None = None
    clearance: int = Field(default=2)


class Contact(Row, table=True):
    """Whom to tell at a constituent, and over which channel (`email` or `webhook`)."""

    __table_args__ = (UniqueConstraint("constituent_id", "channel", "address"),)

    id: str = Field(default_factory=new_id, primary_key=True)
    constituent_id: str = Field(foreign_key="constituent.id", index=True)
    name: str
    role: str = Field(default="security")
    channel: str
    address: str
    secret: str | None = Field(default=None, description="Signing secret of a webhook (Standard Webhooks, `whsec_…`).")
    active: bool = Field(default=True)


class Service(Row, table=True):
    """A public service that one or several constituents are accountable for, run by an operator."""

    id: str = Field(default_factory=new_id, primary_key=True)
    slug: str = Field(unique=True)
    name: str
    criticality: int = Field(default=3, ge=1, le=5, description="1 least … 5 most critical.")
    operator: str | None = Field(default=None, description="Who runs it, often a supplier.")


class Accountable(Row, table=True):
    """A constituent answers for a service."""

    service_id: str = Field(primary_key=True, foreign_key="service.id")
    constituent_id: str = Field(primary_key=True, foreign_key="constituent.id", index=True)


class Asset(Row, table=True):
    """A name, address, mailbox or piece of software registered with us; one row however many own it.

    `key_kind` and `key` are the canonical form (`citysec.observable`); `value` is the text as registered.
    """

    __table_args__ = (UniqueConstraint("kind", "key", "scope"),)

    id: int | None = Field(default=None, primary_key=True)
    kind: str = Field(description="`citysec.observable.AssetKind`, for instance domain.")
    value: str
    scope: str = Field(default="exact", description="exact, or tree: the name and all below it.")
    key_kind: str
    key: str = Field(sa_type=KeyText)


_WITHOUT_SERVICE: Final = text("service_id IS NULL")


class AssetOwner(Row, table=True):
    """A constituent owns an asset; `ref` is the id by which the constituent's own register knows it.

    Software may carry several services of one owner, each by a row of its own.
    """

    __table_args__ = (
        UniqueConstraint("asset_id", "constituent_id", "service_id"),
        Index(
            "ix_asset_owner_alone",
            "asset_id",
            "constituent_id",
            unique=True,
            sqlite_where=_WITHOUT_SERVICE,
            postgresql_where=_WITHOUT_SERVICE,
        ),
    )

    ref: str = Field(primary_key=True)
    asset_id: int = Field(foreign_key="asset.id", index=True)
    constituent_id: str = Field(foreign_key="constituent.id", index=True)
    service_id: str | None = Field(default=None, foreign_key="service.id", index=True)
    criticality: int = Field(default=3, ge=1, le=5)
    exposed: bool = Field(default=False, description="It can be reached from the internet.")
    verified: bool = Field(default=True, description="The city's team has made sure that it is the owner's.")
    registered_at: datetime = Field(sa_type=UtcDateTime)
