"""What a match is a sign of."""

from __future__ import annotations

import hashlib

from sqlmodel import select

from citysec.db import Database
from citysec.incidents.triage import triage
from citysec.tables import Incident
from tests.city import INCIDENTS
from tests.correlate.city import City, indicator


async def test_however_long_an_address_it_is_one_incident_and_another_is_another(each_db: Database):
    noise = "".join(hashlib.sha256(str(number).encode()).hexdigest() for number in range(200))
    city, page = City(each_db), f"https://camden.example/{noise}"
    await city.own("camden", "domain", "camden.example")
    for number, spelling in enumerate((page, page.replace("https://camden", "HTTPS://Camden"), f"{page}0"), 1):
        await city.say(indicator(number, f"[url:value = '{spelling}']"))
    await city.work()
    matches = await city.to_triage()
    async with each_db.writing() as session:
        await triage(session, {"matches": matches}, INCIDENTS)
    async with each_db.reading() as session:
        threats = (await session.exec(select(Incident.threat))).all()
    assert [threat[:28] for threat in threats] == ["value:https://camden.example"] * 2
