"""Of what is not verified nothing above TLP:GREEN is told."""

from __future__ import annotations

import pytest
from sqlmodel import select

from citysec.access import policy
from citysec.access.policy import Principal, Role
from citysec.constituency import register
from citysec.constituency.lines import VERIFIED, parse, render
from citysec.constituency.verification import plan_verification
from citysec.db import Database
from citysec.errors import InvalidInput
from citysec.incidents.touches import read_matches, touches_of
from citysec.tables import Constituent, Match
from citysec.tlp import TLP
from tests.correlate.city import City, indicator

FILE = """asset_id,organisation,sector,kind,value,scope,criticality,verified
A1,camden,any,ipv4,192.0.2.1,exact,high,no
A2,camden,any,ipv4,192.0.2.2,exact,high,yes
A3,brent,any,ipv4,192.0.2.1,exact,high,
"""


@pytest.fixture
async def city(db: Database) -> City:
    """Camden says that an address is its own, of which nobody is sure; Brent's and another one's are sure."""
    async with db.writing() as session:
        for slug in ("camden", "brent"):
            session.add(Constituent(id=slug, slug=slug, name=slug, kind="borough", sector="any"))
        await session.flush()
        await register.apply(session, await register.plan_import(session, parse(FILE)), "ada")
    return City(db)


async def _told(city: City) -> set[tuple[str, str]]:
    """Return who is told of which value."""
    async with city.db.reading() as db:
        return {(t.constituent.slug, t.match.indicator_value) for t in await touches_of(db, await read_matches(db))}


async def _seen(city: City) -> set[str]:
    """Return the values of the matches that Camden's lead may read."""
    lead = Principal(account_id="l", name="lee", role=Role.LEAD, constituent_id="camden", clearance=TLP.AMBER)
    async with city.db.reading() as db:
        return set(await db.exec(select(Match.indicator_value).where(policy.matches(lead))))


async def _said(city: City, tlp: TLP) -> None:
    await city.say(*(indicator(n, f"[ipv4-addr:value = '192.0.2.{n}']") for n in (1, 2)), tlp=tlp)
    await city.work()


async def test_a_file_says_what_is_verified_and_what_it_leaves_out_is(city: City):
    async with city.db.reading() as db:
        lines = await register.export(db)
    assert [line.verified for line in lines] == [False, True, True]
    assert [row.rpartition(",")[2] for row in render(lines, [VERIFIED]).split()] == ["verified", "no", "yes", "yes"]


async def test_above_green_it_is_told_to_those_only_whose_asset_it_surely_is(city: City):
    await _said(city, TLP.AMBER)
    assert await _told(city) == {("camden", "192.0.2.2"), ("brent", "192.0.2.1")}
    assert await _seen(city) == {"192.0.2.2"}


async def test_up_to_green_it_is_told_to_all_who_say_that_it_is_theirs(city: City):
    await _said(city, TLP.GREEN)
    assert await _told(city) == {("camden", "192.0.2.1"), ("camden", "192.0.2.2"), ("brent", "192.0.2.1")}
    assert await _seen(city) == {"192.0.2.1", "192.0.2.2"}


async def test_once_verified_its_matches_go_to_triage_again(city: City):
    await _said(city, TLP.AMBER)
    async with city.db.writing() as db:
        plan = await plan_verification(db, ["A1"], (), verified=True)
        await register.apply(db, plan, "ada")
    triaged = len(await city.waiting("triage"))
    await city.work("retro")
    assert len(await city.waiting("triage")) == triaged + 1
    assert ("camden", "192.0.2.1") in await _told(city)


async def test_all_of_a_constituent_can_become_doubtful(city: City):
    async with city.db.writing() as db:
        plan = await plan_verification(db, (), ["camden"], verified=False)
        assert ([change.after.ref for change in plan.changed], plan.unchanged) == (["A2"], 1)
        await register.apply(db, plan, "ada")
        assert not any(line.verified for line in await register.export(db) if line.organisation == "camden")


async def test_unknown_names_are_all_said(city: City):
    async with city.db.reading() as db:
        with pytest.raises(InvalidInput) as refused:
            await plan_verification(db, ["A9", "A1"], ["ealing"], verified=True)
    assert [problem.at for problem in refused.value.problems] == ["A9", "ealing"]
