"""How far a TAXII collection has been read, and what to ask for next.

A walk is one reading of all that a collection has added since the last one. It goes page by page: by `next` where the
server gives one, else by the date of the last object. Its place is kept after every page, so that a walk that breaks
off is taken up there; the mark from which the next walk starts moves only when a walk has ended.

Source:
    TAXII 2.1 §3.2 (dates), §3.4 (added_after), §3.5 (paging). That a walk begins a little before the mark is our rule:
    servers that write in parallel show older dates late.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from citysec.errors import FeedMalformed


class RepeatedPage(FeedMalformed):
    """The server sent the page before once more instead of the next one."""


@dataclass(frozen=True, slots=True)
class Page:
    """What a page says about paging.

    Args:
        more: whether anything is left.
        next: the server's word for what is left; to be sent with the same parameters.
        last: `X-TAXII-Date-Added-Last` in the server's own text, None where it is missing or no time.
        digest: of the whole body.
    """

    more: bool
    next: str | None
    last: str | None
    digest: str


@dataclass(frozen=True, slots=True)
class Walk:
    """Where a collection has been read to; dates in the server's own text.

    Args:
        mark: last date of the last walk that ended.
        under_way: whether the walk has read a page and not ended.
        after: `added_after` of its requests.
        next: `next` of its next request.
        last: last date of its pages so far.
        digest: of its last page.
    """

    mark: str | None = None
    under_way: bool = False
    after: str | None = None
    next: str | None = None
    last: str | None = None
    digest: str | None = None

    def cursor(self) -> dict[str, Any]:
        """Return the walk as JSON; `resumed` takes it."""
        return {name: value for name, value in asdict(self).items() if value is not None}


def resumed(cursor: dict[str, Any], overlap_s: float) -> Walk:
    """Return the walk to go on with: the one `cursor` has under way, or a new one from before its mark."""
    try:
        walk = msgspec.convert(cursor, Walk)
    except msgspec.ValidationError:  # written by another kind of feed
        return Walk()
    return walk if walk.under_way else Walk(mark=walk.mark, after=_earlier(walk.mark, overlap_s))


def advanced(walk: Walk, page: Page) -> Walk:
    """Return where `walk` stands after `page`.

    Raises:
        RepeatedPage: it is the page before once more; going on would go round for ever.
        FeedMalformed: more is left, but the page does not say how to ask for it.
    """
    last = page.last or walk.last
    if not page.more:
        return Walk(mark=_later(walk.mark, last))
    if page.digest == walk.digest:
        raise RepeatedPage("the server sent the same page twice")
    here = replace(walk, under_way=True, last=last, digest=page.digest)
    if page.next is not None:
        return replace(here, next=page.next)
    if page.last is None or page.last == walk.after:
        raise FeedMalformed("the server has more, but gives neither `next` nor a later date")
    return replace(here, next=None, after=page.last)


def by_date(walk: Walk) -> Walk | None:
    """Return `walk` going on by date, for a server that no longer knows its own `next`; None where it gave no date."""
    return replace(walk, next=None, after=walk.last) if walk.next is not None and walk.last is not None else None


def instant(text: str | None) -> datetime | None:
    """Return the time that a server wrote, with any number of decimals and UTC where it has no zone; None for none."""
    try:
        found = datetime.fromisoformat(text or "")
    except ValueError:
        return None
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)


def _earlier(text: str | None, seconds: float) -> str | None:
    found = instant(text)
    if found is None:
        return text
    before = found.astimezone(UTC) - timedelta(seconds=seconds)
    return before.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _later(one: str | None, other: str | None) -> str | None:
    first, second = instant(one), instant(other)
    return other if first is None or (second is not None and second >= first) else one
