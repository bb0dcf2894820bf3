"""The city that explanations are about: Camden and Brent, and what feeds say."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from citysec.access.policy import Principal, Role
from citysec.db import Database
from citysec.explanation import explain, lookup
from citysec.explanation.asked import read
from citysec.explanation.chain import Explanation, Question, Step
from citysec.explanation.lookup import Answer
from citysec.explanation.told import Case
from citysec.tables.columns import now
from citysec.tlp import TLP
from tests.correlate.city import City

CITY = Principal(account_id="a", name="ada", role=Role.COORDINATOR, constituent_id=None, clearance=TLP.RED)
LEE = Principal(account_id="l", name="lee", role=Role.LEAD, constituent_id="camden", clearance=TLP.AMBER)


@dataclass
class Desk:
    """Where people ask; by default the coordinator, about Camden."""

    city: City

    async def why(self, value: str, reader: Principal = CITY, slug: str = "camden") -> list[Explanation]:
        """Ask why a constituent was told of something, or why not."""
        async with self.city.db.reading() as db:
            case = Case(await explain.constituent(db, reader, slug), reader, possible_opens=False)
            return await explain.explain(db, read(value), case, now())

    async def reason(self, value: str, reader: Principal = CITY) -> Step:
        """Ask for the reason why Camden was not told."""
        (only,) = await self.why(value, reader)
        assert only.reason is not None, only.steps
        return only.reason

    async def step(self, value: str, question: Question, reader: Principal = CITY) -> Step:
        """Return the answer to one question."""
        (only,) = await self.why(value, reader)
        return next(step for step in only.steps if step.question is question)

    async def look_up(self, *texts: str, reader: Principal = CITY) -> list[Answer]:
        """Look values up."""
        async with self.city.db.reading() as db:
            return await lookup.look_up(db, texts, reader, now())


@pytest.fixture
def city(db: Database) -> City:
    """A city in which nobody owns anything and nothing was said."""
    return City(db)


@pytest.fixture
def either(each_db: Database) -> City:
    """The same on each of the two databases."""
    return City(each_db)


@pytest.fixture
def desk(city: City) -> Desk:
    """Where people of that city ask."""
    return Desk(city)
