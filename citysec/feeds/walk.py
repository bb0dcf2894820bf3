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
from typing import Any, Final

import msgspec

from citysec.errors import FeedMalformed

WIDEST: Final = 64
"""Pages that are asked for as one, at most."""
_LITTLE: Final = timedelta(milliseconds=1)


class RepeatedPage(FeedMalformed):
    """The server sent a page once more instead of the next one."""


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
        by_dates: whether `next` is passed over to its end.
        wide: how many pages its next request asks for as one.
        passed: a date of which the server has more objects than it gives.
        followed: how many times it has followed a `next`.
        landmark: digest of one page that a `next` has led to; where it leads there again, it goes round.
    """

    mark: str | None = None
    under_way: bool = False
    after: str | None = None
    next: str | None = None
    last: str | None = None
    digest: str | None = None
    by_dates: bool = False
    wide: int = 1
    passed: str | None = None
    followed: int = 0
    landmark: str | None = None

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
        RepeatedPage: the page has come before; going on would go round for ever.
        FeedMalformed: more is left, but the page does not say how to ask for it.
    """
    last = _later(walk.last, page.last)
    if not page.more:
        return Walk(mark=_later(walk.mark, last))
    following = None if walk.by_dates else page.next
    here = _followed(walk, page)
    here = replace(here, under_way=True, last=last, digest=page.digest, next=following, wide=1, passed=None)
    if following is None:
        return _by_date(walk, page, here)
    if page.digest == walk.digest:
        raise RepeatedPage("the server sent the same page twice")
    return here


def _followed(walk: Walk, page: Page) -> Walk:
    """Return `walk` with `page` counted, if a `next` has led to it.

    The landmark moves on to every page whose number is a power of two: so it comes to lie on any round that the server
    leads us, however long that is, and stays there for a whole one (Brent's way to find a cycle).
    """
    if walk.next is None:
        return walk
    if page.digest == walk.landmark:
        raise RepeatedPage("the server leads round in a circle")
    followed = walk.followed + 1
    is_landmark = followed & (followed - 1) == 0
    return replace(walk, followed=followed, landmark=page.digest if is_landmark else walk.landmark)


def _by_date(walk: Walk, page: Page, here: Walk) -> Walk:
    """Return `here` going on from just before the page's last date: not all that bears it need be on the page.

    Where a whole page bears one date, more is asked for at a time; where the server gives no more, the date is passed
    over, which is said.
    """
    if page.last is None:
        raise FeedMalformed("the server has more, but gives neither `next` nor a later date")
    if walk.next is not None or _is_later(page.last, walk.last):
        return replace(here, after=_earlier(page.last, 0))
    if walk.passed is not None:
        raise RepeatedPage("the server sent the same page twice")
    if walk.wide == 1 or (walk.wide < WIDEST and page.digest != walk.digest):
        return replace(here, wide=walk.wide * 4)
    return replace(here, after=here.last, passed=here.last)


def by_date(walk: Walk) -> Walk | None:
    """Return `walk` going on by dates alone, for a server that does not know its own `next`; None where it has none."""
    if walk.next is None or walk.last is None:
        return None
    return replace(walk, next=None, after=_earlier(walk.last, 0), by_dates=True)


def instant(text: str | None) -> datetime | None:
    """Return the time that a server wrote, with any number of decimals and UTC where it has no zone; None for none."""
    try:
        found = datetime.fromisoformat(text or "")
    except ValueError:
        return None
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)


def _earlier(text: str | None, seconds: float) -> str | None:
    """Return the date so much earlier, and always a little: others may bear it, or one that was cut off to it."""
    found = instant(text)
    if found is None:
        return text
    before = found.astimezone(UTC) - max(timedelta(seconds=seconds), _LITTLE)
    return before.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _is_later(one: str, other: str | None) -> bool:
    first, second = instant(one), instant(other)
    return first is not None and (second is None or first > second)


def _later(one: str | None, other: str | None) -> str | None:
    first, second = instant(one), instant(other)
    return other if first is None or (second is not None and second >= first) else one
