"""A list of public suffixes that changes is as if it had always said so, and reversibly."""

from __future__ import annotations

import pytest
from sqlmodel import col, select

from citysec import suffixes as bundled
from citysec.constituency import suffixes
from citysec.correlate.match import correlate_objects
from citysec.suffixes import Suffixes
from citysec.tables import AuditEntry, Outbox, StixObject
from citysec.tables.columns import now
from tests.correlate.city import City, indicator

OLD, NEW = Suffixes(b"example\n"), Suffixes(b"example\nhosting.example\n")
BELOW = indicator(1, "[domain-name:value = 'customer.hosting.example']")
ITSELF = indicator(2, "[domain-name:value = 'hosting.example']")


async def judged(city: City, by: Suffixes) -> dict[str, str | None]:
    """Judge by a list, do the work, and return indicator -> why its match has ended."""
    async with city.db.writing() as db:
        await suffixes.judge(db, by)
    await city.work()
    return {match.indicator_id[11:19].lstrip("0"): match.close_reason for match in await city.matches()}


async def begin(city: City) -> None:
    await city.own("camden", "domain", "hosting.example", "camden.example", scope="tree")
    await city.say(BELOW, ITSELF, indicator(3, "[domain-name:value = 'www.camden.example']"))
    await judged(city, OLD)


async def test_a_tree_that_becomes_a_public_suffix_loses_what_is_below_it_and_gets_it_back(either: City):
    await begin(either)
    assert await judged(either, NEW) == {"1": "public-suffix", "2": None, "3": None}
    assert await judged(either, OLD) == {"1": None, "2": None, "3": None}


async def test_only_what_is_judged_otherwise_is_matched_again_and_the_audit_names_it(city: City):
    await begin(city)
    async with city.db.writing() as db:
        await suffixes.judge(db, NEW)
    (work,) = await city.waiting("rejudge")
    assert work.payload == {"assets": [1]}
    async with city.db.reading() as db:
        (entry,) = await db.exec(select(AuditEntry).where(col(AuditEntry.action) == "suffixes.judge"))
    assert entry.data == {"list": NEW.digest, "public": ["hosting.example"], "again": []}


async def test_the_same_list_again_does_nothing(city: City):
    await begin(city)
    await judged(city, NEW)
    async with city.db.writing() as db:
        await suffixes.judge(db, NEW)
    assert await city.waiting("rejudge") == []


async def test_both_directions_agree_on_a_public_suffix(city: City):
    await begin(city)
    await judged(city, NEW)
    await city.say(indicator(4, "[url:value = 'https://other.hosting.example/x']"))
    await city.work()
    async with city.db.writing() as db:  # and the other way round: all versions against the whole register
        ids = list((await db.exec(select(StixObject.id))).all())
        await correlate_objects(db, {"objects": ids})
        db.add(Outbox(kind="retro", payload={"assets": [1, 2]}, created_at=now(), due_at=now()))
    await city.work()
    assert {pair[0][11:19].lstrip("0") for pair in await city.pairs()} == {"2", "3"}


@pytest.mark.parametrize(
    ("name", "public"), [("gov.uk", True), ("co.uk", True), ("camden.gov.uk", False), ("xn--p1ai", True)]
)
def test_the_bundled_list_knows_whose_names_are_nobodys(name: str, public: bool):
    assert bundled.is_public(name) is public
