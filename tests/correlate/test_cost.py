"""What else is registered or said costs correlation nothing."""

from __future__ import annotations

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from citysec.correlate import subjects, vulnerable
from citysec.software.records import Affected
from citysec.tables import StixObject
from citysec.tables.columns import now
from tests.correlate.city import City
from tests.correlate.test_vulnerable import vulnerability
from tests.steps import steps

MINE = ("uk.gov.camden", "uk.gov.brent")


async def test_names_that_others_have_registered(city: City):
    async def ask(session: AsyncSession) -> None:
        assert await subjects.watchable(session, MINE) == set(MINE)
        assert await subjects.owned(session, ["camden.gov.uk", "x.example"]) == {"camden.gov.uk"}

    await city.own("camden", "domain", "pay.camden.gov.uk", "camden.gov.uk", "brent.gov.uk")
    costs = list[int]()
    for part in range(2):
        await city.own("barnet", "domain", *(f"h{part}-{n}.barnet.gov.uk" for n in range(150)))
        await city.own("barnet", "email", *(f"p{part}-{n}@barnet.gov.uk" for n in range(150)))
        costs.append(await steps(city.db, ask))
    assert costs[1] <= costs[0] + 1


async def test_products_of_other_vulnerabilities(city: City):
    costs = list[int]()
    for part in range(2):
        cves = [f"CVE-2024-{part}{n:04}" for n in range(500)]
        await city.record(*(vulnerability(Affected(vendor="acme", product=cve), cve=cve) for cve in cves))
        await city.work()
        async with city.db.reading() as session:
            some = set((await session.exec(select(StixObject.stix_id).order_by(col(StixObject.id)).limit(30))).all())
        costs.append(await steps(city.db, lambda session, some=some: vulnerable.index(session, some, now())))
    assert costs[1] <= costs[0] + 1
