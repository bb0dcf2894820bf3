"""What a publisher sends at a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, BinaryIO, NamedTuple

from citysec.feeds.formats import Reject


class Portion(NamedTuple):
    """A page, an event or all of a feed; whoever gets it closes the body.

    Args:
        body: in the feed's format.
        cursor: where the feed stands after it; None leaves it where it is.
        lost: what should have come with it, and could not be had.
    """

    body: BinaryIO
    cursor: Mapping[str, Any] | None = None
    lost: Sequence[Reject] = ()
