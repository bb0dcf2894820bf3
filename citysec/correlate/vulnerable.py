"""Vulnerabilities read from the database: which products they are in, who says so, and which software has them.

What feeds say of one vulnerability are the facts of their assertions, which complete each other. The keys of its
products stand in the indicator index, with `certain` where somebody says which versions; without any such key it
waits in the queue of those that cannot be matched.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final, cast

import msgspec
from sqlalchemy import ColumnElement, delete, select, text
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from citysec.bulk import insert_many
from citysec.correlate import verdicts, vulnerability
from citysec.correlate.claims import Claim, Source, counting
from citysec.correlate.index import AssetIndex
from citysec.correlate.rules import Doubt, Relation
from citysec.correlate.standing import PATTERN_LANGUAGE, Standing, Terms
from citysec.correlate.touch import Outlook, Touch
from citysec.observable import Kind
from citysec.patterning import Atom, Op
from citysec.software import product
from citysec.software.product import Software
from citysec.software.records import Affected, Vulnerability
from citysec.tables.feeds import PRODUCT, WORD, Assertion, Feed, IndicatorKey, StixObject, word_ends
from citysec.tables.matches import Match, Unmatchable

PREFIX: Final = "vulnerability--"
"""Begins the STIX ids of vulnerabilities."""
PATH: Final = "vulnerability:name"
"""The path of their matches."""

_OBJECT: Final = (
    cast("ColumnElement[int]", col(StixObject.id)),
    col(StixObject.stix_id),
    col(StixObject.name),
    col(StixObject.received_at),
    col(StixObject.revoked),
)
_ASSERTION: Final = (
    col(Assertion.object_id),
    col(Assertion.feed),
    col(Assertion.tlp),
    col(Assertion.confidence),
    col(Assertion.facts),
)
_OF_PRODUCT: Final = text(PRODUCT)  # as it is written where the index is defined: only then it is used
_Judged = list[tuple[Claim, Outlook[int]]]


@dataclass(frozen=True, slots=True)
class Statement:
    """What one feed says of a vulnerability."""

    source: Source
    about: Vulnerability


@dataclass(frozen=True, slots=True)
class Case:
    """A vulnerability with what feeds say of it that counts at one instant; `listed` is whether any lists it at all."""

    stix_id: str
    object_id: int
    cve: str
    received_at: datetime
    revoked: bool
    listed: bool
    statements: Sequence[Statement]


async def load(db: AsyncSession, stix_ids: Collection[str], at: datetime, ceiling: int | None = None) -> list[Case]:
    """Return the vulnerabilities with what counts at `at`, in the order of their ids.

    With `ceiling` as if nobody had said anything under a stricter label than that.
    """
    newest = select(*_OBJECT).where(col(StixObject.stix_id).in_(stix_ids), col(StixObject.latest))
    rows = (await (await db.connection()).execute(newest.order_by(col(StixObject.stix_id)))).all()
    said = await _said(db, [row[0] for row in rows], ceiling)
    return [
        Case(
            stix_id=stix_id,
            object_id=object_id,
            cve=name or "",
            received_at=received_at,
            revoked=revoked,
            listed=object_id in said,
            statements=[one for one in said.get(object_id, ()) if one.source.until is None or one.source.until > at],
        )
        for object_id, stix_id, name, received_at, revoked in rows
    ]


async def _said(db: AsyncSession, object_ids: Collection[int], ceiling: int | None) -> dict[int, list[Statement]]:
    query = (
        select(*_ASSERTION, *WORD)
        .join(Feed, col(Feed.name) == col(Assertion.feed))
        .where(col(Assertion.object_id).in_(object_ids), col(Assertion.gone_at).is_(None))
        .order_by(col(Assertion.feed))
    )
    if ceiling is not None:
        query = query.where(col(Assertion.tlp) <= ceiling)
    found: dict[int, list[Statement]] = {}
    for row in await (await db.connection()).execute(query):
        until = word_ends(*row[5:])
        source = Source(*row[1:4], until, changes_at=until)
        found.setdefault(row[0], []).append(Statement(source, _about(row[4])))
    return found


def _about(facts: Mapping[str, Any]) -> Vulnerability:
    """Return the facts of an assertion; of one whose facts are none of a vulnerability, nothing."""
    try:
        return msgspec.convert(facts, Vulnerability)
    except msgspec.ValidationError:
        return Vulnerability()


async def index(db: AsyncSession, stix_ids: Collection[str], at: datetime) -> set[str]:
    """Bring the keys of these vulnerabilities and the queue of the unmatchable up to date.

    Returns:
        Those that have keys now, or have or had matches.
    """
    if not stix_ids:
        return set()
    cases = await load(db, stix_ids, at)
    wanted = {case.object_id: {} if case.revoked else _keys(case.statements) for case in cases}
    await _renew_keys(db, wanted)
    waiting = [case for case in cases if _waits(case, wanted[case.object_id])]
    await _renew_queue(db, wanted.keys(), {case.object_id: _entry(case) for case in waiting})
    matched = select(col(Match.indicator_id)).where(col(Match.indicator_id).in_(stix_ids))
    known = set((await (await db.connection()).execute(matched)).scalars())
    return known | {case.stix_id for case in cases if wanted[case.object_id]}


def _keys(statements: Iterable[Statement]) -> dict[str, bool]:
    """Return the keys of the products that are spoken of, and whether somebody says which versions."""
    found: dict[str, bool] = {}
    for said in _products(statements):
        decides = verdicts.decides(said)
        for key in product.keys_about(said):
            found[key] = found.get(key, False) or decides
    return found


def _products(statements: Iterable[Statement]) -> Iterator[Affected]:
    return (said for statement in statements for said in statement.about.affected)


async def products(db: AsyncSession, object_id: int) -> list[Atom]:
    """Return the products that a vulnerability is said to be in, in the order of their keys."""
    query = select(col(IndicatorKey.key), col(IndicatorKey.certain)).where(
        _OF_PRODUCT, col(IndicatorKey.object_id) == object_id
    )
    rows = await (await db.connection()).execute(query.order_by(col(IndicatorKey.key)))
    return [Atom(Kind.PRODUCT, key, PATH, key, certain, Op.EQ) for key, certain in rows]


async def _renew_keys(db: AsyncSession, wanted: Mapping[int, Mapping[str, bool]]) -> None:
    connection = await db.connection()
    columns = (col(IndicatorKey.object_id), col(IndicatorKey.key), col(IndicatorKey.certain))
    rows = await connection.execute(select(*columns).where(_OF_PRODUCT, col(IndicatorKey.object_id).in_(wanted)))
    have: dict[int, dict[str, bool]] = {}
    for object_id, key, certain in rows:
        have.setdefault(object_id, {})[key] = certain
    changed = [object_id for object_id, keys in wanted.items() if keys != have.get(object_id, {})]
    if changed:
        await connection.execute(delete(IndicatorKey).where(_OF_PRODUCT, col(IndicatorKey.object_id).in_(changed)))
    shared = {"kind": Kind.PRODUCT.value, "only_url": False}
    rows = [
        {**shared, "object_id": object_id, "key": key, "certain": certain}
        for object_id in changed
        for key, certain in sorted(wanted[object_id].items())
    ]
    await insert_many(db, IndicatorKey, rows)


def _waits(case: Case, keys: Mapping[str, bool]) -> bool:
    """Return whether a vulnerability cannot be matched although somebody says more of it than its likelihood."""
    described = any(_beyond_likelihood(one.about) for one in case.statements)
    return described and case.cve.startswith("CVE-") and not case.revoked and not any(keys.values())


def _beyond_likelihood(about: Vulnerability) -> bool:
    """Return whether a feed names a vulnerability not only to say how likely it is to be exploited."""
    return bool(about.kev or about.affected or about.cvss) or about.epss is None


def _entry(case: Case) -> dict[str, Any]:
    said = next((said for said in _products(case.statements) if said.product), None)
    words = said and " ".join(part for part in (said.vendor, said.product) if part)
    return {
        "object_id": case.object_id,
        "cve": case.cve,
        "since": case.received_at,
        "product": words,
        "exploited": any(one.about.kev for one in case.statements),
    }


async def _renew_queue(db: AsyncSession, looked_at: Collection[int], waiting: Mapping[int, Mapping[str, Any]]) -> None:
    connection = await db.connection()
    await connection.execute(delete(Unmatchable).where(col(Unmatchable.object_id).in_(looked_at)))
    await insert_many(db, Unmatchable, [dict(row) for row in waiting.values()])


async def judged(
    db: AsyncSession, stix_ids: Collection[str], assets: AssetIndex[int], at: datetime, ceiling: int | None = None
) -> _Judged:
    """Return what vulnerabilities mean for the software among `assets`, one claim for each label that counts.

    A match rests on the least restrictive label under which enough is said, and tells nothing that is said above it.
    With `ceiling` as if nobody had said anything under a stricter label than that.
    """
    found: _Judged = []
    for case in await load(db, stix_ids, at, ceiling) if stix_ids else ():
        if case.listed:
            found += _case(case, assets, at)
    return found


def _case(case: Case, assets: AssetIndex[int], at: datetime) -> _Judged:
    if case.revoked or not case.statements:
        terms = Terms(case.revoked, PATTERN_LANGUAGE, None, None, ())
        standing = Standing.REVOKED if case.revoked else Standing.EXPIRED
        return [(Claim(case.stix_id, case.object_id, terms, (), _NOBODY), Outlook(standing, {}, None))]
    found: _Judged = []
    settled: dict[int, Relation] = {}
    turns_at = min((one.source.until for one in case.statements if one.source.until), default=None)
    for level in sorted({one.source.tlp for one in case.statements}):
        under = [one for one in case.statements if one.source.tlp <= level]
        sources = [one.source for one in under if one.source.tlp == level and one.about.affected]
        touches = _touches(case.cve, under, assets) if sources else {}
        fresh = {i: touch for i, touch in touches.items() if settled.get(i) not in {touch.relation, Relation.AFFECTED}}
        settled |= {i: touch.relation for i, touch in fresh.items()}
        source = counting(sources or [one.source for one in under], at)
        terms = Terms(revoked=False, pattern_type=PATTERN_LANGUAGE, valid_from=None, valid_until=source.until, types=())
        claim = Claim(case.stix_id, case.object_id, terms, (), source)
        found.append((claim, Outlook(Standing.IN_FORCE, fresh, turns_at if settled else None)))
    return _once(found)


_NOBODY: Final = Source("", 0, 0, None)


def _once(found: _Judged) -> _Judged:
    """Return the claims, each asset under the last that touches it: a higher label counts where it says more."""
    taken: set[int] = set()
    kept: _Judged = []
    for claim, outlook in reversed(found):
        touches = {i: touch for i, touch in outlook.touches.items() if i not in taken}
        taken |= touches.keys()
        kept.append((claim, replace(outlook, touches=touches)))
    return kept


def _touches(cve: str, statements: Sequence[Statement], assets: AssetIndex[int]) -> dict[int, Touch]:
    """Return the software that has the vulnerability by what is said, or may have it."""
    about = merged(one.about for one in statements)
    by_key: dict[str, list[Affected]] = {}
    for said in about.affected:
        for key in product.keys_about(said):
            by_key.setdefault(key, []).append(said)
    running: dict[int, tuple[Software, list[Affected]]] = {}
    for key, said in by_key.items():
        for asset_id, software in assets.running(key):
            running.setdefault(asset_id, (software, []))[1].extend(said)
    touched = ((i, _touch(cve, software, said, about)) for i, (software, said) in running.items())
    return {asset_id: touch for asset_id, touch in touched if touch is not None}


def _touch(cve: str, software: Software, said: Sequence[Affected], about: Vulnerability) -> Touch | None:
    found = vulnerability.judge(software, said)
    relation = vulnerability.relation(found)
    if found is None or relation is None:
        return None
    doubt = None if relation is Relation.AFFECTED else Doubt.VERSION
    atom = Atom(Kind.CVE, cve, PATH, cve, doubt is None, Op.EQ)
    facts = vulnerability.particulars(cve, software, found, about).facts()
    return Touch(atom, relation, doubt, about=facts)


def merged(said: Iterable[Vulnerability]) -> Vulnerability:
    """Return what several say of one vulnerability: all products, all scores, the fullest listing, the newest EPSS."""
    every = list(said)
    listings = [one.kev for one in every if one.kev]
    scores = [one.epss for one in every if one.epss]
    return Vulnerability(
        affected=tuple(dict.fromkeys(product for one in every for product in one.affected)),
        cvss=tuple(score for one in every for score in one.cvss),
        kev=max(listings, key=lambda kev: (kev.due is not None, kev.ransomware), default=None),
        epss=max(scores, key=lambda epss: epss.day.isoformat() if epss.day else "", default=None),
    )
