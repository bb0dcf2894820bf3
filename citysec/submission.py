"""A text or mail that somebody hands in, looked at before anything of it is stored: whom it touches, who knows it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from citysec.correlate.prospect import Prospect, prospects
from citysec.db import Database
from citysec.feeds import submit
from citysec.feeds.formats import Subject
from citysec.feeds.submit import Proposal
from citysec.tlp import TLP


@dataclass(frozen=True, slots=True)
class Candidate:
    """One indicator of the text.

    Args:
        proposal: what it is and where it stands.
        prospect: registered assets that it would touch, and warning lists that it is on; None where there are none.
        known: feeds that say so already.
    """

    proposal: Proposal
    prospect: Prospect | None
    known: tuple[str, ...]

    @property
    def advised(self) -> bool:
        """Whether to store it unless somebody says otherwise: what is ours is harmless more often than not."""
        return self.proposal.likely and self.prospect is None

    @property
    def warned(self) -> tuple[str, ...]:
        """The warning lists that it is on."""
        return self.prospect.warned if self.prospect else ()


async def look(database: Database, content: bytes, clearance: TLP) -> list[Candidate]:
    """Return the indicators in `content`, a text, a web page or a mail; nothing is stored.

    Raises:
        InvalidInput: it is no text, too long, or holds too many; at `text`.
    """
    found = await asyncio.to_thread(submit.read, content)
    async with database.reading() as db:
        known = await submit.known(db, found, clearance)
        touched = await prospects(db, [p.entry.key for p in found if p.entry.subject is Subject.INDICATOR])
    return [Candidate(one, touched.get(one.entry.key), known.get(one.entry.key, ())) for one in found]
