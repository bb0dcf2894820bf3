"""Which objects speak of a value: the indicator index, asked for many values at once."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from time import thread_time
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    Select,
    Subquery,
    and_,
    case,
    exists,
    func,
    literal,
    literal_column,
    select,
    union_all,
)
from sqlalchemy.orm import Mapped
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from citysec import log
from citysec.access import policy
from citysec.access.policy import Principal
from citysec.correlate.lookups import Lookups, expressions
from citysec.correlate.patience import Patience
from citysec.correlate.retro import batches
from citysec.correlate.search import Found as Indexed
from citysec.correlate.search import search
from citysec.errors import NotEvaluable
from citysec.explanation.asked import Asked, places, span
from citysec.observable import Kind
from citysec.patterning import TRIED_ON, expression, regex
from citysec.tables.feeds import NAMED_BY_CVE, Assertion, IndicatorKey, StixObject
from citysec.tables.matches import Match

VULNERABILITY: Final = "vulnerability"
_log: Final = log.get(__name__)
_KEYS: Final = 500  # keys in one statement
_SPANS: Final = 5_000
"""Where labels ask for more ranges of expressions, to read all expressions costs less."""
_ALL: Final = ("", chr(0x10FFFF))
_TRIED: Final = frozenset(TRIED_ON.values())
_Key = tuple[Kind, str, bool]
_Text = tuple[Kind, str]
_Hits = dict[_Key, tuple[int, list[int]]]


@dataclass(slots=True)
class Found:
    """The objects that speak of one value.

    Args:
        objects: row id of the version that does, the newest if that one does -> how it is related, the closest first.
        count: how many objects there are; one that speaks of a value in two ways counts twice.
    """

    objects: dict[int, str]
    count: int = 0

    def add(self, objects: Sequence[int], count: int, relation: str) -> None:
        """Add what speaks of the value in one way."""
        self.count += count
        for object_id in objects:
            self.objects.setdefault(object_id, relation)


async def find(db: AsyncSession, asked: Sequence[Asked], reader: Principal, most: int) -> list[Found]:
    """Return for each of `asked`, in order, what speaks of it under labels that `reader` may see.

    Args:
        db: a session.
        asked: what to look for.
        reader: who asks.
        most: how many are returned of each way; all are counted.
    """
    wanted = {(place.kind, place.key, place.whole) for one in asked for place in places(one)}
    hits, result = await _by_key(db, wanted, reader, most), list[Found]()
    for one in asked:
        found = Found({})
        for place in places(one):
            count, objects = hits.get((place.kind, place.key, place.whole), (0, []))
            found.add(objects, count, place.relation)
        await _add_inside(db, one, found, reader, most)
        await _add_named(db, one, found, reader)
        result.append(found)
    await _add_fitting(db, asked, result, reader, most)
    await _add_matched(db, asked, result, reader)
    return result


def told(reader: Principal) -> ColumnElement[bool]:
    """Return which `StixObject` rows some feed says, or has said, under a label that `reader` may see."""
    said = col(Assertion.object_id) == col(StixObject.id)
    return exists().where(said, col(Assertion.tlp) <= reader.clearance)


async def _by_key(db: AsyncSession, wanted: Collection[_Key], reader: Principal, most: int) -> _Hits:
    """Return key -> how many objects have it, and the last of them."""
    groups: dict[tuple[Kind, bool], list[str]] = defaultdict(list)
    for kind, key, whole in wanted:
        groups[kind, whole].append(key)
    connection, hits = await db.connection(), _Hits()
    for (kind, whole), keys in groups.items():
        for part in batches(sorted(keys), _KEYS):
            here = and_(col(IndicatorKey.kind) == kind, col(IndicatorKey.key).in_(part))
            if whole:
                here = and_(here, ~col(IndicatorKey.only_url))
            for key, object_id, count in await connection.execute(_last(here, reader, most)):
                hits.setdefault((kind, key, whole), (count, []))[1].append(object_id)
    return hits


def _speaking(here: ColumnElement[bool], reader: Principal, *by: ColumnElement[str] | Mapped[str]) -> Subquery:
    """Return a query for each object once for each value of `by`, with the version that is to be shown."""
    newest = func.max(case((col(StixObject.latest), col(StixObject.id))))
    version = func.coalesce(newest, func.max(col(StixObject.id))).label("version")
    query = (
        select(*by, version)
        .select_from(IndicatorKey)
        .join(StixObject, col(StixObject.id) == col(IndicatorKey.object_id))
    )
    return query.where(here, told(reader)).group_by(*by, col(StixObject.stix_id)).subquery()


def _last(here: ColumnElement[bool], reader: Principal, most: int) -> Select[Any, Any, Any]:
    """Return a query for key, version and how many objects the key has; the last ones of each key."""
    pairs = _speaking(here, reader, col(IndicatorKey.key))
    count = func.count().over(partition_by=pairs.c.key).label("count")
    place = func.row_number().over(partition_by=pairs.c.key, order_by=pairs.c.version.desc()).label("place")
    ranked = select(pairs.c.key, pairs.c.version, count, place).subquery()
    query = select(ranked.c.key, ranked.c.version, ranked.c.count).where(ranked.c.place <= most)
    return query.order_by(ranked.c.key, ranked.c.place)


async def _add_inside(db: AsyncSession, asked: Asked, found: Found, reader: Principal, most: int) -> None:
    """Add what lies inside a block of addresses."""
    bounds = span(asked)
    if bounds is None:
        return
    connection, key = await db.connection(), col(IndicatorKey.key)
    inside = and_(col(IndicatorKey.kind) == Kind.IP, key >= bounds[0], key < bounds[1])
    pairs = _speaking(inside, reader)
    last = select(pairs.c.version).order_by(pairs.c.version.desc()).limit(most)
    objects = list((await connection.execute(last)).scalars())
    counted = select(func.count()).select_from(pairs)
    count = len(objects) if len(objects) < most else (await connection.execute(counted)).scalar_one()
    found.add(objects, count, "within")


async def _add_fitting(
    db: AsyncSession, asked: Sequence[Asked], found: Sequence[Found], reader: Principal, most: int
) -> None:
    """Add what speaks of names and URLs, or of the hosts of URLs, by an expression that fits them."""
    places: dict[_Text, list[tuple[int, str]]] = defaultdict(list)
    wanted, kinds = Lookups(), await _expression_kinds(db)
    spans = wanted.expressions
    for number, one in enumerate(asked):
        for value, relation in ((one.found, "fits"), (one.host, "host")):
            if value is not None and value.kind in _TRIED:
                places[value.kind, regex.composed(value.value)].append((number, relation))
                if len(spans) <= _SPANS:
                    spans.update(span for span in expressions(value.kind, value.key) if span[0] in kinds)
    if len(spans) > _SPANS:
        wanted.expressions = {(Kind(kind), *_ALL) for kind in kinds}
    fitting = await asyncio.to_thread(_fitting, await search(db, wanted, ()), places)
    visible = await _visible(db, {stix_id for several in fitting.values() for stix_id in several}, reader)
    for text, several in fitting.items():
        objects = sorted((visible[stix_id] for stix_id in several if stix_id in visible), reverse=True)
        for number, relation in places[text]:
            found[number].add(objects[:most], len(objects), relation)


async def _expression_kinds(db: AsyncSession) -> set[str]:
    """Return the kinds of expressions that the index has: most often there are none to be looked for."""
    here = (select(literal(kind.value)).where(exists().where(col(IndicatorKey.kind) == kind)) for kind in TRIED_ON)
    return set((await (await db.connection()).execute(union_all(*here))).scalars())


def _fitting(indexed: Iterable[Indexed], texts: Iterable[_Text]) -> Mapping[_Text, Collection[str]]:
    """Return kind and text -> the indicators with an expression that fits."""
    values: dict[Kind, list[str]] = defaultdict(list)
    for kind, text in texts:
        values[kind].append(text)
    lines = {kind: regex.one_a_line(some) for kind, some in values.items()}
    labels = {kind: set(regex.parts(text)) for kind, text in lines.items()}
    octets = {kind: text.encode() for kind, text in lines.items()}
    found: dict[_Text, set[str]] = defaultdict(set)
    patience = Patience(max(map(len, octets.values()), default=0), thread_time)
    for one in indexed:
        tried_on = TRIED_ON[Kind(one.kind)]
        label, _, written = one.key.partition(" ")
        if label not in labels.get(tried_on, ()):
            continue
        patience.begin()
        try:
            for text in expression(Kind(one.kind), written).matching(octets[tried_on], patience):
                found[tried_on, text].add(one.indicator_id)
        except NotEvaluable:
            _log.warning("lookup.undecided", indicator=one.indicator_id, values=len(values[tried_on]))
    return found


async def _visible(db: AsyncSession, stix_ids: Collection[str], reader: Principal) -> dict[str, int]:
    """Return the newest versions of those objects that `reader` may see."""
    query = select(col(StixObject.stix_id), col(StixObject.id)).where(col(StixObject.latest), told(reader))
    connection, found = await db.connection(), dict[str, int]()
    for part in batches(sorted(stix_ids), _KEYS):
        rows = await connection.execute(query.where(col(StixObject.stix_id).in_(part)))
        found |= {stix_id: number or 0 for stix_id, number in rows}
    return found


async def _add_named(db: AsyncSession, asked: Asked, found: Found, reader: Principal) -> None:
    """Add what is asked for by its own name: a STIX object by its id, a vulnerability by its CVE id."""
    if asked.stix_id:
        named = col(StixObject.stix_id) == asked.stix_id
    elif asked.found is not None and asked.found.kind is Kind.CVE:
        named = and_(literal_column(NAMED_BY_CVE), col(StixObject.name) == asked.found.value)
    else:
        return
    query = select(col(StixObject.id)).where(named, col(StixObject.latest), told(reader))
    objects = [number or 0 for number in (await (await db.connection()).execute(query)).scalars()]
    found.add(objects, len(objects), "equal")


async def _add_matched(db: AsyncSession, asked: Sequence[Asked], found: Sequence[Found], reader: Principal) -> None:
    """Add what once led to a match and is indexed no more: it was revoked, or its newest version says otherwise."""
    numbers: dict[str, list[int]] = defaultdict(list)
    for number, one in enumerate(asked):
        if one.found is not None:
            numbers[one.found.value].append(number)
    query = select(col(Match.indicator_value), col(Match.object_id)).distinct()
    query = query.join(StixObject, col(StixObject.id) == col(Match.object_id))
    query = query.where(policy.matches(reader), told(reader), ~col(StixObject.latest)).order_by(col(Match.object_id))
    connection = await db.connection()
    for part in batches(sorted(numbers), _KEYS):
        for value, object_id in await connection.execute(query.where(col(Match.indicator_value).in_(part))):
            for number in numbers[value]:
                found[number].add([object_id], 1, "equal")
