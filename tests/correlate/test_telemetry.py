"""Observations against indicators: by the whole pattern, now and later."""

from __future__ import annotations

import hashlib
import json
from time import process_time
from typing import Any

import pytest
from sqlmodel import select
from sqlmodel.ext.asyncio.session import AsyncSession
from stix2matcher.matcher import match as oracle

from citysec.correlate import telemetry, warnings
from citysec.correlate.listing import EntryKind
from citysec.correlate.sighted import Telling
from citysec.db import Database
from citysec.observable import network
from citysec.patterning.evaluation import budget
from citysec.tables import Feed, Sighting, WarningEntry, WarningList
from citysec.tables.feeds import NEW_DOMAIN
from citysec.telemetry import Form, read
from citysec.tlp import TLP
from tests.correlate.city import City, indicator
from tests.correlate.reporting import LATER, NOON, populated, seen, tell

A, B = "[domain-name:value = 'a.example']", "[ipv4-addr:value = '192.0.2.1']"


@pytest.fixture
async def either(each_db: Database) -> City:
    """Two boroughs, in each kind of database."""
    return await populated(each_db)


CASES = [
    (A, [seen(domain="a.example")]),
    (A, [seen(domain="b.a.example")]),
    ("[domain-name:value = 'a.example' AND ipv4-addr:value = '192.0.2.1']", [seen(domain="a.example", ip="192.0.2.1")]),
    (
        "[domain-name:value = 'a.example' AND ipv4-addr:value = '192.0.2.1']",
        [seen(domain="a.example"), seen(ip="192.0.2.1")],
    ),
    (f"({A} AND {B}) WITHIN 60 SECONDS", [seen(domain="a.example"), seen(0.5, ip="192.0.2.1")]),
    (f"({A} AND {B}) WITHIN 60 SECONDS", [seen(domain="a.example"), seen(5, ip="192.0.2.1")]),
    (f"{A} FOLLOWEDBY {B}", [seen(domain="a.example"), seen(1, ip="192.0.2.1")]),
    (f"{A} FOLLOWEDBY {B}", [seen(1, domain="a.example"), seen(0, ip="192.0.2.1")]),
    (f"{A} REPEATS 3 TIMES", [seen(n, domain="a.example") for n in range(3)]),
    (f"{A} REPEATS 3 TIMES", [seen(n, domain="a.example") for n in range(2)]),
    ("[ipv4-addr:value ISSUBSET '192.0.2.0/24']", [seen(ip="192.0.2.200")]),
    ("[ipv4-addr:value ISSUBSET '192.0.2.0/24']", [seen(ip="192.0.3.1")]),
    ("[domain-name:value LIKE '%.evil.example']", [seen(domain="x.evil.example")]),
    ("[domain-name:value MATCHES '^a[0-9]+\\\\.example$']", [seen(domain="a12.example")]),
    ("[url:value LIKE 'http://%.evil.example/%']", [seen(url="http://x.evil.example/a")]),
    ("[url:value LIKE 'http://%.evil.example/%']", [seen(url="http://evil.example/a")]),
    ("[url:value LIKE '%']", [seen(url="http://x.example/")]),
    ("[url:value LIKE '%/Gate']", [seen(url="http://x.example/gate")]),
    ("[url:value MATCHES '/gate\\\\.php$']", [seen(url="http://x.example/gate.php")]),
    ("[url:value MATCHES 'gate' AND domain-name:value = 'a.example']", [seen(url="http://a.example/gate")]),
    (f"[url:value LIKE '%gate'] FOLLOWEDBY {B}", [seen(url="http://a.example/gate"), seen(1, ip="192.0.2.1")]),
    (f"[url:value LIKE '%gate'] FOLLOWEDBY {B}", [seen(url="http://a.example/gates"), seen(1, ip="192.0.2.1")]),
    ("[network-traffic:dst_ref.value = '192.0.2.1']", [seen(dst_ip="192.0.2.1")]),
    ("[network-traffic:dst_ref.value = '192.0.2.1']", [seen(src_ip="192.0.2.1")]),
    ("[file:hashes.MD5 = 'd41d8cd98f00b204e9800998ecf8427e']", [seen(hash="d41d8cd98f00b204e9800998ecf8427e")]),
    ("[url:value = 'http://a.example/x']", [seen(domain="a.example")]),
]


@pytest.mark.parametrize(("pattern", "records"), CASES)
async def test_a_pattern_means_what_the_oasis_matcher_says(town: City, pattern: str, records: list[dict[str, Any]]):
    await town.say(indicator(1, pattern))
    observed = [_stix(one) for one in records]
    assert bool(await tell(town, *records)) is bool(oracle(pattern, observed, stix_version="2.0"))


def _stix(record: dict[str, Any]) -> dict[str, Any]:
    """Return a record as observed-data of STIX 2.0."""
    (one,) = read(json.dumps([record]).encode(), Form.JSON)
    objects = one.observation().objects  # pyright: ignore[reportAttributeAccessIssue]
    at = record["seen_at"].replace("+00:00", "Z")
    times = {"first_observed": at, "last_observed": at, "number_observed": 1}
    return {"type": "observed-data", "id": "observed-data--1", "objects": objects} | times


async def test_spelling_does_not_matter_and_blocks_hold_what_is_in_them(either: City):
    await either.say(
        indicator(1, "[domain-name:value = 'EVIL.example']"), indicator(2, "[ipv6-addr:value = '2001:db8::/32']")
    )
    await either.say(
        indicator(3, "[ipv4-addr:value = '198.51.100.0/24']"), indicator(4, "[domain-name:value LIKE 'ev%']")
    )
    records = (seen(domain="evil.EXAMPLE."), seen(ip="2001:db8::7"), seen(ip="198.51.100.9"), seen(ip="198.51.101.9"))
    assert await tell(either, *records) == 4


async def test_expressions_are_tried_on_canonical_forms(either: City):
    await either.say(
        indicator(1, "[url:value LIKE 'http://%.evil.example/%']"),
        indicator(2, r"[url:value MATCHES '^http://x\\.evil\\.example/Gate$']"),
        indicator(3, "[domain-name:value LIKE '%.EVIL.example']"),
        indicator(4, "[url:value LIKE 'http://%.evil.example/gate']"),
    )
    assert await tell(either, seen(url="HTTP://u@X.Evil.example:80/Gate#top")) == 3


@pytest.mark.parametrize(
    ("kind", "value", "pattern"),
    [
        ("url", "HTTP://X.evil.example:80/\u00e9", "[url:value LIKE 'HTTP://X.%:80/_']"),
        ("url", "HTTP://X.evil.example/", "[url:value LIKE 'http://x.evil%']"),
        ("url", "http://evil.example/e\u0301", "[url:value LIKE 'http://evil.example/_']"),
        ("url", "http://evil.example/\u00e9", "[url:value MATCHES 'example/e\u0301$']"),
        ("domain-name", "X.EVIL.example.", r"[domain-name:value MATCHES 'X\\.EVIL\\.example\\.']"),
        ("url", "HTTP://X.example/", "[url:value LIKE 'HTTP://X%' AND url:value MATCHES 'example']"),
    ],
)
async def test_expressions_are_tried_on_what_was_written_where_that_is_known(
    either: City, kind: str, value: str, pattern: str
):
    await either.say(indicator(1, pattern), indicator(2, "[url:value LIKE '%other%']"))
    at = {"first_observed": "2026-05-01T12:00:00Z", "last_observed": "2026-05-01T12:00:00Z", "number_observed": 1}
    objects = [{"type": "observed-data", "objects": {"0": {"type": kind, "value": value}}} | at]
    taken = await telemetry.take_in(either.db, read(json.dumps({"objects": objects}).encode(), Form.JSON), LATER)
    async with either.db.writing() as session:
        (found,) = await telemetry.write_down(session, taken, Telling("camden", "siem", LATER), "batch")
    assert found.tally.count == 1


async def test_what_an_expression_fits_is_no_sighting_where_it_is_well_known(town: City):
    await town.say(indicator(1, "[url:value LIKE 'http://192.0.2.%/%']"))
    async with town.db.writing() as session:
        await warn(session, "resolvers", "suppress", "192.0.2.53")
    assert await tell(town, seen(url="http://192.0.2.53/x")) == 0
    assert await tell(town, seen(url="http://192.0.2.54/x")) == 1


async def test_what_its_creator_takes_back_was_no_sighting(town: City):
    await town.say(indicator(1, A))
    await tell(town, seen(domain="a.example"))
    await town.say(indicator(1, A, modified="2024-02-01T00:00:00.000Z", revoked=True))
    await town.work()
    (match,) = await town.matches()
    assert match.close_reason == "revoked"


async def test_what_a_list_drops_was_seen_all_the_same(town: City):
    await town.say(indicator(1, A))
    await tell(town, seen(domain="a.example"))
    await town.delist("feed")
    await town.work()
    assert [match.closed_at for match in await town.matches()] == [None]


async def test_what_was_seen_is_surer_than_what_is_only_said(town: City):
    await town.say(indicator(1, A), confidence=50, tlp=TLP.GREEN)
    await tell(town, seen(domain="a.example"))
    assert [(match.confidence, match.tlp) for match in await town.matches()] == [(75, TLP.GREEN)]


async def test_what_is_well_known_is_no_sighting_and_what_is_wide_only_possible(town: City):
    await town.say(indicator(1, "[ipv4-addr:value = '192.0.2.53']"), indicator(2, "[ipv4-addr:value = '10.0.0.0/7']"))
    async with town.db.writing() as session:
        await warn(session, "resolvers", "suppress", "192.0.2.53")
    assert await tell(town, seen(ip="192.0.2.53"), seen(ip="10.1.1.1")) == 1
    assert [match.certain for match in await town.matches()] == [False]


async def warn(session: AsyncSession, name: str, effect: str, address: str) -> None:
    """Put an address on a warning list."""
    about: dict[str, Any] = {"version": "1", "description": "", "type": "cidr", "attributes": [], "enabled": True}
    counts: dict[str, Any] = {"entries": 1, "unread": 0, "imported_at": NOON}
    session.add(WarningList(name=name, title=name, effect=effect, **about, **counts))
    await session.flush()
    session.add(WarningEntry(list_name=name, kind=EntryKind.IP.value, key=network(address).key))
    await warnings.revise(session)


async def test_many_observations_of_one_indicator_are_one_sighting(town: City):
    await town.say(indicator(1, "[ipv4-addr:value ISSUBSET '198.18.0.0/15' AND ipv4-addr:value != '198.19.0.1']"))
    records = [seen(n / 60, ip=f"198.18.{n // 250}.{n % 250}") for n in range(1200)]
    assert await tell(town, *records) == 1
    async with town.db.reading() as session:
        assert (await session.exec(select(Sighting.count))).all() == [1200]


async def test_a_name_that_is_only_new_was_not_sighted(town: City):
    await town.say(indicator(1, A))
    async with town.db.writing() as session:
        (await session.get_one(Feed, "feed")).says = NEW_DOMAIN
    assert await tell(town, seen(domain="a.example")) == 0


async def test_an_indicator_that_is_issued_anew_while_a_batch_is_taken_in_was_seen_all_the_same(either: City):
    await either.say(indicator(1, A))
    items = read(json.dumps([seen(domain="a.example")]).encode(), Form.JSON)
    taken = await telemetry.take_in(either.db, items, LATER)
    await either.say(indicator(1, A, modified="2024-02-01T00:00:00.000Z"))
    async with either.db.writing() as session:
        (found,) = await telemetry.write_down(session, taken, Telling("camden", "siem", LATER), "batch")
    assert found.tally.count == 1


async def test_an_indicator_that_is_taken_back_while_a_batch_is_taken_in_was_not_seen(either: City):
    await either.say(indicator(1, A))
    items = read(json.dumps([seen(domain="a.example")]).encode(), Form.JSON)
    taken = await telemetry.take_in(either.db, items, LATER)
    await either.say(indicator(1, A, modified="2024-02-01T00:00:00.000Z", revoked=True))
    async with either.db.writing() as session:
        assert await telemetry.write_down(session, taken, Telling("camden", "siem", LATER), "batch") == []


async def test_the_ends_of_time_cost_nothing_but_their_records(town: City):
    await town.say(indicator(1, A))
    ends = ("0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "0001-01-01T00:00:00Z")
    records = [{"seen_at": at, "domain": "a.example"} for at in ends]
    taken = await telemetry.take_in(town.db, read(json.dumps(records).encode(), Form.JSON), LATER)
    assert [fault.at for fault in taken.faults] == ["/0", "/1"]
    async with town.db.writing() as session:
        (found,) = await telemetry.write_down(session, taken, Telling("camden", "siem", LATER), "batch")
    assert found.tally.count == 1


async def test_no_text_in_stix_stops_a_batch(either: City):
    await either.say(indicator(1, A))
    files = {"type": "file", "hashes": {"ssdeep": "3:a\0b:c", "TLSH": "\u202e"}, "name": "\0"}
    names = {"type": "domain-name", "value": "a.example"}
    at = {"first_observed": "2026-05-01T12:00:00Z", "last_observed": "2026-05-01T12:00:00Z", "number_observed": 1}
    objects = [{"type": "observed-data", "objects": {"0": files, "1": names}} | at]
    taken = await telemetry.take_in(either.db, read(json.dumps({"objects": objects}).encode(), Form.JSON), LATER)
    async with either.db.writing() as session:
        assert len(await telemetry.write_down(session, taken, Telling("camden", "siem", LATER), "batch")) == 1


async def test_however_long_an_address_it_stops_neither_a_page_of_a_feed_nor_a_batch(either: City):
    noise = "".join(hashlib.sha256(str(number).encode()).hexdigest() for number in range(2000))
    await either.say(indicator(1, A), indicator(2, f"[url:value = 'http://b.example/{noise}']"))
    assert await tell(either, seen(url=f"http://b.example/{noise}"), seen(domain="a.example"), keep=True) == 1


async def test_what_takes_too_long_to_decide_is_logged_and_stops_nothing(
    town: City, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    for limit in ("MAX_STEPS", "STEPS_PER_OBSERVATION"):
        monkeypatch.setattr(budget, limit, 0)
    both = f"({A} AND {B} AND {A}) WITHIN 5 SECONDS"
    await town.say(indicator(1, both), indicator(2, A))
    records = [seen(number / 60, domain="a.example", ip="192.0.2.1") for number in range(50)]
    assert await tell(town, *records) == 1
    assert "sighting.undecided" in capsys.readouterr().out


async def test_expressions_that_are_slow_are_given_up_and_stop_nothing(town: City, capsys: pytest.CaptureFixture[str]):
    slow = [indicator(2 + n, f"[url:value MATCHES '(a{{1,{20 + n}}}b?){{1,30}}c']") for n in range(20)]
    either = f"[{' OR '.join(one['pattern'][1:-1] for one in slow)} OR url:value LIKE 'http://h%']"
    await town.say(indicator(1, A), *slow, indicator(30, either))
    addresses = [seen(url=f"http://h{number}.example/{'a' * 2000}") for number in range(40)]
    before = process_time()
    assert await tell(town, seen(domain="a.example"), *addresses) >= 1
    assert process_time() - before < 5  # it took some 10 seconds
    assert "sighting.undecided" in capsys.readouterr().out
