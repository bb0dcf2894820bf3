"""The city board."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from citysec.web.views.frame import IncidentRow, QuestionRow


@dataclass(frozen=True, slots=True, kw_only=True)
class Tile:
    """One local authority on the grid; `worst` is the severity of its worst open incident."""

    slug: str
    name: str
    abbreviation: str
    col: int
    row: int
    open_incidents: int = 0
    worst: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Body:
    """A constituent outside the grid."""

    slug: str
    name: str
    open_incidents: int = 0
    worst: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sector:
    """The constituents of one sector outside the grid, the troubled first."""

    name: str
    bodies: tuple[Body, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedHealth:
    """The feeds in one line; `failing` names those that need a look."""

    working: int
    total: int
    failing: tuple[str, ...] = ()
    last_success_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BoardFilter:
    """What the query string of the board asks for; the empty string means any.

    Parameters: `severity`, `state` (empty: all that are not closed), `sector`, `waiting` (`answers`: only incidents
    with unanswered advisories).
    """

    severity: str = ""
    state: str = ""
    sector: str = ""
    waiting: str = ""

    @property
    def asks(self) -> bool:
        """Whether it asks for anything."""
        return bool(self.severity or self.state or self.sector or self.waiting)


@dataclass(frozen=True, slots=True, kw_only=True)
class BoardView:
    """`GET /`: the city at one glance.

    Args:
        incidents: those that pass `chosen`, the worst and most urgent first.
        sector_options: what `chosen.sector` may be, with the text to show.
        next_page: address of the following incidents.
        possible_matches: matches too uncertain to act on that a person should look at.
    """

    template: ClassVar[str] = "board.html"
    tiles: tuple[Tile, ...]
    sectors: tuple[Sector, ...]
    open_incidents: int
    advisories_waiting: int
    questions_waiting: int
    possible_matches: int
    feeds: FeedHealth
    incidents: tuple[IncidentRow, ...]
    questions: tuple[QuestionRow, ...]
    sector_options: Mapping[str, str]
    chosen: BoardFilter = BoardFilter()
    next_page: str | None = None
