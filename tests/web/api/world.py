"""Cities of two boroughs, described by what is whose, and stored so that it can be seen what leaks.

The reader is Camden's lead, cleared to TLP:AMBER. Whatever is not for that reader carries the word `SECRET` in its id
and in every text; whatever is, carries `open`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import Enum
from typing import Any
from uuid import uuid4

from hypothesis import strategies as st
from sqlalchemy import delete
from sqlmodel import SQLModel
from sqlmodel.ext.asyncio.session import AsyncSession

from citysec.advisories.content import Content
from citysec.db import Database
from citysec.observable import reverse_labels
from citysec.tables import (
    Account,
    Accountable,
    Acknowledgement,
    Advisory,
    Assertion,
    Asset,
    AssetOwner,
    Capped,
    Constituent,
    Contact,
    Decision,
    Delivery,
    Feed,
    Incident,
    IncidentMatch,
    IndicatorKey,
    Match,
    Meta,
    Playbook,
    Question,
    Run,
    RunStep,
    Service,
    Sighting,
    StixObject,
    TimelineEntry,
)
from citysec.tlp import TLP

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
CLEARANCE = TLP.AMBER
SECRET = "SECRET"


class Owner(Enum):
    """Whose something is."""

    CAMDEN = ("camden",)
    BRENT = ("brent",)
    BOTH = ("camden", "brent")
    CITY = ()


@dataclass(frozen=True)
class Happened:
    """An incident with everything that hangs on it."""

    owner: Owner
    tlp: TLP
    below: bool = True
    asked: str = "lead"
    said_by: str = "citysec"


@dataclass(frozen=True)
class World:
    """Assets with a match each (owner, label of the match), and incidents; the city's first is above the others."""

    assets: Sequence[tuple[Owner, TLP]] = ()
    happened: Sequence[Happened] = field(default=())


EVERYTHING = World(
    assets=[(Owner.CAMDEN, TLP.GREEN), (Owner.BRENT, TLP.CLEAR), (Owner.BOTH, TLP.RED), (Owner.BOTH, TLP.GREEN)],
    happened=[
        Happened(Owner.CITY, TLP.GREEN),
        Happened(Owner.CAMDEN, TLP.GREEN),
        Happened(Owner.CAMDEN, TLP.RED),
        Happened(Owner.BRENT, TLP.CLEAR, said_by="bob"),
        Happened(Owner.CAMDEN, TLP.AMBER, said_by="ada", asked="coordinator"),
    ],
)
"""One of each kind."""

_single = st.sampled_from([Owner.CAMDEN, Owner.BRENT])
_incidents = st.builds(
    Happened,
    owner=_single | st.just(Owner.CITY),
    tlp=st.sampled_from(TLP),
    below=st.booleans(),
    asked=st.sampled_from(["lead", "coordinator"]),
    said_by=st.sampled_from(["citysec", "ada", "lee", "bob"]),
)
WORLDS = st.builds(
    World,
    assets=st.lists(st.tuples(_single | st.just(Owner.BOTH), st.sampled_from(TLP)), max_size=4),
    happened=st.lists(_incidents, max_size=5),
)


async def clear(db: Database) -> None:
    """Empty every table."""
    async with db.writing() as session:
        for table in reversed(SQLModel.metadata.sorted_tables):
            await session.exec(delete(table))


async def seed(db: Database, world: World) -> None:
    """Store `world`, with the accounts `lee` of Camden, `bob` of Brent and `ada` of the city."""
    async with db.writing() as session:
        await _put(session, Constituent(id="open-c", slug="camden", name="Camden open", **_BODY))
        await _put(session, Constituent(id="SECRET-c", slug="brent-SECRET".lower(), name="Brent SECRET", **_BODY))
        for name, role, of in (("ada", "coordinator", None), ("lee", "lead", "open-c"), ("bob", "lead", "SECRET-c")):
            await _put(session, Account(name=name, role=role, constituent_id=of, clearance=TLP.RED, created_at=NOON))
        await _put(session, Feed(name="f"), _object(), Playbook(id=1, **_PLAYBOOK))
        for number, (owner, label) in enumerate(world.assets):
            await _asset(session, number + 1, owner, label)
        await _incidents_of(session, world)
        await session.merge(Meta(name="register.revision", value=str(uuid4().int)))  # who remembers another is wrong


_BODY: dict[str, Any] = {"kind": "borough", "sector": "government", "clearance": CLEARANCE}
_PLAYBOOK: dict[str, Any] = {"playbook_id": "p", "version": "1", "name": "p", "digest": "", "text": "{}"}
_IDS = {"camden": "open-c", "brent": "SECRET-c"}


def _object() -> StixObject:
    return StixObject(
        id=1, stix_id="indicator--1", type="indicator", spec_version="2.1", version=NOON, tlp=-1, content_hash="",
        text="{}", received_at=NOON,
    )  # fmt: skip


async def _put(session: AsyncSession, *rows: SQLModel) -> None:
    for row in rows:
        session.add(row)
        await session.flush()


def _content(mark: str) -> dict[str, Any]:
    return Content(
        reference=mark, title=mark, severity="high", tlp="TLP:CLEAR", what=mark, since=NOON, confidence=50, how_sure=""
    ).to_json()


def _mark(shown: bool) -> str:
    return "open" if shown else SECRET


async def _asset(session: AsyncSession, number: int, owner: Owner, label: TLP) -> None:
    mine = "camden" in owner.value
    mark, seen = _mark(mine), _mark(mine and label <= CLEARANCE)
    key = f"example.{mark.lower()}{number}"
    asset = Asset(id=number, kind="domain", value=f"{mark}{number}.example", key_kind="name", key=key)
    await _put(session, asset, Service(id=f"{mark}-s{number}", slug=f"{mark.lower()}-s{number}", name=f"{mark} s"))
    for slug in owner.value:
        whose: dict[str, Any] = {"asset_id": number, "constituent_id": _IDS[slug], "service_id": f"{mark}-s{number}"}
        ref = f"{_mark(slug == 'camden')}-{number}"
        await _put(session, AssetOwner(ref=ref, registered_at=NOON, **whose))
        await _put(session, Accountable(service_id=f"{mark}-s{number}", constituent_id=_IDS[slug]))
    stix_id = await _indicator(session, number, key, label)
    match = Match(
        id=f"{seen}-m{number}", indicator_id=stix_id, object_id=number + 1, asset_id=number, relation="equal",
        path="p", indicator_value=f"{seen}.example", certain=True, feed="f", confidence=50, tlp=label, matched_at=NOON,
    )  # fmt: skip
    over = [Capped(indicator_id=stix_id, constituent_id=_IDS[slug], touched=1234, kept=1) for slug in owner.value]
    await _put(session, match, *over)
    for slug in owner.value:
        await _sighted(session, match, slug)


async def _sighted(session: AsyncSession, like: Match, slug: str) -> None:
    """Have the machines of a borough report the indicator of a match."""
    mark = _mark(slug == "camden" and like.tlp <= CLEARANCE)
    facts = like.model_dump(exclude={"id", "asset_id", "constituent_id"})
    facts |= {"relation": "sighted", "indicator_value": f"{mark}.example"}
    match = Match(id=f"{mark}-t-{slug}-{like.asset_id}", constituent_id=_IDS[slug], **facts)
    sighting = Sighting(
        id=f"{mark}-u-{slug}-{like.asset_id}", match_id=match.id, day="2026-06-01", tlp=TLP.AMBER_STRICT, count=1,
        first_seen=NOON, last_seen=NOON, first_told_at=NOON, last_told_at=NOON, reporter=mark, note=mark,
    )  # fmt: skip
    await _put(session, match, sighting)


async def _indicator(session: AsyncSession, number: int, key: str, label: TLP) -> str:
    """Have the feed say of a name, under `label`, that it does harm; its own name tells who may know."""
    mark = _mark(label <= CLEARANCE)
    row = StixObject(
        id=number + 1, stix_id=f"indicator--{mark}{number}", type="indicator", spec_version="2.1", version=NOON,
        tlp=label, content_hash="", text="{}", received_at=NOON, name=f"{mark} indicator", pattern_type="stix",
        pattern=f"[domain-name:value = '{reverse_labels(key)}' OR file:name = '{mark}']", labels=[mark],
    )  # fmt: skip
    word = Assertion(object_id=number + 1, feed="f", tlp=label, confidence=50, name=mark, labels=[mark])
    atom = IndicatorKey(object_id=number + 1, kind="name", key=key)
    await _put(session, row, word, atom)
    return row.stix_id


async def _incidents_of(session: AsyncSession, world: World) -> None:
    city = next((n for n, h in enumerate(world.happened) if h.owner is Owner.CITY), None)
    ids: dict[int, str] = {}
    order = sorted(range(len(world.happened)), key=lambda n: n != city)
    for number in order:
        happened = world.happened[number]
        known = number == city and happened.tlp <= CLEARANCE and any(_mine(h) and h.below for h in world.happened)
        below = ids.get(city) if city is not None and happened.below and happened.owner is not Owner.CITY else None
        ids[number] = await _incident(session, number, happened, below, _mark(known or _mine(happened)))
    matches = [f"{_mark('camden' in o.value and t <= CLEARANCE)}-m{n + 1}" for n, (o, t) in enumerate(world.assets)]
    links = [
        IncidentMatch(incident_id=i, match_id=m, kind="phishing", criticality=3) for i in ids.values() for m in matches
    ]
    await _put(session, *links)


def _mine(happened: Happened) -> bool:
    return happened.owner is Owner.CAMDEN and happened.tlp <= CLEARANCE


async def _incident(session: AsyncSession, number: int, happened: Happened, parent: str | None, name: str) -> str:
    key, mine = f"{name}-i{number}", _mine(happened)
    mark, whose = _mark(mine), next((_IDS[s] for s in happened.owner.value), None)
    incident = Incident(
        id=key, ref=f"{name}-{number}", constituent_id=whose, parent_id=parent, threat=f"{mark} threat",
        kind="phishing", title=f"{name} title", severity="high", state="open", confidence=50, tlp=happened.tlp,
        aware_at=NOON, updated_at=NOON, open_key=key,
    )  # fmt: skip
    said = _mark(mine and happened.said_by in ("citysec", "lee"))
    note = TimelineEntry(incident_id=key, at=NOON, kind="note", text=said, actor=happened.said_by)
    for_city = TimelineEntry(
        incident_id=key, at=NOON, kind="advisory", text=SECRET, actor="citysec", data={"audience": "city"}
    )
    asked = _mark(mine and happened.asked == "lead")
    run = Run(id=f"{SECRET}-r{number}", incident_id=key, playbook_id=1)
    step = RunStep(
        run_id=run.id, step_id=SECRET, position=0, name=SECRET, kind="action", state="ongoing", started_at=NOON
    )
    question = Question(
        id=f"{asked}-q{number}", run_id=run.id, incident_id=key, step_id="s", title=asked, text=asked,
        owner=happened.asked, asked_at=NOON, due_at=NOON,
    )  # fmt: skip
    await _put(session, incident, note, for_city, run, step, question)
    if whose is not None:
        await _advisory(session, number, key, whose, happened.tlp)
    return key


async def _advisory(session: AsyncSession, number: int, incident: str, whose: str, label: TLP) -> None:
    mark = _mark(whose == "open-c" and label <= CLEARANCE)
    key = f"{mark}-a{number}"
    advisory = Advisory(
        id=key, incident_id=incident, constituent_id=whose, subject=mark, content=_content(mark), severity="high",
        tlp=label, published_at=NOON,
    )  # fmt: skip
    of = _mark(whose == "open-c")
    contact = Contact(
        id=f"{of}-k{number}", constituent_id=whose, name=of, channel="email", address=f"{of}@{number}.example"
    )
    decision = Decision(
        id=f"{mark}-d{number}", advisory_id=key, recipient="r", verdict="allowed", reason=mark, tlp=label, clearance=4,
        at=NOON,
    )  # fmt: skip
    await _put(session, advisory, contact, decision)
    delivery = Delivery(
        id=f"{mark}-v{number}", advisory_id=key, contact_id=contact.id, decision_id=decision.id, channel="email",
        queued_at=NOON,
    )  # fmt: skip
    await _put(session, delivery, Acknowledgement(advisory_id=key, answer="received", note=mark, at=NOON))
