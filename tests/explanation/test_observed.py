"""What constituents' machines observed is found by its value, as long as it is kept."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from citysec.correlate import telemetry
from citysec.correlate.sighted import Telling
from citysec.db import Database
from citysec.explanation import asked
from citysec.explanation.observed import traces
from citysec.telemetry import Form, read
from tests.correlate.city import City
from tests.explanation.conftest import CITY, LEE, Desk
from tests.steps import steps


async def report(city: City, body: str, *records: dict[str, Any], keep: bool = True) -> None:
    """Report what a constituent's machines have observed."""
    content, at = json.dumps(records).encode(), datetime.now(UTC)
    taken = await telemetry.take_in(city.db, read(content, Form.JSON), at, keep=keep)
    async with city.db.writing() as session:
        await telemetry.write_down(session, taken, Telling(body, "siem", at), telemetry.batch_id(body, content))


@pytest.fixture
async def office(each_db: Database) -> Desk:
    """Where people ask about Camden, which owns a name, and Brent, which owns another."""
    city = City(each_db)
    for slug in ("camden", "brent"):
        await city.own(slug, "domain", f"{slug}.example")
    return Desk(city)


async def test_what_no_indicator_speaks_of_was_observed_all_the_same(office: Desk):
    await report(office.city, "camden", {"seen_at": 60, "url": "http://x.example/a", "count": 2})
    await report(office.city, "brent", {"seen_at": 90, "domain": "x.example"}, {"seen_at": 30, "domain": "x.example"})
    name, link, other = await office.look_up("x[.]example", "hxxp://x.example/a", "y.example")
    assert [(one.slug, one.count, one.first.second, one.last.minute) for one in name.observed] == [
        ("brent", 2, 30, 1),
        ("camden", 2, 0, 1),
    ]
    assert ([one.slug for one in link.observed], other.observed) == (["camden"], [])


async def test_of_a_block_each_observation_counts_once(office: Desk):
    traffic = {"seen_at": 1, "src_ip": "192.0.2.1", "dst_ip": "192.0.2.2"}
    await report(office.city, "camden", traffic, {"seen_at": 2, "ip": "192.0.3.1"})
    block, address, far = await office.look_up("192.0.2.0/24", "192.0.2.1", "192.0.4.0/24")
    assert ([one.count for one in block.observed], [one.count for one in address.observed]) == ([1], [1])
    assert far.observed == []


async def test_a_block_that_is_asked_for_twice_is_counted_once(office: Desk):
    await report(office.city, "camden", {"seen_at": 1, "ip": "192.0.2.1"})
    found = await office.look_up("192.0.2.0/24", "192.0.2.7/24")
    assert [[(one.slug, one.count) for one in each.observed] for each in found] == [[("camden", 1)]] * 2


async def test_a_borough_learns_of_its_own_machines_only(office: Desk):
    await report(office.city, "brent", {"seen_at": 1, "domain": "x.example"})
    await report(office.city, "brent", {"seen_at": 1, "ip": "192.0.2.1"})
    hidden = await office.look_up("x.example", "192.0.2.1", "192.0.2.0/24", reader=LEE)
    assert [one.observed for one in hidden] == [[]] * 3


async def test_what_is_not_kept_is_not_found(office: Desk):
    await report(office.city, "camden", {"seen_at": 1, "domain": "x.example"}, keep=False)
    (answer,) = await office.look_up("x.example")
    assert answer.observed == ()


@pytest.mark.parametrize("value", ["192.0.2.1", "192.0.2.0/24", "2001:db8::/48", "x.example"])
async def test_what_is_kept_of_other_things_costs_nothing(city: City, value: str):
    await city.own("camden", "domain", "camden.example")
    costs = list[int]()
    for part in range(2):
        records = ({"seen_at": n, "ip": f"10.{part}.{n // 250}.{n % 250}"} for n in range(2000))
        await report(city, "camden", *records)
        costs.append(await steps(city.db, lambda session: traces(session, [asked.read(value)], CITY)))
    assert costs[1] <= costs[0] + 1
