"""What operators look at: feeds and the audit chain."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedRow:
    """One feed; `problem` says what the last poll ran into, `rejects` counts objects refused, ever."""

    name: str
    title: str
    publisher: str
    kind: str
    state: str
    last_success_at: datetime | None
    next_poll_at: datetime | None
    objects: int
    rejects: int = 0
    problem: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedsView:
    """`GET /feeds`.

    Args:
        may_submit: offers to hand in a text.
        unmatchable: vulnerabilities of which no feed says which versions of which product have them.
    """

    template: ClassVar[str] = "feeds.html"
    feeds: tuple[FeedRow, ...]
    may_submit: bool = False
    unmatchable: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditRow:
    """One link of the audit chain."""

    seq: int
    at: datetime
    actor: str
    action: str
    subject: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditView:
    """`GET /audit`: the newest entries first.

    Args:
        total: entries in the whole chain.
        broken_at: the first entry whose hash is wrong; None when the chain verifies.
    """

    template: ClassVar[str] = "audit.html"
    entries: tuple[AuditRow, ...]
    total: int
    checked_at: datetime
    broken_at: int | None = None
    next_page: str | None = None
