"""Matches that are no more than possible."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from citysec.web.views.incident import MatchView


@dataclass(frozen=True, slots=True, kw_only=True)
class PossibleView:
    """`GET /possible`: the surest first; `total` counts all, `next_page` is the address of those that follow."""

    template: ClassVar[str] = "possible.html"
    matches: tuple[MatchView, ...]
    total: int
    next_page: str | None = None
