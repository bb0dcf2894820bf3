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
from citysec.explanation.affected import affected
from citysec.explanation.asked import Asked, read
from citysec.explanation.found import VULNERABILITY
from citysec.explanation.observed import Trace, traces
from citysec.explanation.seen import Seen, Sightings, sightings
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
        prospect: registered assets that it would touch, or software that has it, and warning lists that it is on; None
            where there are none.
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
    owned = await affected(db, {one.stix_id for found in seen for one in found.shown if _is_cve(one)}, reader)
    running = [next((owned[one.stix_id] for one in found.shown if one.stix_id in owned), None) for found in seen]
    rows = zip(asked, patterns, running, seen, await traces(db, asked, reader), strict=True)
    return [Answer(one, touched.get(pattern) or has, found, observed) for one, pattern, has, found, observed in rows]


def _is_cve(one: Seen) -> bool:
    return one.stix_id.startswith(f"{VULNERABILITY}--")


def _pattern(asked: Asked) -> str:
    """Return the pattern that stands for a value; empty where none can."""
    try:
        return " OR ".join(map(values.pattern, asked.observables))
    except InvalidInput:
        return ""
