"""Warning lists of MISP: every entry in the form in which it is compared."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from citysec.errors import InvalidInput
from citysec.feeds.formats.warninglist import ListType, WarningList, parse
from tests.feeds.formats.mutations import mutated

LIST: dict[str, Any] = {
    "name": "Resolvers", "type": "cidr", "version": 5, "description": "Public DNS resolvers",
    "matching_attributes": ["ip-src", "ip-dst"], "list": ["192.0.2.0/24", "2001:DB8::1", "192.0.2.0/24"],
}  # fmt: skip


def read(**members: Any) -> WarningList:
    return parse(json.dumps(LIST | members).encode())


def test_a_list_says_what_it_is_about():
    found = read(category="False positive")
    assert (found.name, found.type, found.version) == ("Resolvers", ListType.CIDR, 5)
    assert (found.category, found.matching_attributes) == ("False positive", ("ip-src", "ip-dst"))


@pytest.mark.parametrize(
    ("type_", "entry", "kind", "key"),
    [
        ("cidr", "192.0.2.0/24", ListType.CIDR, "4/24/c0000200"),
        ("cidr", "2001:DB8::/32", ListType.CIDR, f"6/32/20010db8{'0' * 24}"),
        ("hostname", "WWW.Acme.Example", ListType.HOSTNAME, "example.acme.www"),
        ("hostname", "*.acme.example", ListType.HOSTNAME, "example.acme"),
        ("string", ".acme.example", ListType.HOSTNAME, "example.acme"),
        ("string", "Acme.Example", ListType.STRING, "acme.example"),
        ("substring", "/Wp-Content/", ListType.SUBSTRING, "/wp-content/"),
        ("regex", "/^acme\\.(com|org)$/i", ListType.REGEX, "(?i)^acme\\.(com|org)$"),
        ("regex", "acme[0-9]+", ListType.REGEX, "acme[0-9]+"),
    ],
)
def test_each_type_has_its_way_of_comparing(type_: str, entry: str, kind: ListType, key: str):
    (found,) = read(type=type_, list=[entry]).entries
    assert (found.text, found.type, found.key) == (entry, kind, key)


@pytest.mark.parametrize(("type_", "entry"), [("cidr", "acme"), ("hostname", "1.2"), ("regex", "(?=a)"), ("string", 3)])
def test_an_entry_of_another_type_costs_itself(type_: str, entry: Any):
    found = read(type=type_, list=[entry])
    assert (len(found.entries), [reject.at for reject in found.rejects]) == (0, ["/list/0"])


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"name": "x", "type": "odd", "list": []}', b'{"a":' * 100_000])
def test_what_is_no_warning_list_is_refused(body: bytes):
    with pytest.raises(InvalidInput):
        parse(body)


@given(mutated(LIST) | mutated(LIST | {"type": "regex"}) | st.binary())
def test_whatever_comes_is_read_or_refused(body: bytes):
    try:
        found = parse(body)
    except InvalidInput:
        return
    assert isinstance(found, WarningList)


def test_real_lists_give_every_entry(shared_data: Path):
    for known in json.loads((shared_data / "COUNTS.json").read_text()):
        if known["kind"] == "warninglist":
            found, count = parse((shared_data / known["file"]).read_bytes()), known["count"]
            assert (known["file"], len(found.entries), found.rejects) == (known["file"], count["distinct"], ())
            said = found.name, found.type, found.version, list(found.matching_attributes)
            assert said == (count["name"], count["type"], count["version"], count["matching_attributes"])
