"""One feed: what it is, how it stands, how its polls went, what it sent that was refused, what may be done."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from citysec.tlp import TLP
from citysec.web.chart import Chart


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedFacts:
    """What the definition says.

    Args:
        schedule: when it is polled, in words.
        origin: the address it is fetched from; empty where there is none to show.
        format: in which form it comes, in words.
        lifetime: how long its word counts, in words.
        labels: kinds of threat of its entries.
    """

    name: str
    title: str
    publisher: str
    licence: str
    homepage: str | None
    kind: str
    format: str
    origin: str
    schedule: str
    reliability: str
    confidence: int
    tlp: TLP
    lifetime: str
    semantics: str
    labels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedHealthView:
    """How the feed stands; `held` says why its last list was not believed, `silent_since` that nobody hears it."""

    state: str
    last_success_at: datetime | None = None
    next_poll_at: datetime | None = None
    failures: int = 0
    resting_until: datetime | None = None
    error: str = ""
    held: str = ""
    accepted: bool = False
    silent_since: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedCounts:
    """How much the feed says: `listed` now, `gone` meanwhile, object versions stored and things refused, ever."""

    listed: int
    gone: int
    objects: int
    rejects: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PollRow:
    """One poll; it is going on while `ended_at` is None."""

    started_at: datetime
    ended_at: datetime | None
    stored: int
    known: int
    refused: int
    gone: int
    error: str = ""

    @property
    def read(self) -> int:
        """Objects looked at."""
        return self.stored + self.known + self.refused

    @property
    def seconds(self) -> float:
        """How long it took; 0 while it is going on."""
        return (self.ended_at - self.started_at).total_seconds() if self.ended_at else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class RejectRow:
    """Why something was refused, how often, and the newest of it."""

    times: int
    reason: str
    at: str
    excerpt: str
    received_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedView:
    """`GET /feeds/<name>`; POSTs go to `/feeds/<name>/<action>`.

    Args:
        polls: the last ones, the newest first; `chart` draws the same.
        running: the poll that is going on.
        rejects: by reason, the most frequent first; `reasons` counts all reasons, `again` what can be tried again.
        may_submit: whether to offer to hand in a text.
        actions: what this reader may do now: `poll`, `enable`, `disable`, `accept`, `replay`.
    """

    template: ClassVar[str] = "feed.html"
    facts: FeedFacts
    health: FeedHealthView
    counts: FeedCounts
    polls: Sequence[PollRow] = ()
    chart: Chart | None = None
    running: PollRow | None = None
    rejects: Sequence[RejectRow] = ()
    reasons: int = 0
    again: int = 0
    actions: frozenset[str] = frozenset()
    may_submit: bool = False
