"""What constituents' machines saw, as STIX objects."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import stix2
from sqlmodel import col, select

from citysec.correlate import following, sighted
from citysec.correlate.meeting import Tally
from citysec.correlate.sighted import Telling
from citysec.db import Database
from citysec.feeds.publishers import definitions
from citysec.feeds.sight import sight
from citysec.patterning.evaluation.observed import microseconds
from citysec.settings import Settings
from citysec.share.collections import NewCollection, admit, create
from citysec.tables import Assertion, Constituent, Member, Outbox, StixObject
from citysec.tlp import MARKING_IDS, TLP
from tests.correlate.city import City, indicator

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
FEEDS = definitions(Settings())
EVIL = indicator(1, "[domain-name:value = 'evil.example']")


@pytest.fixture
def db(each_db: Database) -> Database:
    """Each of the two databases."""
    return each_db


@pytest.fixture
async def town(db: Database) -> City:
    """Camden, and a feed that says that a name does harm."""
    async with db.writing() as session:
        session.add(Constituent(id="camden", slug="camden", name="Camden", kind="borough", sector="government"))
    town = City(db)
    await town.say(EVIL, tlp=TLP.AMBER)
    return town


async def see(db: Database, label: TLP = TLP.AMBER_STRICT, at: datetime = NOON, count: int = 3) -> None:
    """Have Camden's machines report that name, and write the sightings."""
    tally = Tally(microseconds(at), microseconds(at + timedelta(hours=1)), count)
    async with db.writing() as session:
        telling = Telling("camden", "siem", at + timedelta(days=20), label)
        await sighted.record_one(session, EVIL["id"], tally, telling, TLP.RED)
        await session.flush()
        await sight(session, {"constituent": "camden"}, FEEDS)


async def written(db: Database) -> list[dict[str, Any]]:
    """Return the newest sightings."""
    async with db.reading() as session:
        query = select(StixObject.text).where(StixObject.type == "sighting", col(StixObject.latest))
        return [json.loads(text) for text in await session.exec(query)]


async def test_what_was_seen_is_a_sighting_that_says_when_and_how_often(town: City):
    await see(town.db)
    (found,) = await written(town.db)
    stix2.parse(found)
    assert (found["sighting_of_ref"], found["count"]) == (EVIL["id"], 3)
    assert (found["first_seen"], found["last_seen"]) == ("2026-05-01T12:00:00.000000Z", "2026-05-01T13:00:00.000000Z")
    assert "observed_data_refs" not in found


async def test_more_of_the_same_day_is_a_version_of_the_same_sighting(town: City):
    await see(town.db)
    await see(town.db, at=NOON + timedelta(minutes=1))
    await see(town.db, at=NOON + timedelta(days=1))
    assert sorted(one["count"] for one in await written(town.db)) == [3, 6]


@pytest.mark.parametrize(("label", "named"), [(TLP.AMBER_STRICT, 1), (TLP.AMBER, 0)])
async def test_only_what_stays_with_the_city_names_the_constituent(town: City, label: TLP, named: int):
    await see(town.db, label)
    (found,) = await written(town.db)
    assert len(found.get("where_sighted_refs", [])) == named


@pytest.mark.parametrize(("label", "shared"), [(TLP.AMBER_STRICT, 0), (TLP.AMBER, 1)])
async def test_nobody_pulls_what_stays_with_the_city(town: City, label: TLP, shared: int):
    new = NewCollection(slug="all", title="All", ceiling=TLP.RED)
    await see(town.db, label)
    async with town.db.writing() as session:
        await create(session, new, actor="test")
        ids = (await session.exec(select(StixObject.id).where(StixObject.type == "sighting"))).all()
        await admit(session, {"objects": list(ids)})
    async with town.db.reading() as session:
        assert len((await session.exec(select(Member))).all()) == shared


async def test_what_is_of_a_stricter_label_by_now_is_told_under_that(town: City):
    tally = Tally(microseconds(NOON), microseconds(NOON), 1)
    async with town.db.writing() as session:
        telling = Telling("camden", "siem", NOON, TLP.GREEN)
        await sighted.record_one(session, EVIL["id"], tally, telling, TLP.RED)
    async with town.db.writing() as session:
        for said in await session.exec(select(Assertion)):
            said.tlp = TLP.RED
        await session.flush()
        await following.follow(session, [EVIL["id"]], NOON)
        await sight(session, {"constituent": "camden"}, FEEDS)
    (found,) = await written(town.db)
    assert found["object_marking_refs"] == [MARKING_IDS[TLP.RED]]


async def test_what_is_counted_when_its_hour_is_over_already_is_told_all_the_same(town: City):
    tally = Tally(microseconds(NOON), microseconds(NOON), 1)
    for _ in range(3):
        async with town.db.writing() as session:
            for work in await session.exec(select(Outbox).where(Outbox.kind == "sight")):
                work.done_at = NOON
            await sighted.record_one(session, EVIL["id"], tally, Telling("camden", "siem", NOON), TLP.RED)
    assert len(await town.waiting("sight")) == 1


@pytest.mark.parametrize(("label", "renewed"), [(TLP.AMBER_STRICT, False), (TLP.AMBER, True)])
async def test_a_sighting_renews_words_whose_readers_may_know_of_it(town: City, label: TLP, renewed: bool):
    async with town.db.writing() as session:
        for said in await session.exec(select(Assertion)):
            said.lasts_s, said.fresh_at = 1000 * 86400.0, NOON
    await see(town.db, label)
    async with town.db.reading() as session:
        (said,) = (await session.exec(select(Assertion).where(Assertion.feed == "feed"))).all()
    assert (said.fresh_at == NOON + timedelta(days=20)) is renewed
