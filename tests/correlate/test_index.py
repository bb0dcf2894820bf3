"""The asset index answers exactly what comparing every atom with every asset would."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from citysec.correlate.index import AssetIndex
from citysec.correlate.rules import registered
from citysec.observable import AssetKind, Scope
from citysec.patterning import compile  # noqa: A004

REGISTER = (
    ("ip", AssetKind.IPV4, "198.51.100.3", Scope.EXACT),
    ("ip6", AssetKind.IPV6, "2001:db8::1", Scope.EXACT),
    ("block", AssetKind.CIDR, "198.18.4.0/24", Scope.EXACT),
    ("tree", AssetKind.DOMAIN, "camden.gov.uk", Scope.TREE),
    ("name", AssetKind.DOMAIN, "www.barnet.gov.uk", Scope.EXACT),
    ("mail", AssetKind.MAIL_DOMAIN, "nhs.net", Scope.EXACT),
    ("box", AssetKind.EMAIL, "info@barnet.gov.uk", Scope.EXACT),
    ("page", AssetKind.URL, "https://shop.example/camden", Scope.EXACT),
    ("as", AssetKind.ASN, "AS64496", Scope.EXACT),
    ("host", AssetKind.HOST, "vpn.barnet.example", Scope.EXACT),
    ("cert", AssetKind.CERTIFICATE, f"sha-256:{'ab' * 32}", Scope.EXACT),
    ("serial", AssetKind.CERTIFICATE, "serial:0a1b", Scope.EXACT),
)


def index(*rows: tuple[str, AssetKind, str, Scope]) -> AssetIndex[str]:
    return AssetIndex(registered(*row) for row in rows)


def touched(comparison: str) -> set[tuple[str, str, bool]]:
    everything = index(*REGISTER)
    atoms = compile(f"[{comparison}]").atoms
    return {(h.asset_id, h.relation.value, h.certain) for atom in atoms for h in everything.matches(atom)}


@pytest.mark.parametrize(
    ("comparison", "asset", "relation"),
    [
        ("ipv4-addr:value = '198.51.100.3'", "ip", "equal"),
        ("ipv6-addr:value = '::ffff:198.51.100.3'", "ip", "equal"),
        ("ipv6-addr:value = '2001:0DB8:0::0001'", "ip6", "equal"),
        ("ipv4-addr:value ISSUBSET '198.51.100.0/24'", "ip", "contains"),
        ("ipv4-addr:value = '198.18.4.255'", "block", "within"),
        ("ipv4-addr:value = '198.18.4.0/25'", "block", "within"),
        ("ipv4-addr:value = '198.18.0.0/16'", "block", "contains"),
        ("url:value = 'http://198.18.4.9:8080/x'", "block", "host"),
        ("domain-name:value = 'CAMDEN.gov.uk.'", "tree", "equal"),
        ("domain-name:value = 'a.b.camden.gov.uk'", "tree", "below"),
        ("domain-name:value LIKE '%.barnet.gov.uk'", "name", "pattern"),
        (r"domain-name:value MATCHES '^www\\.barnet'", "name", "pattern"),
        ("url:value = 'https://x@pay.camden.gov.uk:8443/'", "tree", "host"),
        ("url:value = 'https://www.barnet.gov.uk/'", "name", "host"),
        ("email-addr:value = 'anyone@NHS.net'", "mail", "mailbox"),
        ("email-addr:value = 'Info@Barnet.gov.uk'", "box", "equal"),
        ("email-message:from_ref.value = 'info@barnet.gov.uk'", "box", "equal"),
        ("url:value = 'https://shop.example:443/camden#top'", "page", "equal"),
        ("domain-name:value = 'shop.example'", "page", "host"),
        ("autonomous-system:number = 64496", "as", "equal"),
        ("url:value LIKE 'https://shop.example/%'", "page", "pattern"),
        (r"url:value MATCHES '^https?://shop\\..*/camden$'", "page", "pattern"),
        ("domain-name:value = 'VPN.barnet.example.'", "host", "equal"),
        ("domain-name:value LIKE 'vpn.%'", "host", "pattern"),
        ("url:value = 'https://vpn.barnet.example/login'", "host", "host"),
        (f"x509-certificate:hashes.'SHA-256' = '{'AB' * 32}'", "cert", "equal"),
        (f"x509-certificate:hashes.sha256 = '{':'.join(['AB'] * 32)}'", "cert", "equal"),
    ],
)
def test_what_touches_an_asset(comparison: str, asset: str, relation: str):
    assert (asset, relation, True) in touched(comparison)


@pytest.mark.parametrize(
    ("comparison", "asset", "relation"),
    [
        ("ipv4-addr:value = '198.0.0.0/7'", "ip", "contains"),
        ("ipv6-addr:value = '2001::/15'", "ip6", "contains"),
        ("ipv4-addr:value ISSUPERSET '198.51.100.3'", "ip", "equal"),
        ("domain-name:value = 'nhs.net'", "mail", "name"),
        ("url:value = 'http://nhs.net/'", "mail", "name"),
        ("email-addr:value = 'x@it.camden.gov.uk'", "tree", "name"),
        ("email-addr:value = 'x@www.barnet.gov.uk'", "name", "name"),
        ("url:value = 'https://shop.example/barnet'", "page", "host"),
        ("domain-name:value = 'camden.gov.uk' AND file:size = 3", "tree", "equal"),
        ("x509-certificate:serial_number = '0A:1B'", "serial", "equal"),
        ("email-addr:value = 'x@vpn.barnet.example'", "host", "name"),
        ("url:value LIKE 'https://shop.%' AND file:size = 3", "page", "pattern"),
    ],
)
def test_what_only_may_touch_an_asset(comparison: str, asset: str, relation: str):
    found = touched(comparison)
    assert (asset, relation, False) in found
    assert not any(certain for _, _, certain in found)


@pytest.mark.parametrize(
    "comparison",
    [
        "ipv4-addr:value = '198.51.100.30'",
        "ipv4-addr:value = '198.18.5.0'",
        "domain-name:value = 'gov.uk'",
        "domain-name:value = 'uk'",
        "domain-name:value = 'notcamden.gov.uk'",
        "domain-name:value = 'camden.gov.uk.evil.example'",
        "domain-name:value = 'a.www.barnet.gov.uk'",
        "domain-name:value = 'c\u0430mden.gov.uk'",
        "domain-name:value = 'sub.nhs.net'",
        "domain-name:value = 'www.shop.example'",
        "domain-name:value LIKE '%.camden.gov.uk'",
        "domain-name:value != 'camden.gov.uk'",
        "url:value = 'https://evil.example/camden.gov.uk'",
        "url:value LIKE 'https://shop.example'",
        "url:value LIKE 'https://shop.example/Camden'",
        "url:value LIKE '%camden.gov.uk%'",
        "url:value NOT LIKE 'https://shop.%'",
        "domain-name:value LIKE 'shop.%'",
        "url:value = 'https://camden.gov.uk@evil.example/'",
        "email-addr:value = 'x@bounce.nhs.net'",
        "email-addr:value = 'camden.gov.uk@evil.example'",
        "file:name = 'camden.gov.uk'",
        "domain-name:value = 'a.vpn.barnet.example'",
        "domain-name:value = 'barnet.example'",
        "autonomous-system:number = 64497",
        f"file:hashes.'SHA-256' = '{'ab' * 32}'",
        "x509-certificate:serial_number = 'a1'",
    ],
)
def test_what_only_looks_like_a_touch(comparison: str):
    assert touched(comparison) == set()


def test_a_name_of_several_owners_touches_each():
    shared = index(*((owner, AssetKind.DOMAIN, "nhs.net", Scope.EXACT) for owner in "abc"))
    (atom,) = compile("[domain-name:value = 'nhs.net']").atoms
    assert [hit.asset_id for hit in shared.matches(atom)] == ["a", "b", "c"]


def network(prefix: int, low: int) -> ipaddress.IPv4Network:
    number = 0xC6336400 ^ low << max(0, 24 - prefix)
    return ipaddress.IPv4Network((number, prefix), strict=False)


networks = st.builds(network, st.integers(0, 32), st.integers(0, 255))


@given(st.lists(networks, max_size=12), networks)
def test_addresses_match_where_they_overlap(assets: list[ipaddress.IPv4Network], indicator: ipaddress.IPv4Network):
    register = index(*((f"{i}", AssetKind.CIDR, str(n), Scope.EXACT) for i, n in enumerate(assets)))
    (atom,) = compile(f"[ipv4-addr:value = '{indicator}']").atoms
    found = sorted((hit.asset_id, hit.certain) for hit in register.matches(atom))
    expected = ((f"{i}", indicator.prefixlen >= 8) for i, n in enumerate(assets) if n.overlaps(indicator))
    assert found == sorted(expected)


names = st.lists(st.sampled_from(("a", "b", "ab", "uk")), min_size=1, max_size=5).map(".".join)


@given(st.lists(st.tuples(names, st.sampled_from(Scope)), max_size=12), names)
def test_names_match_if_equal_or_below_a_tree(assets: list[tuple[str, Scope]], indicator: str):
    register = index(*((f"{i}", AssetKind.DOMAIN, name, scope) for i, (name, scope) in enumerate(assets)))
    (atom,) = compile(f"[domain-name:value = '{indicator}']").atoms
    expected = {
        f"{i}"
        for i, (name, scope) in enumerate(assets)
        if name == indicator or (scope is Scope.TREE and indicator.endswith(f".{name}"))
    }
    assert {hit.asset_id for hit in register.matches(atom)} == expected


def test_names_that_fit_many_expressions_of_an_indicator_are_tried_once():
    many = index(*((f"{n}", AssetKind.DOMAIN, f"n{n}.uk", Scope.EXACT) for n in range(600)))
    wide = " OR ".join(f"domain-name:value MATCHES '.{{{n}}}'" for n in range(1, 99))
    atoms = compile(
        f"([{wide}] AND [file:size = 1]) OR [domain-name:value LIKE '%uk' OR domain-name:value LIKE 'n%']"
    ).atoms
    hits = [(hit.asset_id, hit.certain) for _, hit in many.hits(atoms)]
    assert sorted(hits) == sorted((f"{n}", certain) for n in range(600) for certain in (False, True))


def test_names_that_fit_leave_urls_to_be_tried():
    names = [(f"{n}", AssetKind.DOMAIN, f"n{n}.uk", Scope.EXACT) for n in range(600)]
    both = index(*names, ("page", AssetKind.URL, "https://n1.uk/", Scope.EXACT))
    atoms = compile("[domain-name:value LIKE '%uk' OR url:value LIKE '%uk/' OR url:value MATCHES 'n1']").atoms
    assert [hit.asset_id for _, hit in both.hits(atoms)] == [*map(str, range(600)), "page", "page"]
