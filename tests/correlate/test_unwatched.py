"""What assets would be watched for if they were registered."""

from __future__ import annotations

from citysec.correlate.unwatched import if_registered
from citysec.db import Database
from tests.correlate.city import City, indicator


async def _forms(city: City) -> set[str]:
    async with city.db.reading() as session:
        return set((await if_registered(session, [(1, "domain", "uk.gov.camden", "camden")])).forms)


async def test_only_what_names_that_are_spoken_of_are_taken_for_is_held(each_db: Database):
    city = City(each_db)
    assert await _forms(city) == set()
    await city.say(
        indicator(1, "[domain-name:value = 'camdem.gov.uk']"), indicator(2, "[domain-name:value = 'a.test']")
    )
    await city.work()
    assert await _forms(city) == {"camdem"}
