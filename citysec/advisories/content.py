"""What an advisory says: the one shape behind the mail, the webhook, the page and the database. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import msgspec


@dataclass(frozen=True, slots=True, kw_only=True)
class Touched:
    """One asset of the recipient, or one service it answers for, that the advisory is about.

    Args:
        value: the asset as registered; empty where only the service is the recipient's.
        service: the public service that the asset carries.
        indicator: the strongest indicator that touches it, as its publisher wrote it.
        relation: how the indicator relates to the asset, for instance `equal`, `below`.
        why: of a vulnerability, which software has it and how urgent that is, in sentences; else empty.
        certain: whether the whole of some indicator's pattern is fulfilled.
        others: how many more indicators touch it.
        since: when we first knew.
    """

    value: str = ""
    service: str = ""
    indicator: str = ""
    relation: str = ""
    why: str = ""
    certain: bool = True
    others: int = 0
    since: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Duty:
    """A legal clock that may be running for the recipient: `what` is due towards `to` within `hours`, so `by` then."""

    what: str
    to: str
    hours: int
    by: datetime
    basis: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """Whom to call; empty parts are left out."""

    name: str = ""
    phone: str = ""
    mail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """All that one advisory tells.

    Args:
        reference: the incident's number.
        title: what it is about, in a few words; also the subject of mails.
        kind: of incident; empty where the recipient may not know.
        severity: the city's grading.
        tlp: label of what is told, for instance `TLP:AMBER`.
        what: what happened, in plain sentences.
        touched: the recipient's assets, most certain first; the first of them where there are very many.
        touched_total: how many there are.
        since: when the city became aware.
        confidence: 0-100.
        how_sure: the same in words, with its ground.
        sources: titles of the feeds.
        todo: what to do now, in order.
        duties: legal clocks.
        call: whom to call.
        left_out: that something was held back because of its marking; empty when nothing was, or when not even that
            may be said.
        change: what is new against the revision before; empty in the first one.
        withdrawn: what was told no longer holds.
        due: by when what it is about is to be mended, where the strategy says so.
    """

    reference: str
    title: str
    kind: str = ""
    severity: str
    tlp: str
    what: str
    touched: tuple[Touched, ...] = ()
    touched_total: int = 0
    since: datetime
    confidence: int
    how_sure: str
    sources: tuple[str, ...] = ()
    todo: tuple[str, ...] = ()
    duties: tuple[Duty, ...] = ()
    call: Call = field(default_factory=Call)
    left_out: str = ""
    change: str = ""
    withdrawn: bool = False
    due: datetime | None = None

    def to_json(self) -> dict[str, Any]:
        """Return it as the database and webhooks have it."""
        return msgspec.to_builtins(self)


def from_json(data: Mapping[str, Any]) -> Content:
    """Return the content that `Content.to_json` wrote."""
    return msgspec.convert(data, Content)
