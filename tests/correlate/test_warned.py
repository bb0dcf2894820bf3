"""Which touches are on a warning list, and what becomes of them."""

from __future__ import annotations

import ipaddress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from citysec.correlate.index import AssetIndex
from citysec.correlate.listing import Effect, ListType, concerns, read
from citysec.correlate.rules import RegisteredAsset, registered
from citysec.correlate.touch import Touch, touches
from citysec.correlate.warned import Reach, Warner, WarningIndex
from citysec.observable import AssetKind, Scope, network
from citysec.patterning import compile  # noqa: A004
from citysec.routing import Announcement, shares

EVERYWHERE = ("domain", "hostname", "url", "email", "ip-src")
REGISTER = [
    registered(1, AssetKind.DOMAIN, "example.com", Scope.TREE),
    registered(2, AssetKind.DOMAIN, "notexample.com", Scope.TREE),
    registered(3, AssetKind.CIDR, "192.0.2.0/24", Scope.EXACT),
    registered(4, AssetKind.IPV4, "198.51.100.7", Scope.EXACT),
    registered(5, AssetKind.MAIL_DOMAIN, "mail.example.com", Scope.EXACT),
    registered(6, AssetKind.URL, "https://pay.example.com/x", Scope.EXACT),
]


def listing(
    type_: str, *values: str, effect: Effect = Effect.SUPPRESS, attributes: tuple[str, ...] = EVERYWHERE
) -> WarningIndex:
    index = WarningIndex()
    index.add(Warner("one", effect, concerns(attributes)), read(ListType(type_), attributes, values).entries)
    return index


def touched(comparison: str, warned: WarningIndex) -> dict[int, Touch]:
    return touches(compile(f"[{comparison}]").atoms, (), AssetIndex(REGISTER), warned)


NAME, URL, BOX = "domain-name:value = '{}'", "url:value = 'http://{}/a'", "email-addr:value = 'x@{}'"


@pytest.mark.parametrize(
    ("type_", "value", "comparison", "suppressed"),
    [
        ("hostname", "example.com", NAME.format("example.com"), True),
        ("hostname", "example.com", NAME.format("a.b.example.com"), True),
        ("hostname", "example.com", NAME.format("notexample.com"), False),
        ("hostname", "a.example.com", NAME.format("example.com"), False),
        ("hostname", "example.com", URL.format("a.example.com"), True),
        ("hostname", "example.com", BOX.format("mail.example.com"), True),
        ("string", "example.com", NAME.format("example.com"), True),
        ("string", "example.com", NAME.format("a.example.com"), False),
        ("string", ".example.com", NAME.format("a.example.com"), True),
        ("string", "a.example.com", URL.format("a.example.com"), True),
        ("string", "http://a.example.com/a", URL.format("a.example.com"), True),
        ("string", "http://a.example.com/b", URL.format("a.example.com"), False),
        ("string", "x@mail.example.com", BOX.format("mail.example.com"), True),
        ("string", "y@mail.example.com", BOX.format("mail.example.com"), False),
        ("substring", "ample.c", NAME.format("a.example.com"), True),
        ("substring", "com/a", URL.format("a.example.com"), True),
        ("substring", "com/a", NAME.format("a.example.com"), False),
        ("regex", r"^x@mail\.", BOX.format("mail.example.com"), True),
        ("regex", r"/^A\.EXAMPLE/i", NAME.format("a.example.com"), True),
        ("regex", r"^192\.0\.", "ipv4-addr:value = '192.0.2.1'", True),
        ("hostname", "example.com", "domain-name:value LIKE 'exam%'", True),
        ("hostname", "example.com", "url:value LIKE 'https://pay.%/x'", True),
        ("string", "https://pay.example.com/x", r"url:value MATCHES '^https://pay\\.'", True),
        ("substring", "com/x", "url:value LIKE '%/x'", True),
        ("substring", "/x", "url:value LIKE '%pay%'", True),
        ("substring", "pay%", "url:value LIKE '%pay%'", False),
        ("cidr", "192.0.0.0/16", URL.format("192.0.2.1"), True),
    ],
)
def test_a_list_holds_what_its_type_means(type_: str, value: str, comparison: str, suppressed: bool):
    found = touched(comparison, listing(type_, value))
    assert found
    assert {touch.suppressed for touch in found.values()} == {suppressed}


@pytest.mark.parametrize("comparison", [URL.format("a.example.com"), BOX.format("mail.example.com")])
def test_a_list_of_names_says_nothing_of_what_it_is_not_about(comparison: str):
    found = touched(comparison, listing("hostname", "example.com", attributes=("domain",)))
    assert not any(touch.suppressed for touch in found.values())


@pytest.mark.parametrize(
    ("effect", "certain", "suppressed"),
    [(Effect.SUPPRESS, True, True), (Effect.DEMOTE, False, False), (Effect.ANNOTATE, True, False)],
)
def test_the_class_decides_what_becomes_of_it_and_the_list_is_named(effect: Effect, certain: bool, suppressed: bool):
    touch = touched(NAME.format("example.com"), listing("hostname", "example.com", effect=effect))[1]
    assert (touch.certain, touch.suppressed, touch.warning_lists) == (certain, suppressed, ("one",))


def test_of_several_lists_the_strongest_counts_and_all_are_named():
    index = WarningIndex()
    for name, effect in (("note", Effect.ANNOTATE), ("none", Effect.SUPPRESS), ("doubt", Effect.DEMOTE)):
        entries = read(ListType.HOSTNAME, EVERYWHERE, ["example.com"]).entries
        index.add(Warner(name, effect, concerns(EVERYWHERE)), entries)
    touch = touched(NAME.format("example.com"), index)[1]
    assert (touch.suppressed, touch.warning_lists) == (True, ("none", "doubt", "note"))


def test_an_indicator_that_touches_by_another_value_too_is_not_suppressed():
    either = f"{NAME.format('example.com')} OR {NAME.format('www.example.com')}"
    touch = touched(either, listing("string", "example.com"))[1]
    assert (touch.suppressed, touch.atom.value, touch.warning_lists) == (False, "www.example.com", ())


def test_a_wide_indicator_is_judged_by_the_addresses_that_it_shares_with_the_asset():
    wide = "ipv4-addr:value = '198.51.0.0/16'"
    assert touched(wide, listing("cidr", "198.51.100.7"))[4].suppressed
    assert touched(wide, listing("cidr", "198.51.100.8"))[4].warning_lists == ()


def blocks(family: int) -> st.SearchStrategy[Any]:
    """Draw blocks that are near each other."""
    bits, base = (32, int(ipaddress.ip_address("192.0.2.0"))) if family == 4 else (128, 0x20010DB8 << 96)
    make = ipaddress.IPv4Network if family == 4 else ipaddress.IPv6Network
    near = st.tuples(st.integers(base, base + 63), st.integers(bits - 8, bits))
    return near.map(lambda block: make(block, strict=False))


@given(st.sampled_from((4, 6)).flatmap(lambda f: st.tuples(blocks(f), blocks(f), st.lists(blocks(f), max_size=5))))
def test_networks_are_judged_as_comparing_every_address_would(drawn: tuple[Any, Any, list[Any]]):
    said, owned, listed = drawn
    asset = registered(1, AssetKind.CIDR, str(owned), Scope.EXACT)
    index = listing("cidr", *map(str, listed))
    pattern = f"[ipv{said.version}-addr:value = '{said}']"
    (touch,) = touches(compile(pattern).atoms, (), AssetIndex([asset]), index).values() or (None,)
    shared = max(said, owned, key=lambda block: block.prefixlen)
    if not said.overlaps(owned):
        assert touch is None
        return
    assert touch is not None
    assert touch.suppressed == any(shared.subnet_of(block) for block in listed)
    assert bool(touch.warning_lists) == any(shared.overlaps(block) for block in listed)
    assert touch.certain == (not any(shared.overlaps(b) for b in listed) or touch.suppressed)


@given(st.lists(blocks(4), max_size=3), st.lists(st.tuples(blocks(4), st.integers(1, 2)), max_size=5), blocks(4))
def test_a_list_reaches_the_systems_that_announce_what_is_on_it(
    listed: list[Any], announced: list[tuple[Any, int]], said: Any
):
    table = [Announcement(network(str(block)).key, number) for block, number in announced]
    asset = RegisteredAsset(1, AssetKind.ASN, "1", Scope.EXACT, shares(1, table))
    pattern = compile(f"[ipv4-addr:value = '{said}']")
    found = touches(pattern.atoms, (), AssetIndex([asset]), listing("cidr", *map(str, listed)))
    if any(touch.warning_lists for touch in found.values()):
        assert Reach(read(ListType.CIDR, EVERYWHERE, map(str, listed)).entries).includes(asset)


labels = st.sampled_from(("a", "b", "not", "nota"))
names = st.lists(labels, min_size=1, max_size=4).map(lambda parts: ".".join((*parts, "example")))


@given(names, st.lists(names, max_size=4))
def test_names_are_judged_as_comparing_every_label_would(said: str, listed: list[str]):
    asset = registered(1, AssetKind.DOMAIN, "example", Scope.TREE)
    atoms = compile(f"[domain-name:value = '{said}']").atoms
    touch = touches(atoms, (), AssetIndex([asset]), listing("hostname", *listed))[1]
    assert touch.suppressed == any(f".{said}".endswith(f".{name}") for name in listed)


@given(
    st.lists(st.one_of(names, blocks(4).map(str)), max_size=3),
    st.one_of(names.map(lambda name: (AssetKind.DOMAIN, name)), blocks(4).map(lambda b: (AssetKind.CIDR, str(b)))),
    st.sampled_from(Scope),
    st.one_of(names.flatmap(lambda n: st.sampled_from((NAME, URL, BOX)).map(lambda c: c.format(n))),
              blocks(4).map(lambda b: f"ipv4-addr:value = '{b}'")),
)  # fmt: skip
def test_whatever_a_list_is_said_of_is_within_its_reach(
    values: list[str], owned: tuple[AssetKind, str], scope: Scope, comparison: str
):
    asset: RegisteredAsset[int] = registered(1, *owned, scope)
    found = touches(compile(f"[{comparison}]").atoms, (), AssetIndex([asset]), listing("hostname", *values))
    if any(touch.warning_lists for touch in found.values()):
        assert Reach(read(ListType.HOSTNAME, EVERYWHERE, values).entries).includes(asset)
