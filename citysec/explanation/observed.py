"""What constituents' machines observed, whether an indicator speaks of it or not, as long as the settings keep it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import ColumnElement, Select, String, and_, func, literal, or_, select
from sqlalchemy.orm import Mapped
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from citysec.access import policy
from citysec.access.policy import Principal
from citysec.correlate import kept
from citysec.correlate.batches import batches
from citysec.correlate.sighted import instant
from citysec.explanation.asked import Asked, span
from citysec.observable import Kind
from citysec.tables.register import Constituent
from citysec.tables.sightings import Observed

_KEYS: Final = 500  # in one statement
_Counted = Select[str, str, str, int, int, int]


@dataclass(frozen=True, slots=True)
class Trace:
    """How often a constituent's machines observed a value, a part of it where it is a block, and between when."""

    slug: str
    name: str
    count: int
    first: datetime
    last: datetime


async def traces(db: AsyncSession, asked: Sequence[Asked], reader: Principal) -> list[Sequence[Trace]]:
    """Return for each of `asked`, in order, who has observed it and may be known to `reader`, the newest first."""
    if not await kept.any_kept(db):
        return [()] * len(asked)
    found: dict[str, list[Trace]] = {}
    connection = await db.connection()
    known = col(Observed.constituent_id).in_(select(col(Constituent.id)).where(policy.constituents(reader)))
    for query in _queries(asked, known):
        for key, slug, name, count, first, last in await connection.execute(query):
            found.setdefault(key, []).append(Trace(slug, name, count, instant(first), instant(last)))
    rows = (found.get(one.found.key, []) if one.found else [] for one in asked)  # keys of different kinds differ
    return [sorted(several, key=lambda trace: (trace.last, trace.slug), reverse=True) for several in rows]


def _queries(asked: Sequence[Asked], known: ColumnElement[bool]) -> Iterator[_Counted]:
    """Yield what asks, of what is `known`, for values of each kind together, and for blocks one by one."""
    alike: dict[Kind, set[str]] = {}
    kind, key = col(Observed.kind), col(Observed.key)
    blocks: dict[str, tuple[str, str]] = {}
    for one in asked:
        bounds = span(one)
        if one.found is not None and bounds is not None:
            blocks[one.found.key] = bounds
        elif one.found is not None:
            alike.setdefault(one.found.kind, set()).add(one.found.key)
    for block, (low, high) in blocks.items():
        inside = or_(key == block, and_(key >= low, key < high))
        yield _counted(literal(block, String), and_(known, kind == Kind.IP.value, inside))
    for its, keys in alike.items():
        for part in batches(sorted(keys), _KEYS):
            yield _counted(key, and_(known, kind == its.value, key.in_(part)))


def _counted(name: ColumnElement[str] | Mapped[str], where: ColumnElement[bool]) -> _Counted:
    """Return what counts observations by `name` and constituent, each once, whatever number of its facts fits."""
    about = (Observed.constituent_id, Observed.observation, Observed.count, Observed.first_seen, Observed.last_seen)
    once = select(name.label("name"), *map(col, about)).where(where).distinct().subquery()
    seen = (func.sum(once.c.count), func.min(once.c.first_seen), func.max(once.c.last_seen))
    of_whom = (col(Constituent.slug), col(Constituent.name))
    query = select(once.c.name, *of_whom, *seen).join(Constituent, col(Constituent.id) == once.c.constituent_id)
    return query.group_by(once.c.name, *of_whom)
