"""The page of possible matches: what is too uncertain to tell anybody about."""

from __future__ import annotations

from collections.abc import AsyncGenerator

import pytest

from citysec.access.policy import Role
from citysec.db import Database
from citysec.tlp import TLP
from tests import city
from tests.correlate.city import City, indicator
from tests.web.console import visit

PART = "[domain-name:value = 'pay.camden.gov.uk' AND file:name = 'a.exe']"


@pytest.fixture
async def place(db: Database) -> AsyncGenerator[city.Site, None]:
    """A city in which a green and a red report may, and another one surely does, speak of Camden."""
    await city.account(db, "ann", Role.ANALYST, clearance=TLP.AMBER)
    correlation = City(db)
    await correlation.own("camden", "domain", "camden.gov.uk", scope="tree")
    await correlation.say(indicator(1, PART), indicator(2, "[domain-name:value = 'www.camden.gov.uk']"))
    await correlation.say(indicator(3, PART.replace("pay", "tax")), feed="secret", tlp=TLP.RED)
    await correlation.work()
    await city.account(db, "liz", Role.LEAD, "camden")
    async with city.served(city.app_context(db)) as site:
        yield site


async def test_what_is_possible_is_shown_with_its_reason_and_nothing_else(place: city.Site):
    async with visit.signed_in(place, "ann") as ann:
        text = (await ann.get("/possible")).text
        assert "pay.camden.gov.uk" in text
        assert "/explain?" in text
        assert "www.camden.gov.uk" not in text  # certain
        assert "tax.camden.gov.uk" not in text  # above the own clearance
        assert 'href="/possible"' in (await ann.get("/")).text


async def test_a_page_behind_the_last_is_empty_not_wrong(place: city.Site):
    async with visit.signed_in(place, "ann") as ann:
        answer = await ann.get("/possible?from=100")
    assert (answer.status, "pay.camden" in answer.text) == (200, False)


async def test_it_is_the_citys_page(place: city.Site):
    async with visit.signed_in(place, "liz") as liz:
        assert (await liz.get("/possible")).status == 403


async def test_a_block_around_what_a_system_announces_is_not_said_to_lie_in_it(place: city.Site, db: Database):
    correlation = City(db)
    await correlation.own("camden", "asn", "AS64496")
    await correlation.announce("192.0.2.0\t24\t64496,64497")
    await correlation.say(
        *(indicator(n, f"[ipv4-addr:value = '{v}']") for n, v in ((8, "192.0.0.0/16"), (9, "192.0.2.7")))
    )
    await correlation.work()
    async with visit.signed_in(place, "ann") as ann:
        text = " ".join((await ann.get("/possible")).text.split())
    assert "it has addresses in <code>192.0.2.0/24</code>, announced" in text
    assert "it lies in <code>192.0.2.0/24</code>, announced" in text
