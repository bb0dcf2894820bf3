"""On which terms a feed says something, what of that is new, and whether that concerns anybody: pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

import msgspec
from msgspec.structs import replace

from citysec.feeds import trust
from citysec.feeds.definition import Definition, Semantics
from citysec.feeds.formats import Draft, Entry, Subject
from citysec.feeds.reading import Extent, Reading
from citysec.tables.feeds import word_ends
from citysec.tlp import TLP

_MATCHED: Final = ("affected", "kev", "cvss", "state")
"""Facts of a vulnerability by which software is matched."""


class Terms(msgspec.Struct, frozen=True, gc=False):
    """On which terms a feed says something: what the columns of the same names of `Assertion` say."""

    tlp: int
    confidence: int
    own_tlp: int | None = None
    own_confidence: int | None = None
    until: datetime | None = None
    fresh_at: datetime | None = None
    lasts_s: float | None = None
    seen_at: datetime | None = None
    name: str | None = None
    facts: Mapping[str, Any] = msgspec.field(default_factory=dict[str, Any])
    missed: int | None = None
    labels: tuple[str, ...] = ()

    def ends(self, confirmed_at: datetime | None) -> datetime | None:
        """Return when they count no more, all that the feed has having been read at `confirmed_at`; None is never."""
        return word_ends(self.until, self.missed, self.fresh_at, self.lasts_s, confirmed_at)

    def says_as(self, other: Terms) -> bool:
        """Return whether others learn the same of it as under the terms `other`, apart from when it ends."""
        return _told(self) == _told(other)


def of_draft(feed: Definition, draft: Draft, own: TLP | None, reading: Reading) -> Terms:
    """Return the terms of a STIX object that `reading` brings; `own` is the label of its markings.

    It is as fresh as its version, unless somebody hands it in, or the feed lists all that counts and has it.
    """
    listed = reading.extent is Extent.WHOLE and feed.semantics is Semantics.SNAPSHOT
    sure = trust.confidence(feed, draft.confidence)
    decays = draft.type == Subject.INDICATOR and draft.valid_until is None
    return Terms(
        tlp=int(feed.tlp if own is None else own),
        confidence=sure,
        own_tlp=own,
        own_confidence=draft.confidence,
        fresh_at=_fresh_at(draft.version, reading) if decays and not listed else None,
        lasts_s=trust.lasts_s(feed, sure, draft.pattern) if decays else None,
        missed=0 if listed else None,
    )


def of_entry(feed: Definition, entry: Entry, own: TLP | None, reading: Reading) -> Terms:
    """Return the terms of an entry that `reading` brings; `own` is the label of its markings.

    It is as fresh as it says, else as the last list that it stands on; what a feed lists all of, always.
    """
    undated = entry.seen is None or feed.semantics is Semantics.SNAPSHOT
    listed = reading.extent is Extent.WHOLE and undated
    sure = trust.confidence(feed, entry.confidence)
    return Terms(
        tlp=int(feed.tlp if own is None else own),
        confidence=sure,
        own_tlp=own,
        own_confidence=entry.confidence,
        until=entry.until,
        fresh_at=None if listed else _fresh_at(entry.seen, reading),
        lasts_s=trust.lasts_s(feed, sure, entry.key) if entry.subject is Subject.INDICATOR else None,
        seen_at=entry.seen,
        name=entry.name,
        labels=entry.labels or feed.labels,
        facts=_facts(entry),
        missed=0 if listed else None,
    )


def _fresh_at(dated: datetime | None, reading: Reading) -> datetime:
    """Return since when something counts: what is handed in, or has no date, from now on."""
    return reading.began if dated is None or reading.extent is Extent.HANDED_IN else min(dated, reading.began)


def _facts(entry: Entry) -> dict[str, Any]:
    told = {
        "since": entry.since and entry.since.isoformat(),
        "description": entry.description,
        "references": list(entry.references),
    }
    return {**{name: fact for name, fact in told.items() if fact}, **entry.facts}


def following(have: Terms, said: Terms, reading: Reading, *, again: bool) -> Terms:
    """Return the terms after a feed whose terms were `have` has said `said` in `reading`.

    What the feed saw last counts; of what is as old, the newest reading's word, and within a reading the first: so a
    file that says two things of one object, however far apart, means the same each time. What is fresh does not grow
    older by being repeated, and a part of a feed says nothing of what its last whole list has.

    Args:
        have: the terms until now.
        said: the new ones.
        reading: where they are from.
        again: whether this reading has said the object before.
    """
    if again and not is_newer(said.seen_at, have.seen_at):
        return have
    if is_newer(have.seen_at, said.seen_at):
        said = replace(have, fresh_at=said.fresh_at, missed=said.missed)
    if have.missed is not None and reading.extent is not Extent.WHOLE:
        said = replace(said, missed=have.missed, fresh_at=said.fresh_at if have.missed else None)
    if said.fresh_at is None or have.fresh_at is None or have.fresh_at <= said.fresh_at:
        return said
    return replace(said, fresh_at=have.fresh_at)


def is_newer(one: datetime | None, other: datetime | None) -> bool:
    """Return whether `one` is known to be after `other`."""
    return one is not None and other is not None and one > other


def concerns(have: Terms, will: Terms, at: datetime, confirmed_at: datetime | None) -> bool:
    """Return whether matches or what is shared may change because a feed's terms were `have` and will be `will`.

    A later end of what counts is no news: whoever waits for the end looks again when it comes.
    """
    if not will.says_as(have):
        return True
    return ends_otherwise(have.ends(confirmed_at), will.ends(confirmed_at), at)


def ends_otherwise(before: datetime | None, after: datetime | None, at: datetime) -> bool:
    """Return whether what ended at `before` and now ends at `after` counts otherwise at `at`, or ends sooner."""
    counted, counts = before is None or before > at, after is None or after > at
    return counted != counts or (counts and after is not None and (before is None or after < before))


def _told(terms: Terms) -> tuple[object, ...]:
    return terms.tlp, terms.confidence, terms.name, terms.labels, *map(terms.facts.get, _MATCHED), _likely(terms)


def _likely(terms: Terms) -> int | None:
    """Return the likelihood of exploitation in tenths: it changes a little for every vulnerability every day."""
    scores: Any = terms.facts.get("epss")
    return round(10 * scores["score"]) if scores else None
