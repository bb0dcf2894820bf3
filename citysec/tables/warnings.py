"""Warning lists: values that are well known and mostly harmless, and what is to become of matches that rest on them."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Field

from citysec.tables.columns import Json, KeyText, LongText, Row, UtcDateTime


class WarningList(Row, table=True):
    """One list; it counts while it is enabled."""

    name: str = Field(primary_key=True, description="Short, as commands and matches name it.")
    title: str = Field(sa_type=LongText)
    version: str
    description: str = Field(sa_type=LongText)
    type: str = Field(description="cidr, hostname, string, substring or regex")
    attributes: list[str] = Field(sa_type=Json, description="Types of MISP attributes that it speaks of; empty is all.")
    effect: str = Field(description="suppress, demote or annotate")
    enabled: bool
    entries: int
    unread: int = Field(description="Values on it that could not be read.")
    imported_at: datetime = Field(sa_type=UtcDateTime)


class WarningEntry(Row, table=True):
    """One value of a list; `kind` and `key` are those of `citysec.correlate.listing`."""

    list_name: str = Field(primary_key=True, foreign_key="warning_list.name")
    kind: str = Field(primary_key=True)
    key: str = Field(primary_key=True, sa_type=KeyText)
