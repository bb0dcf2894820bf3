"""What else is stored costs a question nothing."""

from __future__ import annotations

from sqlmodel.ext.asyncio.session import AsyncSession

from citysec.constituency.lines import parse
from citysec.explanation import explain, lookup, retrospect
from citysec.explanation.asked import read
from citysec.explanation.told import Case
from citysec.tables.columns import now
from tests.correlate.city import City, indicator
from tests.correlate.test_vulnerable import CVE, vulnerability
from tests.explanation.conftest import CITY
from tests.steps import steps

VALUE = "192.0.2.7"
LINE = "asset_id,organisation,sector,kind,value,scope,criticality\nA1,camden,any,ipv4,192.0.2.7,exact,high\n"


async def test_what_feeds_say_of_other_things(city: City):
    async def ask(session: AsyncSession) -> None:
        case = Case(await explain.constituent(session, CITY, "camden"), CITY, possible_opens=False)
        assert await explain.explain(session, read(VALUE), case, now())
        assert await lookup.look_up(session, [VALUE, "192.0.2.0/24", "x.example"], CITY, now())

    await city.own("camden", "cidr", "192.0.2.0/24")
    await city.say(indicator(0, f"[ipv4-addr:value = '{VALUE}']"))
    costs = list[int]()
    for part in (1, 2):
        others = range(part * 1000, part * 1000 + 1000)
        await city.say(*(indicator(n, f"[ipv4-addr:value = '10.0.{n // 250}.{n % 250}']") for n in others))
        costs.append(await steps(city.db, ask))
    assert costs[1] <= costs[0] + 2


async def test_other_vulnerabilities(city: City):
    await city.record(vulnerability())
    costs = list[int]()
    for part in range(2):
        await city.record(*(vulnerability(cve=f"CVE-2023-{part}{n:04}") for n in range(1000)))
        costs.append(await steps(city.db, lambda session: lookup.look_up(session, [CVE], CITY, now())))
    assert costs[1] <= costs[0] + 1


async def test_what_else_is_registered(city: City):
    async def ask(session: AsyncSession) -> None:
        assert await retrospect._ids(session, {(line.kind, line.asset.key, line.scope) for line in parse(LINE)})

    costs = list[int]()
    for part in range(2):
        await city.own("camden", "ipv4", *(f"10.{part}.{n // 250}.{n % 250}" for n in range(150)))
        costs.append(await steps(city.db, ask))
    assert costs[1] <= costs[0] + 1
