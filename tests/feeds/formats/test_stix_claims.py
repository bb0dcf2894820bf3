"""What correlation reads of indicators is what ingest reads, in every wrapping and however they are broken."""

from __future__ import annotations

import json
from io import BytesIO
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from citysec.errors import InvalidInput
from citysec.feeds.formats import Draft, stix
from tests.feeds.formats.test_stix import INDICATOR, stix_files
from tests.feeds.stix import bundle

RELATIONSHIP = {"type": "relationship", "id": INDICATOR["id"].replace("indicator", "relationship"), "created": "never"}
VALUES = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.lists(st.text(), max_size=2)


def both(body: bytes) -> tuple[list[Any], list[Any]]:
    """Return what is read of the indicators, and of what is refused, by either way."""
    return _told(stix.parse(body)), _told(stix.claims(BytesIO(body)))


def _told(items: Any) -> list[Any]:
    try:
        return [_bare(item) for item in items if not isinstance(item, Draft) or item.type == "indicator"]
    except InvalidInput as err:
        return [str(err)]


def _bare(item: Any) -> Any:
    return msgspec.structs.replace(item, text="") if isinstance(item, Draft) else item


@pytest.mark.parametrize(
    "body",
    [
        json.dumps(INDICATOR),
        json.dumps([INDICATOR, {"type": "x-thing", "id": "x-thing--1"}]),
        json.dumps([json.loads(bundle(INDICATOR)), INDICATOR]),
        json.dumps({"type": "bundle", "spec_version": "2.0", "objects": [INDICATOR]}),
        f"{json.dumps(INDICATOR)}\n{json.dumps({'more': False, 'objects': [INDICATOR]})}\n",
        json.dumps([INDICATOR | {"extensions": json.loads('{"a":' * 70 + "1" + "}" * 70)}]),
        json.dumps([INDICATOR, {"type": 3}, 3, {}]),
        json.dumps([INDICATOR])[:-9],
    ],
)
def test_in_every_wrapping(body: str):
    whole, claims = both(body.encode())
    assert claims == [item for item in whole if "x-thing" not in getattr(item, "excerpt", "")]


@given(st.sampled_from(sorted({*INDICATOR, "revoked", "labels", "valid_until", "confidence"} - {"type"})), VALUES)
def test_however_a_property_is_broken(name: str, value: Any):
    whole, claims = both(json.dumps([INDICATOR | {name: value}]).encode())
    assert claims == whole


def test_other_objects_are_passed_over_unread():
    claims = stix.claims(BytesIO(json.dumps([RELATIONSHIP, INDICATOR]).encode()))
    assert [item.type for item in claims if isinstance(item, Draft)] == ["indicator"]


def test_in_real_feeds(shared_data: Path):
    for name, body, _ in stix_files(shared_data):
        whole, claims = both(body)
        assert [item for item in claims if isinstance(item, Draft)] == [i for i in whole if isinstance(i, Draft)], name
