"""The same questions are answered on PostgreSQL."""

from __future__ import annotations

from collections.abc import AsyncGenerator

import pytest

from citysec.db import Database
from citysec.explanation.chain import Outcome, Question
from tests.correlate.city import City, indicator
from tests.explanation.conftest import LEE, Desk
from tests.explanation.test_retrospect import history

pytestmark = pytest.mark.postgres


@pytest.fixture
async def city(postgres_url: str) -> AsyncGenerator[City, None]:
    """Camden owns a range, in which one address does harm."""
    async with Database.opened(postgres_url.replace("postgresql://", "postgresql+asyncpg://")) as database:
        here = City(database)
        await here.own("camden", "cidr", "192.0.2.0/24")
        await here.say(indicator(1, "[ipv4-addr:value = '192.0.2.7']"))
        await here.work()
        yield here


async def test_an_explanation(city: City):
    step = await Desk(city).step("192.0.2.7", Question.KEPT, LEE)
    assert step.outcome is Outcome.YES


async def test_a_look_up(city: City):
    alone, block = await Desk(city).look_up("192.0.2.7", "192.0.2.0/24", reader=LEE)
    assert (alone.seen.count, block.seen.count, alone.seen.shown[0].matches) == (1, 1, 1)


async def test_a_history(city: City):
    line = "A2,camden,any,cidr,192.0.2.0/28,exact,high\n"
    assert (await history(city, line))["A2"].now == 1
