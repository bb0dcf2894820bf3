"""Who announces an address: the longest prefix says."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from citysec.blocks import parse_network_key
from citysec.observable import network
from citysec.routing import Announcement, outermost, shares

Block = ipaddress.IPv4Network | ipaddress.IPv6Network


def announced(text: str, system: int, *, certain: bool = True) -> Announcement:
    return Announcement(network(text).key, system, certain)


def block(key: str) -> Block:
    _, prefix, number = parse_network_key(key)
    make = ipaddress.IPv4Network if key[0] == "4" else ipaddress.IPv6Network
    return make((number, prefix))


def test_a_longer_prefix_of_another_system_takes_its_addresses_out():
    table = [announced("198.51.100.0/24", 1), announced("198.51.100.64/26", 2)]
    (share,) = shares(1, table)
    assert [str(block(key)) for key in share.blocks] == ["198.51.100.0/26", "198.51.100.128/25"]


def test_what_others_announce_in_full_is_nobody_elses():
    table = [announced("198.51.100.0/24", 1), announced("198.51.100.0/25", 2), announced("198.51.100.128/25", 3)]
    assert shares(1, table) == ()


def test_two_systems_may_announce_one_prefix():
    table = [announced("198.51.100.0/24", 1), announced("198.51.100.0/24", 2)]
    assert shares(1, table) == shares(2, table) != ()


def test_a_member_of_a_set_is_not_certain_unless_it_is_named_alone_too():
    table = [announced("2001:db8::/32", 1, certain=False), announced("2001:db8::/32", 2, certain=False)]
    assert [share.certain for share in shares(1, table)] == [False]
    assert [share.certain for share in shares(1, [*table, announced("2001:db8::/32", 1)])] == [True]


def near(family: int, shift: int) -> st.SearchStrategy[str]:
    bits, base = (32, 0xC6336400) if family == 4 else (128, 0x20010DB8 << 96)

    def text(low: int, length: int) -> str:
        number = base + (low << shift)
        return f"{ipaddress.ip_address(number) if family == 4 else ipaddress.IPv6Address(number)}/{length}"

    return st.builds(text, st.integers(0, 15), st.integers(bits - shift - 6, bits - shift))


@pytest.mark.parametrize(("family", "shift"), [(4, 0), (4, 4), (6, 0), (6, 64)])
@given(data=st.data())
def test_shares_are_what_the_longest_prefix_of_every_address_says(family: int, shift: int, data: st.DataObject):
    table = data.draw(st.lists(st.builds(announced, near(family, shift), st.integers(1, 3)), max_size=10))
    prefixes = [(block(one.key), one.system) for one in table]
    owned = {(share.prefix, key) for share in shares(1, table) for key in share.blocks}
    places = [block(key) for _, key in owned]
    assert all(not a.overlaps(b) for a in places for b in places if a is not b)
    base = 0xC6336400 if family == 4 else 0x20010DB8 << 96
    for low in range(-2, 70):
        address = (ipaddress.IPv4Address if family == 4 else ipaddress.IPv6Address)(base + (low << shift))
        around = [(prefix, system) for prefix, system in prefixes if address in prefix]
        longest = max((prefix.prefixlen for prefix, _ in around), default=None)
        mine = {str(prefix) for prefix, system in around if prefix.prefixlen == longest and system == 1}
        assert {str(block(prefix)) for prefix, key in owned if address in block(key)} == mine


@given(st.lists(near(4, 0)))
def test_the_outermost_hold_all_and_none_of_them_another(texts: list[str]):
    keys = [network(text).key for text in texts]
    found = [block(key) for key in outermost(keys)]
    assert all(any(block(key).subnet_of(one) for one in found) for key in keys)  # pyright: ignore[reportArgumentType]
    assert all(not a.overlaps(b) for a in found for b in found if a is not b)
