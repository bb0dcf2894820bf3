"""Registering an asset shows its history before anybody is told, and then tells once."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlmodel import col, select, update

from citysec.constituency import register
from citysec.constituency.lines import parse
from citysec.correlate.history import History
from citysec.explanation import retrospect
from citysec.incidents.triage import triage
from citysec.tables import Assertion, Constituent, Incident, IncidentMatch
from citysec.tables.columns import now
from tests.city import INCIDENTS
from tests.correlate.city import City, indicator
from tests.correlate.test_vulnerable import OLD, RANGES, vulnerability

HEADER = "asset_id,organisation,sector,kind,value,scope,criticality\n"
RANGE = "A1,Camden,local-government,cidr,192.0.2.0/24,exact,high\n"
THREAT = "malware--22222222-2222-4222-8222-222222222222"


@pytest.fixture
async def camden(city: City) -> City:
    """A city with one constituent that has registered nothing."""
    async with city.db.writing() as session:
        session.add(Constituent(id="camden", slug="camden", name="Camden", kind="borough", sector="local-government"))
    return city


async def history(city: City, line: str = RANGE) -> dict[str, History]:
    """Return what the asset of a new line would be matched with."""
    async with city.db.reading() as db:
        plan = await register.plan_import(db, parse(HEADER + line))
        return await retrospect.retrospect(db, retrospect.new(plan), now())


async def _ended(city: City, number: int, **values: Any) -> None:
    async with city.db.writing() as session:
        await session.exec(update(Assertion).where(col(Assertion.object_id) == number).values(**values))


async def test_a_doubtful_owner_sees_no_history(camden: City):
    await camden.say(indicator(1, "[ipv4-addr:value = '192.0.2.7']"))
    async with camden.db.reading() as db:
        lines = parse(f"{HEADER.strip()},verified\n{RANGE.strip()},no\n")
        assert retrospect.new(await register.plan_import(db, lines)) == []


async def test_a_system_shows_what_touched_what_it_announces(camden: City):
    await camden.announce("192.0.2.0\t24\t64496", "192.0.2.128\t25\t64511")
    await camden.say(indicator(1, "[ipv4-addr:value = '192.0.2.7']"), indicator(2, "[ipv4-addr:value = '192.0.2.200']"))
    system = "A1,Camden,local-government,asn,AS64496,exact,high\n"
    assert await history(camden, system) == {"A1": History(now=1)}


async def test_a_range_shows_what_touches_it(camden: City):
    await camden.say(
        indicator(1, "[ipv4-addr:value = '192.0.2.7']"),
        indicator(2, "[ipv4-addr:value = '192.0.2.8' AND domain-name:value = 'a.example']"),
        indicator(3, "[ipv4-addr:value = '198.51.100.1']"),
    )
    assert await history(camden) == {"A1": History(now=2, possible=1)}


async def test_what_is_gone_within_90_days_is_counted_and_what_is_older_is_not(camden: City):
    await camden.say(*(indicator(n, f"[ipv4-addr:value = '192.0.2.{n}']") for n in (1, 2, 3, 4)))
    await _ended(camden, 1, gone_at=now() - timedelta(days=10))
    await _ended(camden, 2, gone_at=now() - timedelta(days=100))
    await _ended(camden, 3, until=now() - timedelta(days=10))
    assert await history(camden) == {"A1": History(now=1, gone=2)}


async def test_what_was_revoked_is_nohistory(camden: City):
    await camden.say(indicator(1, "[ipv4-addr:value = '192.0.2.7']", revoked=True))
    assert await history(camden) == {}


async def test_a_product_shows_its_vulnerabilities(camden: City):
    await camden.record(vulnerability(RANGES))
    await camden.work()
    line = f"S1,Camden,local-government,software,{OLD},exact,high\n"
    assert await history(camden, line) == {"S1": History(now=1)}


async def test_what_is_registered_already_has_no_history_to_show(camden: City):
    await camden.say(indicator(1, "[ipv4-addr:value = '192.0.2.7']"))
    async with camden.db.writing() as db:
        await register.apply(db, await register.plan_import(db, parse(HEADER + RANGE)), "ada")
    assert await history(camden) == {}


async def test_many_hits_of_one_threat_are_one_incident(camden: City):
    said = [indicator(n, f"[ipv4-addr:value = '192.0.2.{n}']") for n in range(1, 4)]
    await camden.say(*said, *(_indicates(n, one["id"]) for n, one in enumerate(said)))
    async with camden.db.writing() as db:
        await register.apply(db, await register.plan_import(db, parse(HEADER + RANGE)), "ada")
    await camden.work()
    async with camden.db.writing() as db:
        for work in await camden.waiting("triage"):
            await triage(db, work.payload, INCIDENTS)
    async with camden.db.reading() as db:
        assert len((await db.exec(select(Incident))).all()) == 1
        assert len((await db.exec(select(IncidentMatch))).all()) == 3


def _indicates(number: int, source: str) -> dict[str, Any]:
    return {
        "type": "relationship",
        "spec_version": "2.1",
        "id": f"relationship--{number:08d}-1111-4111-8111-111111111111",
        "created": "2024-01-01T00:00:00.000Z",
        "modified": "2024-01-01T00:00:00.000Z",
        "relationship_type": "indicates",
        "source_ref": source,
        "target_ref": THREAT,
    }
