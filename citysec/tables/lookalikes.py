"""Lookalikes: what registered names and brands may be taken for, what indicators' names may be, and what is allowed.

The first two tables meet in `form` (`citysec.lookalikes`), whichever side comes first.
"""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Field

from citysec.tables.columns import IN_ORDER, BigCount, KeyText, LongText, Row, UtcDateTime


class Lookalike(Row, table=True):
    """What one registered name or brand may be taken for; `of` is its key, `kind` a permutation or empty."""

    __table_args__ = IN_ORDER

    form: str = Field(primary_key=True, sa_type=KeyText)
    of: str = Field(primary_key=True, sa_type=KeyText, index=True)
    kind: str = ""


class NameForm(Row, table=True):
    """What a name that an indicator speaks of may be taken for."""

    __table_args__ = IN_ORDER

    form: str = Field(primary_key=True, sa_type=KeyText)
    object_id: int = Field(primary_key=True, foreign_key="stix_object.id", sa_type=BigCount)


class AllowedName(Row, table=True):
    """A name that is nobody's lookalike, with all names below it, because a person says so."""

    key: str = Field(primary_key=True, sa_type=KeyText, description="As of names in `citysec.observable`.")
    note: str = Field(default="", sa_type=LongText)
    by: str = Field(description="Account name.")
    at: datetime = Field(sa_type=UtcDateTime)
