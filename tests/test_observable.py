"""Canonical forms: equal facts get equal keys, and keys answer containment by equality or range."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from citysec import blocks, observable
from citysec.errors import InvalidInput
from citysec.observable import AssetKind, Kind


def block(number: int, length: int) -> str:
    return str(ipaddress.ip_network((number, length), strict=False))


def joined(body: list[str], top: str) -> str:
    return ".".join([*body, top])


v4 = st.builds(block, st.integers(0, 2**32 - 1), st.integers(0, 32))
v6 = st.builds(block, st.integers(2**120, 2**128 - 1), st.integers(0, 128))
labels = st.from_regex(r"[a-z0-9_]([a-z0-9-]{0,10}[a-z0-9])?", fullmatch=True)
names = st.builds(joined, st.lists(labels, max_size=4), st.sampled_from(("uk", "test")))


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("198.51.100.3", "4/c6336403/32"),
        ("198.51.100.3/24", "4/c6336400/24"),
        ("0.0.0.0/0", "4/00000000/00"),
        ("2001:DB8:0::1", "6/20010db8000000000000000000000001/128"),
        ("2001:db8::/48", "6/20010db8000000000000000000000000/048"),
        ("::ffff:198.51.100.3", "4/c6336403/32"),
        ("::ffff:198.51.100.0/120", "4/c6336400/24"),
    ],
)
def test_an_address_has_one_key_however_it_is_written(text: str, key: str):
    assert observable.network(text).key == key


@pytest.mark.parametrize(
    "text",
    ["", "1.2.3", "01.2.3.4", "0x7f.0.0.1", "1.2.3.4/33", "1.2.3.4/08", "1.2.3.4/", "1.2.3.4/255.0.0.0", "fe80::1%eth0",
     "1.2.3.4 ", "::1/129", "www.example", "1.2.3.256"],
)  # fmt: skip
def test_what_inet_pton_would_refuse_is_refused(text: str):
    with pytest.raises(InvalidInput):
        observable.network(text)


@given(st.text("012359.\0a \u0661\ud800", max_size=15) | st.from_regex(r"([0-9]{1,3}\.){3}[0-9]{1,3}", fullmatch=True))
def test_a_dotted_quad_is_what_four_octets_in_decimal_are(text: str):
    octets = text.split(".")
    plain = len(octets) == 4 and all(octet in {str(number) for number in range(256)} for octet in octets)
    assert blocks.quad(text) == ("".join(f"{int(octet):02x}" for octet in octets) if plain else None)


@given(st.lists(st.sampled_from([0, 0, 1, 0xAB, 0xFFFF]), min_size=8, max_size=8), st.integers(0, 2**128 - 1))
def test_ipv6_addresses_are_written_with_the_first_longest_run_of_zeros_left_out(groups: list[int], number: int):
    sparse = sum(group << 16 * at for at, group in enumerate(groups))
    for each in (sparse, number):
        assert blocks.network_text(6, 128, each) == str(ipaddress.IPv6Address(each))


@given(st.lists(st.sampled_from(["", "0", "1f", "ABCD", "00000", "g", "\u0661", "1.2.3.4"]), max_size=10).map(":".join))
@example("0:1:2:3:4:5:6:7::8")
@example("0:1:2:3:4:5:6::7")
def test_an_ipv6_address_is_what_the_standard_library_takes_for_one(text: str):
    try:
        number = int(ipaddress.IPv6Address(text))
    except ValueError:
        number = None
    try:
        assert blocks.block(text) == (6, 128, number) or blocks.quad(text)
    except InvalidInput:
        assert number is None


@given(st.text("0aAfFgG \n\0\u0661K", min_size=30, max_size=34) | st.binary(min_size=16, max_size=16).map(bytes.hex))
def test_a_hash_is_as_many_hexadecimal_digits_as_its_algorithm_makes(text: str):
    digits = len(text) == 32 and set(text) <= set("0123456789abcdefABCDEF")
    try:
        assert observable.file_hash("md5", text).value == text.lower()
    except InvalidInput:
        assert not digits
    else:
        assert digits


@given(st.one_of(v4, v6))
def test_the_value_of_an_address_reads_back_as_the_same_key(text: str):
    found = observable.network(text)
    assert observable.network(found.value) == found
    assert ipaddress.ip_network(found.value) == ipaddress.ip_network(text)


@given(st.one_of(v4, v6), st.one_of(v4, v6))
def test_containment_is_an_equality_one_way_and_a_range_the_other(one: str, other: str):
    a, b = observable.network(one).key, observable.network(other).key
    x, y = ipaddress.ip_network(one), ipaddress.ip_network(other)
    contained = x.version == y.version and x.subnet_of(y)  # pyright: ignore[reportArgumentType]
    assert (b in set(blocks.around(a))) == contained
    low, high = blocks.inside(b)
    assert (a == b or low <= a < high) == contained


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("WWW.Camden.GOV.UK.", "www.camden.gov.uk"),
        ("bücher.example", "xn--bcher-kva.example"),
        ("BÜCHER。example", "xn--bcher-kva.example"),
        ("_dmarc.camden.gov.uk", "_dmarc.camden.gov.uk"),
        ("localhost", "localhost"),
    ],
)
def test_a_name_has_one_form(text: str, value: str):
    found = observable.domain_name(text)
    assert found.value == value
    assert observable.reverse_labels(found.key) == value


@pytest.mark.parametrize(
    "text", ["", ".", "a..b", "a b.example", "*.example", "1.2.3.4", "a" * 64 + ".uk", "a.example..", "x.\u2028", "a/b"]
)
def test_what_is_no_name_is_refused(text: str):
    with pytest.raises(InvalidInput):
        observable.domain_name(text)


@given(names)
def test_the_canonical_name_is_stable(name: str):
    once = observable.domain_name(name.upper() + ".")
    assert observable.domain_name(once.value) == once


@given(names, names)
def test_what_is_below_a_name_is_one_range_of_keys(one: str, other: str):
    low, high = observable.below(observable.domain_name(one).key)
    assert (low <= observable.domain_name(other).key < high) == other.endswith("." + one)
    assert (observable.domain_name(one).key in observable.parents(observable.domain_name(other).key)) == (
        other.endswith("." + one)
    )


@pytest.mark.parametrize(
    ("text", "canonical", "host"),
    [
        ("HTTP://User:x@WWW.Example.:80/A?q#frag", "http://www.example/A?q", "example.www"),
        ("https://www.example", "https://www.example/", "example.www"),
        ("https://www.example:8443?q", "https://www.example:8443/?q", "example.www"),
        ("http://[2001:db8:0::1]:8080/x", "http://[2001:db8::1]:8080/x", "6/20010db8000000000000000000000001/128"),
        ("http://198.51.100.3/x", "http://198.51.100.3/x", "4/c6336403/32"),
        ("https://camden.gov.uk@evil.example/", "https://evil.example/", "example.evil"),
        ("https://evil.example\\@camden.gov.uk/", "https://evil.example/@camden.gov.uk/", "example.evil"),
        ("https://evil.example/?next=https://camden.gov.uk/", "https://evil.example/?next=https://camden.gov.uk/",
         "example.evil"),
        ("evil.example/path", "http://evil.example/path", "example.evil"),
        ("198.51.100.3:8080", "http://198.51.100.3:8080/", "4/c6336403/32"),
    ],
)  # fmt: skip
def test_a_url_has_one_form_and_a_host(text: str, canonical: str, host: str):
    found, its_host = observable.url(text)
    assert (found.key, its_host.key) == (canonical, host)


@given(st.from_regex(r"https?://[a-z0-9.:_-]{1,30}(/[a-z?#'\\\t/]{0,5})?", fullmatch=True))
def test_a_url_in_its_usual_form_is_read_like_one_in_any_other(usual: str):
    assert _url(usual) == _url(usual.replace("http", "HTTP", 1))


def _url(text: str) -> object:
    try:
        return observable.url(text)
    except InvalidInput:
        return None


@pytest.mark.parametrize(
    "text", ["", "x", "mailto:a@b.example", "http://", "http://a b/", "/path", "http://[::1", "http://a:b/"]
)
def test_what_has_no_host_is_no_url(text: str):
    with pytest.raises(InvalidInput):
        observable.url(text)


def test_a_mailbox_sorts_next_to_its_domain():
    found = observable.mailbox("Info@Camden.gov.uk")
    low, high = observable.mailboxes_at("uk.gov.camden")
    assert found == observable.Observable(Kind.MAILBOX, "uk.gov.camden@info", "info@camden.gov.uk")
    assert low <= found.key < high
    assert not low <= observable.mailbox("info@bounce.camden.gov.uk").key < high


@pytest.mark.parametrize(
    "text",
    [
        "a." * 50_000 + "@", "a." * 50_000 + "\\", "http://" + "a@" * 50_000 + ":x", "http://" + "a." * 50_000 + "@",
        "http://" + "1" * 99_999, "http://" + "a" * 99_999,
    ],
)  # fmt: skip
def test_what_is_no_url_is_refused_in_time_that_grows_with_its_length(text: str):
    with pytest.raises(InvalidInput):
        observable.url(text)  # with backtracking it would take minutes


@pytest.mark.parametrize("text", ["", "a", "@b.example", "a@", "a b@c.example", "a@b@c d"])
def test_what_is_no_mailbox_is_refused(text: str):
    with pytest.raises(InvalidInput):
        observable.mailbox(text)


def test_a_hash_knows_its_algorithm_by_any_of_its_names():
    assert observable.file_hash("SHA256", "AB" * 32) == observable.file_hash("SHA-256", "ab" * 32)
    with pytest.raises(InvalidInput):
        observable.file_hash("MD5", "ab" * 32)
    with pytest.raises(InvalidInput):
        observable.file_hash("CRC", "ab")


def test_vulnerabilities_and_networks_have_numbers():
    assert observable.cve("cve-2024-3094").key == "CVE-2024-3094"
    assert observable.autonomous_system("AS064496").key == "64496"
    with pytest.raises(InvalidInput):
        observable.autonomous_system("4294967296")


@pytest.mark.parametrize(
    ("kind", "text"),
    [(AssetKind.IPV4, "198.51.100.0/24"), (AssetKind.IPV4, "2001:db8::1"), (AssetKind.IPV6, "198.51.100.3"),
     (AssetKind.DOMAIN, "198.51.100.3"), (AssetKind.EMAIL, "camden.gov.uk"),
     (AssetKind.ASN, "AS4294967296"), (AssetKind.ASN, "camden.gov.uk"), (AssetKind.HOST, "198.51.100.3")],
)  # fmt: skip
def test_an_asset_must_be_what_its_kind_says(kind: AssetKind, text: str):
    with pytest.raises(InvalidInput):
        observable.registered(kind, text)


SHA_1 = "0123456789abcdef0123456789abcdef01234567"


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        (SHA_1, f"sha-1:{SHA_1}"),
        ("AB" * 32, f"sha-256:{'ab' * 32}"),
        ("ab" * 16, f"md5:{'ab' * 16}"),
        (":".join(["AB"] * 32), f"sha-256:{'ab' * 32}"),
        ("\u200e" + " ".join(["ab"] * 20), f"sha-1:{'ab' * 20}"),
        ("sha256 Fingerprint=" + ":".join(["AB"] * 32), f"sha-256:{'ab' * 32}"),
        ("SHA-1: " + "-".join(["AB"] * 20), f"sha-1:{'ab' * 20}"),
        (f"sha-512:{'ab' * 64}", f"sha-512:{'ab' * 64}"),
        ("serial=00A1B2", "serial:a1b2"),
        ("0x0a1B", "serial:a1b"),
        ("00:a1:B2", "serial:a1b2"),
        (f"serial number: {SHA_1}", f"serial:{SHA_1[1:]}"),  # as long as a fingerprint
        ("00", "serial:0"),
    ],
)
def test_a_certificate_is_known_by_its_fingerprint_or_its_serial_number(text: str, canonical: str):
    found = observable.registered(AssetKind.CERTIFICATE, text)
    assert found == observable.Observable(Kind.CERTIFICATE, canonical, canonical)
    assert observable.is_serial(found.key) is canonical.startswith("serial:")


@pytest.mark.parametrize(
    "text",
    ["", "serial:", "serial:xyz", "sha-256:" + SHA_1, "md4:" + "ab" * 16, "ab:c:d", "ab:cd-ef", "1" * 50, "serial:-1",
     "a b", "sha-256:", "ssdeep:3:a:b", "\u0661" * 32],
)  # fmt: skip
def test_what_is_no_certificate_is_refused(text: str):
    with pytest.raises(InvalidInput):
        observable.registered(AssetKind.CERTIFICATE, text)


@given(st.integers(1, 2**160 - 1), st.sampled_from(("", "0x", "serial=", "Serial Number: ")), st.booleans())
def test_a_serial_number_is_one_number_however_it_is_written(number: int, label: str, apart: bool):
    octets = number.to_bytes(21, "big").lstrip(b"\0") if apart and label != "0x" else b""
    text = octets.hex(":").upper() if octets else f"{number:x}"
    found = observable.serial_number(text)
    assert found.key == f"serial:{number:x}"
    if label.lower().startswith("serial"):
        assert observable.registered(AssetKind.CERTIFICATE, label + text) == found
    assert observable.registered(AssetKind.CERTIFICATE, found.value) == found


VALUES = {
    AssetKind.ASN: st.integers(0, 2**32 - 1).map(lambda number: f"as{number}"),
    AssetKind.HOST: st.from_regex(r"([A-Z][a-z0-9-]{0,5}\.){1,3}[a-z]{2}\.?", fullmatch=True),
    AssetKind.CERTIFICATE: st.sampled_from((16, 20, 32, 7)).flatmap(lambda n: st.binary(min_size=n, max_size=n)).map(
        lambda digest: digest.hex(" ").upper()
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", VALUES)
@given(st.data())
def test_the_canonical_form_of_an_asset_is_its_own(kind: AssetKind, data: st.DataObject):
    once = observable.registered(kind, data.draw(VALUES[kind]))
    assert observable.registered(kind, once.value) == once
    assert observable.registered(kind, once.value.upper()) == once


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("Camden Council", "camden council"),
        ("  camden-council ", "camden council"),
        ("St George’s & St Mary's", "st georges and st marys"),
        ("Crédit Municipal", "credit municipal"),
        ("TfL", "tfl"),
        ("London2012", "london2012"),
    ],
)
def test_a_brand_is_its_words(text: str, key: str):
    found = observable.registered(AssetKind.BRAND, text)
    assert (found.kind, found.key) == (Kind.BRAND, key)


def test_a_brand_is_shown_without_what_cannot_be_seen_or_stored():
    assert observable.registered(AssetKind.BRAND, "Camden\x00\u202e Council").value == "Camden Council"


@pytest.mark.parametrize("kind", AssetKind)
def test_every_kind_of_asset_has_a_canonical_form(kind: AssetKind):
    with pytest.raises(InvalidInput):
        observable.registered(kind, "")


@pytest.mark.parametrize("text", ["", "ab", "a-b", "2012", "кемден", "x" * 41, "!!!"])
def test_a_brand_must_be_one_that_names_can_hold(text: str):
    with pytest.raises(InvalidInput, match="is no brand"):
        observable.registered(AssetKind.BRAND, text)


def test_what_is_too_long_for_an_index_cannot_be_registered():
    longest = "https://a.example/" + "x" * 2582
    assert observable.registered(AssetKind.URL, longest).key == longest
    with pytest.raises(InvalidInput, match="longer than 2,600 bytes"):
        observable.registered(AssetKind.URL, longest + "x")
