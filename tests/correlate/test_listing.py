"""What the values on warning lists mean."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from citysec.correlate.listing import MAX_KEY_BYTES, Entry, EntryKind, ListType, concerns, read
from citysec.observable import Kind

NAMES = ("domain", "hostname", "url")


def only(type_: ListType, attributes: tuple[str, ...], value: str) -> Entry:
    """Return the one entry that `value` is."""
    found = read(type_, attributes, [value])
    assert not found.unread
    return found.entries[0]


@pytest.mark.parametrize(
    ("type_", "attributes", "value", "kind", "key"),
    [
        ("cidr", ("ip-src",), "FE80::/10", "ip", "6/fe800000000000000000000000000000/010"),
        ("cidr", ("ip-src",), "192.0.2.7/24", "ip", "4/c0000200/24"),
        ("hostname", NAMES, "Bit.ly", "tree", "ly.bit"),
        ("hostname", NAMES, "https://bit.ly/x", "tree", "ly.bit"),
        ("hostname", NAMES, "192.0.2.1", "ip", "4/c0000201/32"),
        ("string", NAMES, "bit.ly", "name", "ly.bit"),
        ("string", NAMES, ".google.ad", "tree", "ad.google"),
        ("string", NAMES, "*.sharepoint.com", "tree", "com.sharepoint"),
        ("string", ("domain|ip",), "192.0.2.1", "ip", "4/c0000201/32"),
        ("string", ("url",), "http://a.example/x", "url", "http://a.example/x"),
        ("string", ("email-src",), "Info@a.example", "mailbox", "example.a@info"),
        ("string", ("email-src",), "a.example", "name", "example.a"),
        ("string", ("md5", "filename|md5"), "D41D8CD98F00B204E9800998ECF8427E", "hash",
         "md5:d41d8cd98f00b204e9800998ecf8427e"),
        ("string", ("ssdeep",), "3::", "hash", "ssdeep:3::"),
        ("string", ("AS",), "AS64496", "asn", "64496"),
        ("substring", ("url",), "/Wp-Content/", "substring", "/wp-content/"),
        ("regex", ("domain",), r"/\.Google\.[a-z]+$/i", "regex", r"(?i)\.Google\.[a-z]+$"),
    ],
)  # fmt: skip
def test_a_value_is_read_as_its_list_means_it(type_: str, attributes: tuple[str, ...], value: str, kind: str, key: str):
    assert only(ListType(type_), attributes, value) == Entry(EntryKind(kind), key)


@pytest.mark.parametrize(
    ("type_", "value"),
    [("cidr", "a.example"), ("hostname", "a b"), ("string", "a/"), ("regex", "(?=x)"), ("substring", "\0")],
)
def test_what_cannot_be_read_is_told_and_costs_nothing_else(type_: str, value: str):
    found = read(ListType(type_), ("domain", "ip-src"), [value, "192.0.2.1"])
    assert list(found.unread) == [value]
    assert len(found.entries) == 1


def test_a_list_speaks_of_what_its_attributes_name():
    assert concerns(("ip-src|port", "domain|ip", "filename|sha256")) == {Kind.IP, Kind.NAME, Kind.HASH}
    assert concerns(("phone-number",)) == set()
    assert concerns(()) > {Kind.IP, Kind.NAME, Kind.URL, Kind.MAILBOX}


@given(st.sampled_from(ListType), st.lists(st.sampled_from((*NAMES, "ip-src", "email", "md5", "AS"))), st.text())
def test_any_text_is_an_entry_or_is_told(type_: ListType, attributes: list[str], value: str):
    found = read(type_, attributes, [value])
    assert len(found.entries) + len(found.unread) == 1
    assert all(len(entry.key.encode()) <= MAX_KEY_BYTES for entry in found.entries)


def test_real_lists_are_read_in_full_but_for_a_name_that_was_cut(shared_data: Path):
    unread: set[str] = set()
    for file in (shared_data / "warninglists").glob("*.json"):
        one = json.loads(file.read_text())
        unread |= read(ListType(one["type"]), one["matching_attributes"], one["list"]).unread.keys()
    assert unread == {"marketingplatform.google...."}
