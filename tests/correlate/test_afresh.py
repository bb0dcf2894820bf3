"""The whole register against all that is stored: what the two usual directions find, found by one pass."""

from __future__ import annotations

import pytest

from citysec.correlate import afresh
from tests.correlate.city import City, indicator

COMPARISONS = (
    "ipv4-addr:value = '198.51.0.0/16'",
    "ipv6-addr:value = '2001:db8::1'",
    "domain-name:value = 'a.camden.gov.uk'",
    "domain-name:value LIKE 'camden.%'",
    "email-addr:value = 'x@nhs.net'",
    "url:value = 'https://camden.gov.uk/'",
    "url:value LIKE 'https://pay.%/login'",
)


@pytest.mark.parametrize("comparison", COMPARISONS)
async def test_what_touches_an_asset_is_correlated_again(either: City, comparison: str):
    await either.say(indicator(1, f"[{comparison}]"), indicator(2, "[url:value LIKE '%.evil.example/%']"))
    await either.own("camden", "cidr", "198.51.100.0/24", "2001:db8::/48")
    await either.own("camden", "domain", "camden.gov.uk", scope="tree")
    await either.own("nhs", "mail-domain", "nhs.net")
    await either.own("nhs", "url", "https://pay.example/login")
    async with either.db.writing() as session:
        concerned = await afresh.concerned(session)
        afresh.hand_on(session, concerned)
    assert [work.payload for work in await either.waiting("correlate")][-1] == {"objects": concerned}
    await either.work("correlate")
    assert {name for name, _ in await either.pairs()} == {indicator(1, "")["id"]}


async def test_a_match_that_should_not_be_is_looked_at_again(city: City):
    await city.say(indicator(1, "[ipv4-addr:value = '198.51.100.3']"))
    (asset,) = await city.own("camden", "ipv4", "198.51.100.3")
    await city.work()
    await city.disown(asset)
    async with city.db.writing() as session:
        assert len(await afresh.concerned(session)) == 1
