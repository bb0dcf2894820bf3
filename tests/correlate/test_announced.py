"""Addresses that an autonomous system announces: which indicators touch it, in both directions."""

from __future__ import annotations

import ipaddress
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from citysec.correlate.index import AssetIndex
from citysec.correlate.lookups import lookups
from citysec.correlate.rules import RegisteredAsset
from citysec.observable import AssetKind, Kind, Scope, network
from citysec.patterning import compile  # noqa: A004
from citysec.routing import Announcement, shares
from tests.correlate.city import City, indicator

TABLE = ("198.51.100.0\t24\t64496", "198.51.100.64\t26\t64511", "2001:db8::\t32\t64496", "203.0.113.0\t24\t64496,64497")
V4, V6 = ipaddress.ip_network("198.51.100.0/26"), ipaddress.ip_network("2001:db8::/122")
Block = ipaddress.IPv4Network | ipaddress.IPv6Network


def system(number: int, announced: list[Announcement]) -> RegisteredAsset[int]:
    return RegisteredAsset(number, AssetKind.ASN, str(number), Scope.EXACT, shares(number, announced))


async def touched(city: City, comparison: str, *table: str) -> list[tuple[str, str | None, bool]]:
    """Return relation, prefix and certainty of what an indicator touches of AS64496."""
    await city.own("camden", "asn", "AS64496")
    await city.announce(*(table or TABLE))
    await city.say(indicator(1, f"[{comparison}]"))
    await city.work()
    return [(m.relation, m.prefix, m.certain) for m in await city.matches() if m.closed_at is None]


@pytest.mark.parametrize(
    ("comparison", "prefix", "certain"),
    [
        ("ipv4-addr:value = '198.51.100.7'", "198.51.100.0/24", True),
        ("ipv4-addr:value = '198.51.100.200/29'", "198.51.100.0/24", True),
        ("ipv4-addr:value = '198.51.0.0/16'", "198.51.100.0/24", True),
        ("ipv4-addr:value = '198.51.100.0/25'", "198.51.100.0/24", True),
        ("ipv4-addr:value = '198.0.0.0/7'", "198.51.100.0/24", False),
        ("ipv6-addr:value = '2001:db8:7::1'", "2001:db8::/32", True),
        ("url:value = 'http://198.51.100.7:8080/x'", "198.51.100.0/24", True),
        ("ipv4-addr:value = '203.0.113.1'", "203.0.113.0/24", False),
    ],
)
async def test_what_lies_in_an_announced_prefix_touches_the_system(
    city: City, comparison: str, prefix: str, certain: bool
):
    assert await touched(city, comparison) == [("announced", prefix, certain)]


@pytest.mark.parametrize("value", ["198.51.100.70", "198.51.100.64/26", "198.51.101.1", "2001:db9::1"])
async def test_what_another_system_announces_by_a_longer_prefix_does_not(city: City, value: str):
    assert await touched(city, f"ipv{6 if ':' in value else 4}-addr:value = '{value}'") == []


async def test_who_names_the_system_needs_no_table(city: City):
    await city.own("camden", "asn", "AS64496")
    await city.say(indicator(1, "[autonomous-system:number = 64496]"))
    await city.work()
    assert [(match.relation, match.indicator_value) for match in await city.matches()] == [("equal", "AS64496")]


async def test_another_table_judges_what_is_stored_anew(city: City):
    await touched(city, "ipv4-addr:value = '198.51.100.7'")
    await city.to_triage()
    await city.announce("198.51.100.0\t24\t64496", "198.51.100.0\t28\t64511")
    await city.work()
    (match,) = await city.matches()
    assert match.close_reason == "superseded"
    assert await city.to_triage() == [match.id]
    await city.announce(*TABLE)
    await city.work()
    (match,) = await city.matches()
    assert match.closed_at is None


async def test_a_table_that_says_the_same_of_what_is_registered_has_nothing_matched_again(city: City):
    await touched(city, "ipv4-addr:value = '198.51.100.7'")
    await city.announce(*TABLE, "192.0.2.0\t24\t64499")
    assert await city.waiting("retro") == []


def text(block: Block) -> str:
    return f"ipv{block.version}-addr:value = '{block}'"


def near(space: Block, wider: int = 0) -> st.SearchStrategy[Block]:
    """Blocks in `space`, or as many bits wider."""

    def block(low: int, length: int) -> Block:
        return ipaddress.ip_network((int(space[0]) + low, length), strict=False)

    lengths = st.integers(space.prefixlen - wider, space.max_prefixlen)
    return st.builds(block, st.integers(0, space.num_addresses - 1), lengths)


def expected(said: Block, table: list[tuple[Block, int]], number: int) -> bool:
    """Compare every address."""
    spaces = [a for a in (V4 if said.version == 4 else V6) if a in said]
    for address in spaces:
        around = [(block, asn) for block, asn in table if address in block]
        longest = max((block.prefixlen for block, _ in around), default=None)
        if (longest, number) in {(block.prefixlen, asn) for block, asn in around}:
            return True
    return False


@given(
    st.sampled_from((V4, V6)).flatmap(
        lambda space: st.tuples(near(space, 3), st.lists(st.tuples(near(space), st.integers(1, 3)), max_size=8))
    )
)
def test_it_is_what_comparing_every_address_would_find_and_it_is_looked_up(
    drawn: tuple[Block, list[tuple[Block, int]]],
):
    said, table = drawn
    asset = system(1, [Announcement(network(str(block)).key, number) for block, number in table])
    (atom,) = compile(f"[{text(said)}]").atoms
    hits = list(AssetIndex([asset]).matches(atom))
    assert bool(hits) == expected(said, table, 1)
    wanted = lookups([asset])
    if hits:
        ranges = any(kind is Kind.IP and low <= atom.key < high for kind, low, high in wanted.ranges)
        assert ranges or atom.key in wanted.equal[Kind.IP]


async def test_whatever_comes_first_the_matches_are_the_same(either: City):
    chance = random.Random(7)
    blocks = [*V4.subnets(new_prefix=28), *V4.subnets(new_prefix=30), *V6.subnets(new_prefix=125), V4, V6]
    table = [(block, chance.randint(1, 4)) for block in chance.sample(blocks, 14)]
    said = chance.sample([*V4, *V6], 40) + chance.sample(blocks, 10)
    lines = [f"{block}\t{number}" for block, number in table]
    objects = [indicator(n, f"[{text(ipaddress.ip_network(one))}]") for n, one in enumerate(said)]
    ids = {1: (await either.own("camden", "asn", "AS1"))[0]}
    await either.announce(*lines)
    await either.say(*objects[:25])
    await either.work()
    ids[2] = (await either.own("barnet", "asn", "AS2"))[0]
    await either.say(*objects[25:])
    await either.work()
    truth = {
        (objects[n]["id"], asset)
        for n, one in enumerate(said)
        for number, asset in ids.items()
        if expected(ipaddress.ip_network(one), table, number)
    }
    assert await either.pairs() == truth
