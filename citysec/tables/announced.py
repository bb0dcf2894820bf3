"""Prefixes that autonomous systems announce, as one table of the internet's routes says."""

from __future__ import annotations

from sqlalchemy import Index
from sqlmodel import Field

from citysec.tables.columns import BigCount, KeyText, Row


class AnnouncedPrefix(Row, table=True):
    """One system announces one prefix; several may announce the same.

    The `Meta` row `announced` says which edition counts, who says so, and of which day it is; another one is coming or
    going. `certain` is false of the members of an AS_SET.
    """

    __table_args__ = (Index("ix_announced_prefix_system", "edition", "system"),)

    edition: int = Field(primary_key=True)
    key: str = Field(primary_key=True, sa_type=KeyText, description="`citysec.blocks.network_key`.")
    system: int = Field(primary_key=True, sa_type=BigCount, description="Number of the autonomous system.")
    certain: bool = Field(default=True)
