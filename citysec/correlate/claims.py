"""What indicators claim, read from the database: the newest version of each, its atoms, and who says it."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final, TypeVar, cast

from sqlalchemy import ColumnElement, Row, select
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from citysec.bulk import among
from citysec.correlate.standing import PATTERN_LANGUAGE, Terms
from citysec.errors import InvalidInput
from citysec.patterning import Atom, compile  # noqa: A004
from citysec.tables.feeds import NEW_DOMAIN, WORD, Assertion, Feed, StixObject, word_ends

_OBJECT_ID: Final[ColumnElement[int]] = cast("ColumnElement[int]", col(StixObject.id))
_VERSION: Final = (
    _OBJECT_ID,
    col(StixObject.stix_id),
    col(StixObject.pattern),
    col(StixObject.revoked),
    col(StixObject.pattern_type),
    col(StixObject.valid_from),
    col(StixObject.valid_until),
    col(StixObject.labels),
)
_ASSERTION: Final = (
    col(Assertion.object_id),
    col(Assertion.feed),
    col(Assertion.tlp),
    col(Assertion.confidence),
    col(Feed.says),
    *WORD,
)
_NEVER: Final = datetime.max.replace(tzinfo=UTC)
_T = TypeVar("_T")
_Version = Row[int, str, str | None, bool, str | None, datetime | None, datetime | None, list[str]]


@dataclass(frozen=True, slots=True)
class Source:
    """The assertion a match rests on: of several feeds that say the same, the one that lets us tell most people.

    So the least restrictive label comes first, then the highest confidence. All feeds that say it under that label or
    a lower one make it surer: what is false at each of them must be false at all.

    Args:
        feed: its name.
        tlp: the label.
        confidence: 0-100, of all that say so.
        until: when the last of them counts no more; None is never.
        changes_at: the same for the first of them: then it is less sure.
        is_news: it only says that a name is new.
    """

    feed: str
    tlp: int
    confidence: int
    until: datetime | None
    changes_at: datetime | None = None
    is_news: bool = False


@dataclass(frozen=True, slots=True)
class Claim:
    """The newest version of an indicator, and the assertion that counts of those that feeds make of it."""

    indicator_id: str
    object_id: int
    terms: Terms
    atoms: Sequence[Atom]
    source: Source

    @property
    def is_news(self) -> bool:
        """Whether nobody says more than that its names are new: then it is no threat to whose names they are."""
        return self.source.is_news

    @property
    def against(self) -> Sequence[Atom]:
        """What of it touches assets by itself."""
        return () if self.is_news else self.atoms


async def load(
    db: AsyncSession,
    indicator_ids: Collection[str],
    at: datetime,
    ceiling: int | None = None,
    *,
    gone_since: datetime | None = None,
) -> list[Claim]:
    """Return the claim of each indicator that some feed says at `at`, in the order of their ids.

    With `ceiling` as if nobody had said anything under a stricter label than that; with `gone_since` as if nobody had
    taken anything back from then on.
    """
    connection = await db.connection()
    newest = select(*_VERSION).where(among(col(StixObject.stix_id), indicator_ids), col(StixObject.latest))
    versions = (await connection.execute(newest.order_by(col(StixObject.stix_id)))).all()
    ids = [row.id for row in versions]
    said = select(*_ASSERTION).join(Feed, col(Feed.name) == col(Assertion.feed))
    listed = col(Assertion.gone_at).is_(None)
    if gone_since is not None:
        listed |= col(Assertion.gone_at) >= gone_since
    said = said.where(among(col(Assertion.object_id), ids), listed)
    if ceiling is not None:
        said = said.where(col(Assertion.tlp) <= ceiling)
    rows = (await connection.execute(said)).all()
    sources = _by_object((row[0], _source(*row[1:5], word_ends(*row[5:]))) for row in rows)
    return [_claim(row, counting(sources[row.id], at)) for row in versions if row.id in sources]


def _source(feed: str, tlp: int, confidence: int, says: str, until: datetime | None) -> Source:
    return Source(feed, tlp, confidence, until, changes_at=until, is_news=says == NEW_DOMAIN)


def counting(sources: Sequence[Source], at: datetime) -> Source:
    """Return the source that counts at `at`, with the confidence and the end of all that say the same to its readers.

    Where all have decayed, it is the one that did so last.
    """
    if len(sources) == 1:
        return sources[0]
    fresh = [source for source in sources if source.until is None or source.until > at]
    fresh = [source for source in fresh if not source.is_news] or fresh
    if not fresh:
        return max(sources, key=_end)
    widest = min(fresh, key=_reach)
    alike = [source for source in fresh if source.tlp == widest.tlp]
    doubt = math.prod(1 - source.confidence / 100 for source in alike)
    ends = [source.until for source in (max(alike, key=_end), min(alike, key=_end))]
    return replace(widest, confidence=round(100 * (1 - doubt)), until=ends[0], changes_at=ends[1])


def _claim(row: _Version, source: Source) -> Claim:
    ends = [end for end in (row.valid_until, source.until) if end is not None]
    terms = Terms(row.revoked, row.pattern_type, row.valid_from, min(ends, default=None), row.labels)
    return Claim(row.stix_id, row.id, terms, _atoms(row), source)


def _reach(source: Source) -> tuple[int, int, str]:
    return source.tlp, -source.confidence, source.feed


def _end(source: Source) -> datetime:
    return source.until or _NEVER


def _atoms(row: _Version) -> Sequence[Atom]:
    return () if row.revoked or row.pattern_type != PATTERN_LANGUAGE else atoms(row.pattern)


def atoms(pattern: str | None) -> Sequence[Atom]:
    """Return the atoms of a pattern; of one that cannot be used, nothing."""
    try:
        return compile(pattern).atoms if pattern else ()
    except InvalidInput:
        return ()


def _by_object(pairs: Iterable[tuple[int, _T]]) -> Mapping[int, list[_T]]:
    found: dict[int, list[_T]] = {}
    for object_id, item in pairs:
        found.setdefault(object_id, []).append(item)
    return found
