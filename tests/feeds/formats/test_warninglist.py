"""MISP warning lists: all their values, and no exception but the format's own."""

from __future__ import annotations

import json
from contextlib import suppress
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from citysec.errors import InvalidInput
from citysec.feeds.definition import Layout
from citysec.feeds.formats import read
from citysec.feeds.formats.warninglist import parse
from citysec.feeds.survey import survey
from tests.feeds.formats.mutations import mutated

LIST: dict[str, Any] = {
    "name": "Shared hosting", "version": 20260101, "description": "Many use it.", "type": "cidr",
    "matching_attributes": ["ip-src", "ip-dst"], "list": ["192.0.2.0/24", "192.0.2.0/24", " 198.51.100.1 "],
}  # fmt: skip


def written(**changes: Any) -> bytes:
    return json.dumps(LIST | changes).encode()


def test_a_list_is_read_with_each_value_once():
    found = parse(b"\xef\xbb\xbf" + written())
    assert found.values == ("192.0.2.0/24", "198.51.100.1")
    assert (found.title, found.version, found.type) == ("Shared hosting", "20260101", "cidr")
    assert found.matching_attributes == ("ip-src", "ip-dst")


def test_what_is_no_value_is_told_with_its_place():
    found = parse(written(list=["192.0.2.1", None, 64496, {"value": "x"}, ""]))
    assert found.values == ("192.0.2.1", "64496")
    assert [reject.at for reject in found.rejects] == ["/list/1", "/list/3", "/list/4"]


def test_a_list_that_names_no_type_is_one_of_plain_strings():
    assert parse(b'{"name": "x", "list": []}').type == "string"


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{}", b'{"name": "x"}', b'{"list": ["a"]}', b'{"name": "x", "list": {}}']
)
def test_what_is_no_warning_list_is_refused(body: bytes):
    with pytest.raises(InvalidInput):
        parse(body)


@given(st.one_of(st.binary(max_size=200), mutated(LIST)))
def test_nothing_else_is_raised(body: bytes):
    with suppress(InvalidInput):
        found = parse(body)
        assert all(isinstance(value, str) and value for value in found.values)


def test_no_feed_may_come_as_a_warning_list():
    with pytest.raises(ValueError, match="citysec warnings import"):
        Layout(name="warninglist")


def test_real_lists_have_as_many_values_as_were_counted(shared_data: Path):
    for entry in json.loads((shared_data / "COUNTS.json").read_text()):
        if entry["kind"] == "warninglist":
            body, count = (shared_data / entry["file"]).read_bytes(), entry["count"]
            found = parse(body)
            assert survey(read("warninglist", BytesIO(body)), lambda: None).report("")["objects"] == count["entries"]
            assert (len(found.values), found.type, found.rejects) == (count["distinct"], count["type"], ())
            assert (found.title, found.version) == (count["name"], str(count["version"]))
