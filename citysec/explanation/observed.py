"""What constituents' machines observed, whether an indicator speaks of it or not, as long as the settings keep it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import ColumnElement, Select, String, and_, exists, func, literal, select
from sqlalchemy.orm import Mapped, aliased
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from citysec.access import policy
from citysec.access.policy import Principal
from citysec.blocks import within
from citysec.correlate import kept
from citysec.correlate.batches import batches
from citysec.correlate.sighted import instant
from citysec.explanation.asked import Asked, span
from citysec.observable import Kind
from citysec.tables.register import Constituent
from citysec.tables.sightings import Observed

_KEYS: Final = 500  # in one statement
_Other = aliased(Observed)
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
    blocks = set[str]()
    for one in asked:
        if one.found is not None and span(one) is not None:
            blocks.add(one.found.key)
        elif one.found is not None:
            alike.setdefault(one.found.kind, set()).add(one.found.key)
    kind, key, another = col(Observed.kind), col(Observed.key), col(_Other.key)
    for block in sorted(blocks):
        low, high = within(block)
        here = and_(known, kind == Kind.IP.value, key >= low, key < high)
        yield _counted(literal(block, String), here, and_(another >= low, another < high))
    for its, keys in alike.items():
        for part in batches(sorted(keys), _KEYS):
            yield _counted(key, and_(known, kind == its.value, key.in_(part)), another == key, key)


def _counted(
    name: ColumnElement[str] | Mapped[str], here: ColumnElement[bool], again: ColumnElement[bool], *by: Mapped[str]
) -> _Counted:
    """Return what counts observations by `by` and constituent, each by the first of its facts that are `here`.

    To tell these from the further ones (`again`) by an index takes a tenth of the memory of a list of all.
    """
    body, of_one = col(Observed.constituent_id), col(_Other.observation) == col(Observed.observation)
    further = exists().where(of_one, col(_Other.id) < col(Observed.id), again)
    totals = (func.sum(Observed.count), func.min(Observed.first_seen), func.max(Observed.last_seen))
    columns = (total.label(label) for total, label in zip(totals, ("count", "first", "last"), strict=True))
    seen = select(name.label("name"), body, *columns).where(here, ~further).group_by(*by, body).subquery()
    of_whom = (col(Constituent.slug), col(Constituent.name))
    query = select(seen.c.name, *of_whom, seen.c.count, seen.c.first, seen.c.last)
    return query.join(Constituent, col(Constituent.id) == seen.c.constituent_id)
