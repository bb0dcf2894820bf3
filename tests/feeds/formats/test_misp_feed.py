"""The indexes of a MISP feed."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from io import BytesIO
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from citysec.errors import InvalidInput
from citysec.feeds.formats import Reject
from citysec.feeds.formats.misp_feed import Listed, hashes, manifest
from citysec.tlp import MARKING_IDS, TLP
from tests.feeds.formats.mutations import mutated

UUID = "F5A1D0B5-5d0e-4b0a-9a06-0b7f3cc3a0b1"
LISTED: dict[str, Any] = {
    "Orgc": {"name": "CIRCL"}, "Tag": [{"name": "tlp:green"}], "info": "Fines", "timestamp": "1700000000",
}  # fmt: skip


def test_a_manifest_says_which_events_there_are_and_when_they_changed():
    (found,) = manifest(json.dumps({UUID: LISTED}).encode())
    assert isinstance(found, Listed)
    assert (found.uuid, found.info, found.publisher) == (UUID.lower(), "Fines", "CIRCL")
    assert found.changed == datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)
    assert found.tags.marking_refs == (MARKING_IDS[TLP.GREEN],)


@pytest.mark.parametrize("body", [{"../../etc": LISTED}, {UUID: {}}, {UUID: LISTED | {"timestamp": "now"}}, {UUID: 3}])
def test_an_event_that_cannot_be_fetched_or_compared_costs_itself(body: Any):
    first, second = manifest(json.dumps(body | {UUID[::-1].replace("-", "0"): LISTED}).encode())
    assert isinstance(first, Reject)
    assert isinstance(second, Reject)


@pytest.mark.parametrize("body", [b"", b"[]", b"<html>", b'{"a":' * 100_000])
def test_what_is_no_manifest_is_refused(body: bytes):
    with pytest.raises(InvalidInput):
        list(manifest(body))


@given(mutated({UUID: LISTED}) | st.binary())
def test_whatever_comes_is_listed_or_refused(body: bytes):
    try:
        found = list(manifest(body))
    except InvalidInput:
        return
    assert all(isinstance(item, Listed | Reject) for item in found)


def test_hashes_name_the_event_that_holds_a_value():
    digest = "D41D8CD98F00B204E9800998ECF8427E"
    first, second = hashes(BytesIO(f"{digest},{UUID}\r\n\nrubbish\n".encode()))
    assert first == (digest.lower(), UUID.lower())
    assert second == Reject("line 3", "no MD5 and event", "rubbish")
