"""The same on PostgreSQL, where several publish, send and answer at the same time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

import pytest

from citysec.access import audit
from citysec.advisories.acknowledge import acknowledge, reply
from citysec.advisories.channels.message import Message
from citysec.advisories.clock import remind
from citysec.advisories.deliver import Post, deliver
from citysec.advisories.link import Links
from citysec.db import Database
from citysec.errors import DeliveryRefused
from citysec.settings import Settings
from citysec.tables import Acknowledgement, Advisory, Delivery, Incident
from tests.advisories.conftest import POLICY, Town, settle

pytestmark = pytest.mark.postgres


@pytest.fixture
async def town(postgres_url: str) -> AsyncGenerator[Town, None]:
    url = Settings(database_url=postgres_url).app_database
    async with Database.opened(url) as db:
        town = Town(db)
        await settle(town)
        yield town


async def test_publishing_at_once_alone_and_with_the_city_tells_everyone_once(town: Town):
    city = await town.incident(None)
    incidents = [
        await town.incident(who, await town.match(await town.asset(address, who)), parent_id=city)
        for who, address in (("camden", "198.51.100.7"), ("brent", "198.51.100.9"))
    ]
    async with asyncio.TaskGroup() as tasks:
        for incident in (*incidents, city) * 4:
            tasks.create_task(town.publish(incident))
    assert [(a.constituent_id, a.revision) for a in await town.advisories()] == [("camden", 1), ("brent", 1)]
    assert sorted(d.contact_id for d in await town.deliveries()) == ["b1", "c1", "c2"]


async def test_updates_answers_reminders_and_dead_letters_at_once_end_in_order(town: Town, camden: str):
    async def refuse(_message: Message) -> None:
        raise DeliveryRefused("no such mailbox")

    async def answer() -> None:
        async with town.db.writing() as session:
            await acknowledge(session, first, reply("in-hand", contact_id="c1"))

    (first,) = await town.publish(camden)
    await town.grow(camden)
    post = Post("London", {"email": refuse, "webhook": refuse}, Links(b"k" * 32, ""))
    async with asyncio.TaskGroup() as tasks:
        for delivery in await town.deliveries():
            tasks.create_task(deliver(town.db, {"delivery": delivery.id}, post))
        tasks.create_task(answer())
        tasks.create_task(town.publish(camden))
        tasks.create_task(town.stage(remind, {"advisory": first, "reminder": 1}, POLICY.deadlines))
    assert len(await town.rows(Advisory)) == 2
    assert len(await town.rows(Acknowledgement)) == 1
    assert {d.state for d in await town.rows(Delivery, advisory_id=first)} <= {"dead", "cancelled"}
    async with town.db.reading() as session:
        assert (await audit.first_broken(session))[1] is None
    assert (await town.rows(Incident, id=camden))[0].closed_at is None
