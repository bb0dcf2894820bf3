"""Plain lists, hosts files and Adblock rules."""

from __future__ import annotations

import codecs

import pytest
from hypothesis import given
from hypothesis import strategies as st

from citysec.errors import InvalidInput
from citysec.feeds.formats.lines import EXCEPTION, NO_HOST
from citysec.feeds.formats.text import MAX_LINE
from tests.feeds.formats.mutations import survives
from tests.feeds.formats.reading import entries, items, keys, rejects

IP = "ipv4-addr:value = '192.0.2.1'"
NAME = "domain-name:value = 'evil.example'"


@pytest.mark.parametrize(
    ("line", "key"),
    [
        ("192.0.2.1", IP),
        ("192.0.2.1 ", IP),
        ("192.0.2.1\t10", IP),
        ("192.0.2.0/24 ; SBL1", "ipv4-addr:value = '192.0.2.0/24'"),
        ("192.0.2.1 # seen in evil.example", IP),
        ("192.0.2.1 // note", IP),
        ("192.0.2.1 - note", IP),
        ("192[.]0[.]2[.]1", IP),
        ("192.0.2.0-192.0.2.1", "ipv4-addr:value = '192.0.2.0/31'"),
        ("192.0.2.0 - 192.0.2.1", "ipv4-addr:value = '192.0.2.0/31'"),
        ("2001:db8::/32", "ipv6-addr:value = '2001:db8::/32'"),
        ("EVIL.example.", NAME),
        ("*.evil.example", NAME),
        (".evil.example", NAME),
        ("||evil.example^", NAME),
        ("||evil.example^$third-party,document", NAME),
        ("0.0.0.0 evil.example", NAME),
        ("evil[.]example", NAME),
        ("hxxps://evil[.]example/a#b;c", "url:value = 'https://evil.example/a'"),
        ("hXXp://evil.example/a", "url:value = 'http://evil.example/a'"),
        ("evil.example/a.php", "url:value = 'http://evil.example/a.php'"),
        ("a@evil.example", "email-addr:value = 'a@evil.example'"),
        ("d41d8cd98f00b204e9800998ecf8427e  file.exe", "file:hashes.MD5 = 'd41d8cd98f00b204e9800998ecf8427e'"),
    ],
)
def test_a_line_is_read_by_its_form(line: str, key: str):
    assert keys("list", line) == [key]


@pytest.mark.parametrize("line", ["", "  ", "# a", ";a", "! a", "// a", "[Adblock Plus]", "#", "\ufeff# a"])
def test_blank_lines_comments_and_headings_are_nothing(line: str):
    assert items("list", f"{line}\n192.0.2.1") == items("list", "\n192.0.2.1")


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("/gate.php", NO_HOST),
        ("@@||good.example^", EXCEPTION),
        ("two words", "no address"),
        ("evil.example worse.example", "column"),
        ("192.0.2.1 198.51.100.1", "column"),
        ("10.9.9.9 evil.example", "column"),
        ("word", "no address"),
        ("256.0.0.1", "no address"),
        ("evil.\ufffdxample/", "not UTF-8"),
        ("evil.example/" + "a" * 5000, "longer than"),
        ("||evil.example^path", "no host as a whole"),
        ("||evil.example##.banner", "no host as a whole"),
    ],
)
def test_what_names_nothing_is_refused_with_its_place(line: str, reason: str):
    ((at, why),) = rejects("list", f"192.0.2.1\n{line}\n192.0.2.2")
    assert at == "line 2"
    assert reason in why


@pytest.mark.parametrize("body", [codecs.BOM_UTF8 + b"192.0.2.1\r\n192.0.2.2", b"192.0.2.1\r192.0.2.2\r",
                                  "\ufeff192.0.2.1\n192.0.2.2".encode("utf-16-le")])  # fmt: skip
def test_marks_of_encoding_and_ends_of_lines_do_not_matter(body: bytes):
    assert len(keys("list", body)) == 2


def test_a_port_is_a_fact_beside_the_address():
    (entry,) = entries("list", "192.0.2.1:4444", threat="Bot")
    assert (entry.at, entry.facts, entry.name) == ("line 1", {"port": 4444}, "Bot")


def test_a_line_beyond_all_measure_costs_itself():
    assert rejects("list", "192.0.2.1\n" + "a" * 3 * MAX_LINE + "\n192.0.2.2") == [
        ("line 2", f"longer than {MAX_LINE} characters")
    ]


@pytest.mark.parametrize(("kinds", "key"), [(["url"], "url:value = 'http://evil.example/'"), (["name", "ip"], NAME)])
def test_kinds_say_how_to_read(kinds: list[str], key: str):
    assert keys("list", "evil.example", kinds=kinds) == [key]


def test_what_is_of_another_kind_is_refused():
    assert rejects("list", "192.0.2.1\nevil.example", kinds=["ip"]) == [("line 2", "not of kind ip")]


def test_kinds_that_no_feed_can_hold_are_refused():
    with pytest.raises(InvalidInput, match=r"name-regex: the kinds are ip"):
        items("list", "", kinds=["name-regex"])


def test_hashes_of_certificates_are_certificates():
    (key,) = keys("list", "ab" * 20, kinds=["certificate"])
    assert key.startswith("x509-certificate:hashes.'SHA-1'")


def test_a_column_can_hold_the_observable():
    assert keys("list", "1,evil.example,x\n2,worse.example", column=2, separator=",") == [
        NAME, "domain-name:value = 'worse.example'",
    ]  # fmt: skip


def test_comments_can_begin_with_something_else():
    assert keys("list", "%% a\n192.0.2.1", comments=["%%"]) == [IP]


def test_a_hosts_file_gives_its_names_but_not_the_machines_own():
    body = "127.0.0.1 localhost\n::1 ip6-localhost ip6-loopback\n0.0.0.0 0.0.0.0\n10.9.9.9 evil.example a.example # x"
    assert keys("hosts", body) == [NAME, "domain-name:value = 'a.example'"]


@pytest.mark.parametrize("option", ["domain=news.example", "third-party,denyallow=x", "dnsrewrite=NOERROR;A;192.0.2.1"])
def test_an_adblock_rule_that_holds_somewhere_only_lists_nothing(option: str):
    found = rejects("adblock", f"||evil.example^${option}\n||evil.example/*\n")
    assert found == [("line 1", "a rule that holds on some pages only, or blocks nothing")]


def test_adblock_rules_block_hosts_and_addresses_of_pages():
    body = (
        "[Adblock Plus]\n! x\n||evil.example^\n|https://evil.example/a|\n##.banner\nads.js\n||evil.example^$badfilter"
    )
    assert keys("adblock", body) == [NAME, "url:value = 'https://evil.example/a'"]
    assert len(rejects("adblock", body)) == 3


@pytest.mark.parametrize(
    "body", [b"<html><body>192.0.2.1", b"PK\x03\x04a", b"\x1f\x8b\x08", b"one\ntwo", b"\0\1\2\n" * 300]
)
@pytest.mark.parametrize("name", ["list", "hosts", "adblock"])
def test_what_is_no_list_at_all_is_refused_as_a_whole(name: str, body: bytes):
    with pytest.raises(InvalidInput):
        items(name, body)


def test_a_list_may_be_empty():
    assert items("list", "# nothing today\n") == []


@given(st.one_of(st.binary(), st.text().map(str.encode)), st.sampled_from(["list", "hosts", "adblock"]))
def test_any_bytes_are_read_or_refused(body: bytes, name: str):
    survives(name, body)


@given(st.lists(st.from_regex(r"(\|\||@@|\*\.|0\.0\.0\.0 |/|hxxp://)?[a-z.\[\]:/^$*# 0-9\0-]{1,30}"), max_size=5))
def test_any_lines_are_read_or_refused(written: list[str]):
    survives("list", "\n".join(("192.0.2.1", *written)).encode())
