"""Half a character costs nothing but itself."""

from __future__ import annotations

import json
from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from citysec.feeds import formats
from citysec.feeds.formats import Draft, Entry, documents
from citysec.feeds.formats.escapes import mended
from tests.feeds.stix import bundle, indicator

KEV = '{"vulnerabilities":[{"cveID":"CVE-2024-0001","vulnerabilityName":"HERE"}]}'
CSAF = '{"document":{"title":"HERE","tracking":{"id":"1"}},"vulnerabilities":[{"cve":"CVE-2024-0001","title":"HERE"}]}'
RECORDS = '{"a":[{"ip":"192.0.2.1","comment":"HERE"}]}'
EVENT = '{"Event":{"info":"x","Attribute":[{"type":"ip-dst","to_ids":true,"value":"192.0.2.1","comment":"HERE"}]}}'


@pytest.mark.parametrize(
    ("written", "becomes"),
    [
        (rb"cut \ud83d", rb"cut \ufffd"),
        (rb"\uDE00 first", rb"\ufffd first"),
        (rb"\ud83d\ud83d\ude00", rb"\ufffd\ud83d\ude00"),
        (rb"\ud83d\u0041", rb"\ufffd\u0041"),
        (rb"a path: C:\\ud83d", rb"a path: C:\\ud83d"),
        (rb"\\\ud83d", rb"\\\ufffd"),
    ],
)
def test_half_a_character_is_replaced(written: bytes, becomes: bytes):
    assert mended(written) == becomes


@given(st.text(st.characters()))
def test_whole_characters_stay_as_they_are(text: str):
    written = json.dumps(text).encode()
    assert mended(written) == written


@given(st.text(st.characters(categories=["Cs", "Lu", "Po"])))
def test_all_that_json_can_write_can_be_read(text: str):
    json.loads(mended(json.dumps(text).encode())).encode()


@pytest.mark.parametrize("half", [r"\ud83d", r"\ude00", r"\ud83d\u0041"])
def test_a_file_with_half_a_character_is_read_whole(half: str):
    stix = bundle(indicator(1, name="HERE"), indicator(2)).replace(b"HERE", half.encode())
    assert [type(item) for item in formats.read("stix", BytesIO(stix))] == [Draft, Draft]


@pytest.mark.parametrize("size", [0, 1 << 30])
@pytest.mark.parametrize(
    ("name", "body", "number"),
    [
        ("misp", EVENT, 1),
        ("misp", f'{{"response":[{EVENT}]}}', 1),
        ("kev", KEV, 1),
        ("nvd", '{"vulnerabilities":[{"cve":{"id":"CVE-2024-0001","sourceIdentifier":"HERE"}}]}', 1),
        ("csaf", CSAF, 2),
        ("csaf", f"[{CSAF}]", 2),
        ("json", RECORDS, 1),
        ("json", '{"ip":"192.0.2.1","comment":"HERE"}\n' * 2, 2),
        ("spamhaus", '{"cidr":"192.0.2.0/24","rir":"HERE"}\n{"cidr":"192.0.2.0/24"}', 2),
        ("warninglist", '{"name":"HERE","list":["192.0.2.1"]}', 1),
    ],
)
def test_half_a_character_costs_no_record_of_any_format(
    name: str, body: str, number: int, size: int, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(documents, "SMALL", size)
    options = {"records": "/a"} if body == RECORDS else {}
    found = list(formats.read(name, BytesIO(body.replace("HERE", r"cut \ud83d").encode()), options))
    assert [type(item) for item in found] == [Entry] * number
