"""What patterns would touch, before anything of them is stored."""

from __future__ import annotations

from citysec.correlate import warning_lists
from citysec.correlate.listing import Effect
from citysec.correlate.prospect import Prospect, prospects
from citysec.correlate.rules import Relation
from tests.correlate.city import City
from tests.correlate.test_warning_lists import proposal

URL, ADDRESS, WIDE = "[url:value = 'https://pay.camden.gov.uk/x']", "[ipv4-addr:value = '192.0.2.1']", "10.0.0.0/8"


async def _foreseen(city: City, *patterns: str) -> dict[str, Prospect]:
    async with city.db.reading() as session:
        return await prospects(session, patterns)


async def test_assets_are_named_with_their_owners_and_how_they_are_touched(city: City):
    said = {"kind": "domain", "value": "camden.gov.uk", "scope": "tree"}
    await city.own_all([{"asset_id": owner, "organisation": owner} | said for owner in ("camden", "brent")])
    found = await _foreseen(city, URL, ADDRESS, "[no pattern")
    assert list(found) == [URL]
    (touched,) = found[URL].closest
    assert (touched.asset, touched.relation, touched.owners) == ("camden.gov.uk", Relation.HOST, ("brent", "camden"))


async def test_what_an_expression_would_touch_is_told_whatever_lists_there_are(city: City):
    await city.own("camden", "url", "https://pay.camden.gov.uk/x")
    async with city.db.writing() as session:
        await warning_lists.store(session, proposal(Effect.SUPPRESS, "192.0.2.0/24"), "ada")
    pattern = "[url:value LIKE 'https://pay.%']"
    (touched,) = (await _foreseen(city, pattern))[pattern].closest
    assert touched.relation is Relation.PATTERN


async def test_of_many_assets_the_closest_are_named_and_all_counted(city: City):
    await city.own("camden", "ipv4", *(f"10.0.0.{number}" for number in range(1, 8)))
    pattern = f"[ipv4-addr:value = '{WIDE}']"
    found = (await _foreseen(city, pattern))[pattern]
    assert (found.count, len(found.closest)) == (7, 3)


async def test_a_known_false_alarm_is_named_whether_it_touches_anything_or_not(city: City):
    async with city.db.writing() as session:
        await warning_lists.store(session, proposal(Effect.SUPPRESS, "192.0.2.0/24"), "ada")
    found = (await _foreseen(city, ADDRESS, URL))[ADDRESS]
    assert (found.count, found.warned) == (0, ("hosting",))
