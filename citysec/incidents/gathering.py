"""The many nameless matches of a noisy feed are gathered into one incident (promise P4: nobody is flooded)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from citysec.incidents.record import open_key
from citysec.incidents.touches import BARE, Touch
from citysec.tables.incidents import Incident

COLLECTIVE: Final = "feed:"
"""Begins a threat that gathers others."""


@dataclass(slots=True)
class Gathering:
    """Which nameless threats are open at each constituent, so that the many of a noisy feed are gathered into one.

    Args:
        most: so many may be open by themselves.
        keys: (constituent, kind) -> keys of open incidents without a named threat.
    """

    most: int
    keys: dict[tuple[str, str], set[str]]

    @classmethod
    async def at(cls, db: AsyncSession, touches: Sequence[Touch], most: int) -> Gathering:
        """Look at the constituents that nameless threats touch."""
        bare = {t.constituent.id for t in touches if t.threat.startswith(BARE)}
        query = select(Incident.constituent_id, Incident.kind, Incident.open_key).where(
            col(Incident.constituent_id).in_(bare),
            col(Incident.open_key).is_not(None),
            col(Incident.threat).startswith(BARE),
        )
        keys: dict[tuple[str, str], set[str]] = defaultdict(set)
        for constituent_id, kind, key in await db.exec(query):
            if constituent_id and key:
                keys[constituent_id, kind].add(key)
        return cls(most, keys)

    def root_cause(self, touch: Touch) -> str:
        """Return the threat, or what gathers it with its like."""
        if not touch.threat.startswith(BARE):
            return touch.threat
        known = self.keys[touch.constituent.id, touch.kind]
        key = open_key(touch.threat, touch.constituent.id, touch.kind)
        if key not in known and len(known) >= self.most:
            return f"{COLLECTIVE}{touch.match.feed}/{touch.kind}"
        known.add(key)
        return touch.threat
