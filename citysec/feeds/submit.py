"""What people hand in as text: the indicators in it, who says them already, and storing what was agreed on."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from io import BytesIO
from typing import Any, Final

import msgspec
from sqlalchemy import ColumnElement, select
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from citysec import tlp
from citysec.access import audit
from citysec.errors import InvalidInput
from citysec.feeds import formats
from citysec.feeds.atoms import of_entry
from citysec.feeds.definition import Definition
from citysec.feeds.formats import Entry, Subject
from citysec.feeds.ingest import Batch, Outcome, ingest
from citysec.observable import Kind
from citysec.tables import Assertion, Feed, IndicatorKey, StixObject
from citysec.tables.columns import now
from citysec.tables.feeds import WORD, word_ends
from citysec.tlp import TLP

FEED: Final = "by-hand"
"""The feed under whose name it is stored."""
LONGEST: Final = 256 << 10
"""Bytes of a text."""
MOST: Final = 1000
"""Indicators of a text: people look at every one."""
LABELS: Final = ("phishing", "c2", "ransomware", "compromised", "malicious-activity")
"""Kinds of threat to choose from."""
LONGEST_DAYS: Final = 36500
_FORMAT: Final = "text"


@dataclass(frozen=True, slots=True)
class Proposal:
    """One indicator that a text holds.

    Args:
        entry: as the format `text` reads it; `entry.key` names it.
        kind: what it is.
        value: in canonical form.
        index_key: the same as the indicator index has it.
        likely: it is meant as an indicator, and no mere reference.
    """

    entry: Entry
    kind: Kind
    value: str
    index_key: str
    likely: bool


@dataclass(frozen=True, slots=True)
class Judgement:
    """What the person who hands it in says of all of it.

    Args:
        level: under which label.
        confidence: how surely, 0 to 100, before the feed's reliability weighs it.
        label: kind of threat, one of `LABELS`; empty for none.
        threat: what people call it; entries with one name are one threat.
        days: for how long it counts, at most `LONGEST_DAYS`; None leaves that to the feed's definition.
    """

    level: TLP
    confidence: int
    label: str = ""
    threat: str = ""
    days: int | None = None


def read(content: bytes) -> list[Proposal]:
    """Return the indicators in `content`, a text, a web page or a mail, in their order.

    Raises:
        InvalidInput: it is too long, no text, or holds too many; at `text`.
    """
    if len(content) > LONGEST:
        raise InvalidInput.at("text", f"Use at most {LONGEST >> 10} KiB; this has {len(content) >> 10:,} KiB.")
    likely = {entry.key for entry in _entries(content, "auto")}
    found = [_proposal(entry, likely=entry.key in likely) for entry in _entries(content, "always")]
    if len(found) > MOST:
        raise InvalidInput.at("text", f"It holds {len(found):,} indicators, more than the {MOST:,} anybody looks at.")
    return found


def _entries(content: bytes, plain: str) -> list[Entry]:
    try:
        items = list(formats.read(_FORMAT, BytesIO(content), {"plain": plain}))
    except InvalidInput as err:
        raise InvalidInput.at("text", "This cannot be read as text or as a mail.") from err
    return [item for item in items if isinstance(item, Entry)]


def _proposal(entry: Entry, *, likely: bool) -> Proposal:
    if entry.subject is not Subject.INDICATOR:
        return Proposal(entry, Kind.CVE, entry.key, entry.key, likely)
    atom = of_entry(entry)[0][0]
    return Proposal(entry, Kind(atom.kind), atom.value, atom.key, likely)


def chosen(found: Iterable[Proposal], keys: Collection[str]) -> list[Proposal]:
    """Return those of `found` whose keys are among `keys`."""
    return [one for one in found if one.entry.key in keys]


async def known(db: AsyncSession, found: Sequence[Proposal], clearance: TLP) -> dict[str, tuple[str, ...]]:
    """Return key -> the feeds that say so now, as far as a reader with `clearance` may know."""
    said = await _indexed(db, found, clearance) | await _vulnerabilities(db, found, clearance)
    keys = {one.entry.key: said.get((one.kind.value, one.index_key), set()) for one in found}
    return {key: tuple(sorted(feeds)) for key, feeds in keys.items() if feeds}


_Said = dict[tuple[str, str], set[str]]


async def _indexed(db: AsyncSession, found: Sequence[Proposal], clearance: TLP) -> _Said:
    keys = {one.index_key for one in found if one.kind is not Kind.CVE}
    query = (
        select(col(IndicatorKey.kind), col(IndicatorKey.key), col(Assertion.feed), *WORD)
        .join(Assertion, col(Assertion.object_id) == col(IndicatorKey.object_id))
        .join(Feed, col(Feed.name) == col(Assertion.feed))
        .where(col(IndicatorKey.kind).in_({one.kind.value for one in found}), col(IndicatorKey.key).in_(keys))
        .where(*_listed(clearance))
    )
    rows = await (await db.connection()).execute(query)
    return _grouped((kind, key, feed) for kind, key, feed, *word in rows if _counts_now(word))


async def _vulnerabilities(db: AsyncSession, found: Sequence[Proposal], clearance: TLP) -> _Said:
    names = {one.index_key for one in found if one.kind is Kind.CVE}
    if not names:
        return {}
    query = (
        select(col(StixObject.name), col(Assertion.feed), *WORD)
        .join(Assertion, col(Assertion.object_id) == col(StixObject.id))
        .join(Feed, col(Feed.name) == col(Assertion.feed))
        .where(col(StixObject.type) == Subject.VULNERABILITY, col(StixObject.latest), col(StixObject.name).in_(names))
        .where(*_listed(clearance))
    )
    rows = await (await db.connection()).execute(query)
    return _grouped((Kind.CVE.value, name or "", feed) for name, feed, *word in rows if _counts_now(word))


def _listed(clearance: TLP) -> tuple[ColumnElement[bool], ...]:
    """Return which assertions are listed, of those that a reader with `clearance` may know."""
    return col(Assertion.gone_at).is_(None), col(Assertion.tlp) <= clearance


def _counts_now(word: Sequence[Any]) -> bool:
    end = word_ends(*word)
    return end is None or end > now()


def _grouped(rows: Iterable[tuple[str, str, str]]) -> _Said:
    said: _Said = {}
    for kind, key, feed in rows:
        said.setdefault((kind, key), set()).add(feed)
    return said


async def save(
    db: AsyncSession, feed: Definition, agreed: Sequence[Proposal], judgement: Judgement, actor: str
) -> Outcome:
    """Store what was agreed on as if `feed` had sent it, with who did so in the audit chain."""
    entries = [_judged(one.entry, judgement) for one in agreed]
    outcome = await ingest(db, feed, Batch(entries=entries))
    facts: Mapping[str, int | str] = {
        "entries": len(entries),
        "stored": outcome.stored,
        "tlp": judgement.level.label,
        "confidence": judgement.confidence,
    }
    await audit.record(db, actor, "feed.submit", f"feed:{feed.name}", facts)
    return outcome


def _judged(entry: Entry, judgement: Judgement) -> Entry:
    seen = now()
    return msgspec.structs.replace(
        entry,
        name=judgement.threat or None,
        labels=(judgement.label,) if judgement.label else (),
        confidence=judgement.confidence,
        marking_refs=(tlp.MARKING_IDS[judgement.level],),
        seen=seen,
        until=seen + timedelta(days=judgement.days) if judgement.days else None,
    )
