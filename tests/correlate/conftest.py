"""The city that the tests of the stages work on."""

from __future__ import annotations

import pytest

from citysec.db import Database
from tests.correlate.city import City
from tests.correlate.reporting import populated


@pytest.fixture
def city(db: Database) -> City:
    """A city in which nobody owns anything and nothing was said."""
    return City(db)


@pytest.fixture
def either(each_db: Database) -> City:
    """A city on each of the two databases."""
    return City(each_db)


@pytest.fixture
async def town(db: Database) -> City:
    """A city of two boroughs."""
    return await populated(db)
