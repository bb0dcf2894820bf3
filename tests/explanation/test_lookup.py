"""Who owns it, and have we ever seen it: for whatever people paste."""

from __future__ import annotations

import pytest

from citysec.correlate.said import State
from citysec.explanation.asked import read
from citysec.tlp import TLP
from tests.correlate.city import City, indicator
from tests.explanation.conftest import LEE, Desk


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("hxxps://Evil[.]example/A", "url", "https://evil.example/A"),
        (" 192.0.2[.]7, ", "ip", "192.0.2.7"),
        ("192.0.2.7:443", "ip", "192.0.2.7"),
        ("mallory[at]evil[.]example", "mailbox", "mallory@evil.example"),
        ("CVE-2026-1234", "cve", "CVE-2026-1234"),
        ("d41d8cd98f00b204e9800998ecf8427e", "hash", "d41d8cd98f00b204e9800998ecf8427e"),
        ("sha1.shares.example:443", "name", "sha1.shares.example"),
        ("serial:0A1B", "certificate", "serial:a1b"),
        ("SHA1 Fingerprint=" + ":".join(["AB"] * 20), "certificate", "sha-1:" + "ab" * 20),
        (":".join(["ab"] * 20), "certificate", "sha-1:" + "ab" * 20),
    ],
)
def test_values_are_read_however_they_are_written(text: str, kind: str, value: str):
    found = read(text).found
    assert found is not None
    assert (found.kind, found.value) == (kind, value)


async def test_an_address_tells_whose_it_is(city: City, desk: Desk):
    await city.own("camden", "cidr", "192.0.2.0/24")
    (answer,) = await desk.look_up("192.0.2.7")
    assert answer.prospect is not None
    assert answer.prospect.closest[0].owners == ("camden",)
    assert answer.seen.count == 0


async def test_a_value_was_seen_by_itself_around_it_inside_it_and_by_its_host(city: City, desk: Desk):
    await city.say(
        indicator(1, "[ipv4-addr:value = '192.0.2.7']"),
        indicator(2, "[ipv4-addr:value = '192.0.2.0/25']"),
        indicator(3, "[domain-name:value = 'evil.example']"),
    )
    alone, block, link = await desk.look_up("192.0.2.7", "192.0.2.0/24", "http://evil.example/x")
    assert [one.relation for one in alone.seen.shown] == ["equal", "contains"]
    assert ([one.relation for one in block.seen.shown], block.seen.count) == (["within", "within"], 2)
    assert [one.relation for one in link.seen.shown] == ["host"]


async def test_a_value_was_seen_by_expressions_that_fit_it_or_its_host(either: City):
    await either.say(
        indicator(1, "[url:value LIKE 'http://%.evil.example/x']"),
        indicator(2, r"[url:value MATCHES 'x$' OR url:value LIKE '%x']"),
        indicator(3, "[domain-name:value LIKE '%.evil.example']"),
        indicator(4, "[url:value LIKE 'http://%.evil.example/y']"),
    )
    await either.say(indicator(5, "[url:value LIKE '%']"), tlp=TLP.RED)
    link, name, other = await Desk(either).look_up("http://a.evil.example/x", "a.evil.example", "x.test", reader=LEE)
    assert {one.stix_id[11:19]: one.relation for one in link.seen.shown} == {
        "00000001": "fits", "00000002": "fits", "00000003": "host",
    }  # fmt: skip
    assert ([one.relation for one in name.seen.shown], name.seen.count, other.seen.count) == (["fits"], 1, 0)


async def test_urls_of_thousands_of_parts_are_seen_by_what_fits_them(either: City):
    await either.say(
        indicator(1, "[url:value LIKE 'http://%.evil.example/x/%']"),
        indicator(2, "[url:value LIKE '%/fff/%']"),
        indicator(3, "[url:value LIKE '%/none/%']"),
        indicator(4, "[domain-name:value LIKE 'a%.evil.example']"),
    )
    paths = ("/".join(f"{number:x}" for number in range(start, start + 350)) for start in range(0, 5600, 350))
    found = await Desk(either).look_up(*(f"http://a.evil.example/x/{path}" for path in paths))
    seen = [{one.stix_id[18]: one.relation for one in each.seen.shown} for each in found]
    assert seen == [
        {"1": "fits", "4": "host"} | ({"2": "fits"} if number == 0xFFF // 350 else {}) for number in range(16)
    ]


async def test_many_that_say_the_same_are_counted(city: City, desk: Desk):
    await city.say(*(indicator(n, "[domain-name:value = 'evil.example']") for n in range(9)))
    (answer,) = await desk.look_up("evil.example")
    assert (len(answer.seen.shown), answer.seen.count) == (5, 9)


async def test_what_was_matched_and_is_superseded_was_seen(city: City, desk: Desk):
    await city.own("camden", "domain", "old.example")
    await city.say(indicator(1, "[domain-name:value = 'old.example']"))
    await city.work()
    await city.say(indicator(1, "[domain-name:value = 'new.example']", modified="2025-01-01T00:00:00.000Z"))
    old, new = await desk.look_up("old.example", "new.example")
    assert (old.seen.shown[0].state, new.seen.shown[0].state) == (State.SUPERSEDED, State.IN_FORCE)


async def test_matches_are_counted(city: City, desk: Desk):
    await city.own("camden", "cidr", "192.0.2.0/24")
    await city.say(indicator(1, "[ipv4-addr:value = '192.0.2.7']"))
    await city.work()
    (answer,) = await desk.look_up("192.0.2.7")
    assert (answer.seen.shown[0].matches, answer.seen.shown[0].ended) == (1, 0)


async def test_a_borough_sees_its_own_assets_and_what_it_is_cleared_for(city: City, desk: Desk):
    await city.own("brent", "cidr", "192.0.2.0/24")
    await city.own("camden", "cidr", "198.51.100.0/24")
    await city.say(indicator(1, "[ipv4-addr:value = '192.0.2.7']"), tlp=TLP.RED)
    hidden, absent = await desk.look_up("192.0.2.7", "203.0.113.7", reader=LEE)
    assert (hidden.prospect, hidden.seen) == (absent.prospect, absent.seen)
    (own,) = await desk.look_up("198.51.100.7", reader=LEE)
    assert own.prospect is not None


async def test_what_is_no_value_is_answered_too(desk: Desk):
    (answer,) = await desk.look_up("what?")
    assert answer.asked.problem


@pytest.mark.parametrize("written", ["ab" * 20, "sha-1:" + "ab" * 20])
async def test_a_fingerprint_tells_whose_certificate_it_is_and_who_lists_it(city: City, desk: Desk, written: str):
    await city.own("camden", "certificate", "sha-1:" + "ab" * 20)
    await city.say(indicator(1, f"[x509-certificate:hashes.'SHA-1' = '{'ab' * 20}']"))
    await city.work()
    (answer,) = await desk.look_up(written)
    assert answer.prospect is not None
    assert (answer.prospect.closest[0].owners, answer.seen.count) == (("camden",), 1)
    assert len(await desk.why(written)) == 1
