"""Whatever people paste: what it is, whom it would touch, and whether it has ever been seen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlmodel.ext.asyncio.session import AsyncSession

from citysec.access import policy
from citysec.access.policy import Principal
from citysec.correlate.prospect import Prospect, prospects
from citysec.errors import InvalidInput
from citysec.explanation.asked import Asked, read
from citysec.explanation.observed import Trace, traces
from citysec.explanation.seen import Sightings, sightings
from citysec.feeds.formats import values

MOST: Final = 1000
"""Values that are looked up at once."""
SHOWN: Final = 5
"""Indicators of one value, and constituents that have observed it, that are told one by one."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What there is to say of one value.

    Args:
        asked: as it was read.
        prospect: registered assets that it would touch and warning lists that it is on; None where there are none.
        seen: what speaks of it.
        observed: whose machines did so themselves, as far as that is kept.
    """

    asked: Asked
    prospect: Prospect | None
    seen: Sightings
    observed: Sequence[Trace]


async def look_up(db: AsyncSession, texts: Sequence[str], reader: Principal, at: datetime) -> list[Answer]:
    """Return what there is to say of each of `texts`, in order, as far as `reader` may know."""
    asked = [read(text) for text in texts]
    patterns = [_pattern(one) for one in asked]
    owners = None if reader.of_city else policy.owners(reader)
    touched = await prospects(db, dict.fromkeys(filter(None, patterns)), owners)
    seen = await sightings(db, asked, reader, at, SHOWN)
    rows = zip(asked, patterns, seen, await traces(db, asked, reader), strict=True)
    return [Answer(one, touched.get(pattern), found, observed) for one, pattern, found, observed in rows]


def _pattern(asked: Asked) -> str:
    """Return the pattern that stands for a value; empty where none can."""
    if asked.found is None:
        return ""
    try:
        return values.pattern(asked.found)
    except InvalidInput:
        return ""
