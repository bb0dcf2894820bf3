"""Names that look like registered ones, and those that may."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from citysec.errors import Problem
from citysec.web.views.frame import Named


@dataclass(frozen=True, slots=True, kw_only=True)
class LookalikeRow:
    """A name with open matches.

    Args:
        name: not defanged.
        shown: as people see it, where that is another text.
        of: what it looks like, names and brands.
        way: by what, in words.
        new: whether nobody says more than that it is new.
        certain: whether the likeness is.
        owners: whose names and brands these are.
        why: address of the explanation.
    """

    name: str
    shown: str
    of: Sequence[str]
    way: str
    new: bool
    certain: bool
    owners: Sequence[Named]
    since: datetime
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AllowedRow:
    """An entry of the allow list."""

    name: str
    note: str
    by: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class LookalikesView:
    """`GET /lookalikes`; POSTs below it: `allow` (`name`, `note`) and `disallow` (`name`), for whom `may_allow`.

    Args:
        rows: the newest names first; `total` counts all.
        name: what was written into the form, as `note`.
    """

    template: ClassVar[str] = "lookalikes.html"
    rows: Sequence[LookalikeRow]
    total: int
    allowed: Sequence[AllowedRow]
    may_allow: bool
    name: str = ""
    note: str = ""
    problems: tuple[Problem, ...] = ()
