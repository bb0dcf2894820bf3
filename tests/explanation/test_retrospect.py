"""Registering an asset shows its history before anybody is told, and then tells once."""

from __future__ import annotations

import random
from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from sqlmodel import col, select, update

from citysec.constituency import register
from citysec.constituency.lines import parse
from citysec.correlate import vocabularies
from citysec.correlate.history import History
from citysec.db import Database
from citysec.explanation import retrospect
from citysec.incidents.triage import triage
from citysec.lookalikes import vocabulary
from citysec.lookalikes.permutations import permutations
from citysec.settings import shipped
from citysec.tables import Assertion, AssetOwner, Constituent, Incident, IncidentMatch
from citysec.tables.columns import now
from citysec.tlp import TLP
from tests.city import INCIDENTS
from tests.correlate.city import City, indicator
from tests.correlate.test_vulnerable import OLD, RANGES, vulnerability

HEADER = "asset_id,organisation,sector,kind,value,scope,criticality\n"
RANGE = "A1,Camden,local-government,cidr,192.0.2.0/24,exact,high\n"
THREAT = "malware--22222222-2222-4222-8222-222222222222"


async def _boroughs(city: City, *slugs: str) -> City:
    """Have constituents that have registered nothing, and the words that lookalikes are made with."""
    async with city.db.writing() as session:
        await vocabularies.store(session, vocabulary.load(shipped("playbooks") / vocabulary.FILE))
        body: dict[str, Any] = {"kind": "borough", "sector": "local-government"}
        session.add_all(Constituent(id=slug, slug=slug, name=slug.title(), **body) for slug in slugs)
    return city


@pytest.fixture
async def camden(city: City) -> City:
    """A city with one constituent that has registered nothing."""
    return await _boroughs(city, "camden")


async def history(city: City, line: str = RANGE) -> dict[str, History]:
    """Return what the asset of a new line would be matched with."""
    async with city.db.reading() as db:
        plan = await register.plan_import(db, parse(HEADER + line))
        return await retrospect.retrospect(db, retrospect.new(plan), now())


async def test_what_is_said_above_the_reader_s_clearance_is_not_counted(camden: City):
    await camden.say(indicator(1, "[ipv4-addr:value = '192.0.2.7']"), tlp=TLP.RED)
    await camden.say(indicator(2, "[ipv4-addr:value = '192.0.2.8']"), tlp=TLP.RED)
    await camden.say(indicator(3, "[ipv4-addr:value = '192.0.2.9']"), tlp=TLP.GREEN)
    await _ended(camden, 2, gone_at=now() - timedelta(days=10))
    async with camden.db.reading() as db:
        lines = retrospect.new(await register.plan_import(db, parse(HEADER + RANGE)))
        for ceiling, found in ((TLP.RED, History(now=2, gone=1)), (TLP.AMBER, History(now=1))):
            assert await retrospect.retrospect(db, lines, now(), ceiling) == {"A1": found}


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


NAME = "A1,Camden,local-government,domain,camden.gov.uk,tree,high\n"
IMITATIONS = ("camdem.gov.uk", "login.camdn.gov.uk", "carnden.gov.uk", "pay.camden.gov.uk", "x.example")


async def said(city: City, *names: str) -> None:
    """Have indicators speak of names."""
    await city.say(*(indicator(n, f"[domain-name:value = '{name}']") for n, name in enumerate(names, 1)))
    await city.work()


async def test_a_name_shows_apart_what_looks_like_it(camden: City):
    await said(camden, *IMITATIONS)
    await camden.news("camdenn.gov.uk")
    await camden.work()
    assert await history(camden, NAME) == {"A1": History(now=1, lookalikes=4)}


async def test_a_brand_shows_what_looks_like_it(camden: City):
    await said(camden, "camden-council.example", "camdencouncil.example", "camden.example")
    line = "B1,Camden,local-government,brand,Camden Council,exact,high\n"
    assert await history(camden, line) == {"B1": History(lookalikes=2)}


async def test_what_looked_like_a_name_within_90_days_counts_and_what_did_before_does_not(camden: City):
    await said(camden, "camdem.gov.uk", "camdn.gov.uk", "camdenn.gov.uk")
    await _ended(camden, 1, gone_at=now() - timedelta(days=10))
    await _ended(camden, 2, gone_at=now() - timedelta(days=100))
    assert await history(camden, NAME) == {"A1": History(lookalikes=2)}


async def test_what_is_registered_with_a_name_or_before_it_looks_like_nobody(camden: City):
    await said(camden, "camdem.gov.uk", "camdn.gov.uk")
    assert await history(camden, NAME + NAME.replace("A1", "A2").replace("camden", "camdem")) == {
        "A1": History(lookalikes=1),
        "A2": History(now=1),
    }


async def test_a_name_that_many_may_have_names_below_has_no_lookalikes(camden: City):
    await said(camden, "sharep0int.example")
    assert await history(camden, NAME.replace("camden.gov.uk", "camden.sharepoint.example")) == {}


async def test_names_below_one_show_its_lookalikes_once(camden: City):
    await said(camden, "camdem.gov.uk")
    lines = "".join(NAME.replace("A1", f"A{n}").replace("camden.gov", f"h{n}.camden.gov") for n in range(3))
    assert await history(camden, lines) == {"A0": History(lookalikes=1)}
    assert await history(camden, lines + NAME.replace("A1", "A9")) == {"A9": History(lookalikes=1)}


def _name_lines(chance: random.Random) -> list[str]:
    """Return lines of names, some of them within others, of some owners."""
    names = ["camden.gov.uk", "pay.camden.gov.uk", "brent.gov.uk", "a.brent.gov.uk", "camden.org.uk", "x.camden.org.uk"]
    rows = [(owner, name) for name in names for owner in ("Camden", "Brent") if chance.random() < 0.6]
    chance.shuffle(rows)
    return [f"A{n},{owner},local-government,domain,{name},exact,high\n" for n, (owner, name) in enumerate(rows)]


async def _register(city: City, lines: str) -> Counter[str]:
    """Register assets, and return how many matches with lookalikes the asset of each line has then."""
    planned = parse(HEADER + lines)
    async with city.db.writing() as db:
        await register.apply(db, await register.plan_import(db, planned), "ada")
    await city.work()
    await city.work()
    async with city.db.reading() as db:
        owners = (await db.exec(select(AssetOwner.asset_id, AssetOwner.ref))).all()
    alike = Counter(m.asset_id for m in await city.matches() if m.relation == "lookalike" and m.closed_at is None)
    refs = {line.ref for line in planned}
    return Counter({ref: alike[asset_id] for asset_id, ref in owners if ref in refs and asset_id in alike})


@pytest.mark.parametrize("seed", range(4))
async def test_as_many_lookalikes_are_shown_as_registering_makes_matches(each_db: Database, seed: int):
    chance, city = random.Random(seed), await _boroughs(City(each_db), "camden", "brent")
    labels = [name for label in ("camden", "brent") for name in sorted(permutations(label))[:: chance.randint(30, 50)]]
    await said(city, *(f"{label}.{end}" for label in labels for end in ("gov.uk", "org.uk")))
    lines = _name_lines(chance)
    for part in ("".join(lines[::2]), "".join(lines[1::2])):
        shown = await history(city, part)
        assert await _register(city, part) == {ref: one.lookalikes for ref, one in shown.items()}


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
