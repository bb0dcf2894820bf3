"""JSON records with a profile, and the lists of Spamhaus."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from citysec.errors import InvalidInput
from citysec.feeds.formats import Reject, documents
from tests.feeds.formats.mutations import mutated, survives
from tests.feeds.formats.reading import census, entries, items, keys, rejects

IP = "ipv4-addr:value = '192.0.2.1'"
THREATFOX = {
    "query_status": "ok",
    "data": [
        {
            "ioc_value": "192.0.2.1:4444", "ioc_type": "ip:port", "threat_type": "botnet_cc",
            "malware_printable": "Bot", "malware_alias": None,
            "first_seen_utc": "2026-02-02 16:40:06", "last_seen_utc": None,
            "confidence_level": 100, "reference": "https://p.example/1", "tags": "a,b", "reporter": "r",
        },
    ],
}  # fmt: skip
PROFILE: dict[str, Any] = {
    "records": "/data", "values": {"ioc_value": "any"}, "words": {"botnet_cc": "c2"},
    "fields": {"kind": "ioc_type", "since": "first_seen_utc", "seen": "last_seen_utc", "threat": "malware_printable",
               "labels": ["threat_type"], "confidence": "confidence_level", "references": ["reference"],
               "facts": ["tags"]},
}  # fmt: skip


def test_a_profile_says_what_the_members_mean():
    (entry,) = entries("json", json.dumps(THREATFOX), **PROFILE)
    assert (entry.at, entry.key, entry.name, entry.labels) == ("/data/0", f"[{IP}]", "Bot", ("c2",))
    assert (entry.since, entry.seen, entry.confidence) == (datetime(2026, 2, 2, 16, 40, 6, tzinfo=UTC), None, 100)
    assert (entry.references, entry.facts) == (("https://p.example/1",), {"tags": "a,b", "port": 4444})


@pytest.mark.parametrize(
    ("document", "at"),
    [
        ([{"ip": "192.0.2.1"}], "/0"),
        (["192.0.2.1"], "/0"),
        ({"ip": "192.0.2.1"}, ""),
        ({"ok": True, "data": [{"ip": "192.0.2.1"}]}, "/data/0"),
        ({"4711": [{"ip": "192.0.2.1"}]}, "/4711/0"),
        ({"data": ["192.0.2.1"]}, "/data/0"),
    ],
)
def test_records_are_found_by_usual_names(document: Any, at: str):
    (entry,) = entries("json", json.dumps(document))
    assert (entry.at, entry.key) == (at, f"[{IP}]")


def test_records_may_stand_one_a_line():
    body = '{"ip":"192.0.2.1"}\n\n{"ip":"198.51.100.1"}\n{"ip":\n'
    assert [entry.at for entry in entries("json", body)] == ["line 1", "line 3"]
    assert [at for at, _ in rejects("json", body)] == ["line 4"]


def test_members_deep_inside_have_pointers():
    body = json.dumps({"a/b": {"c": [{"i": {"v": ["192.0.2.1", "a.example"]}, "t": [0, 1767225600]}]}})
    found = entries("json", body, records="/a~1b/c", values={"/i/v": "any"}, fields={"since": "/t/1"})
    assert [entry.key for entry in found] == [f"[{IP}]", "[domain-name:value = 'a.example']"]
    assert {entry.since for entry in found} == {datetime(2026, 1, 1, tzinfo=UTC)}


@pytest.mark.parametrize("body", ["", "{", "<html>", '{"data": 1}', '{"data": [1, null, {}]}', "[[[[]]]]"])
def test_what_has_no_records_is_refused_as_a_whole(body: str):
    with pytest.raises(InvalidInput):
        items("json", body, **PROFILE)


@pytest.mark.parametrize("document", [{"error": "unauthorised"}, {"data": "nothing"}, {}])
def test_an_answer_without_records_is_no_empty_list(document: Any):
    with pytest.raises(InvalidInput):
        items("json", json.dumps(document))


@pytest.mark.parametrize(
    "body",
    [
        '["192.0.2.1"]\n["192.0.2.2"]\n',
        '\n["192.0.2.1", "192.0.2.2"]\n<!-- 3 ms -->',
        '{"ip": "192.0.2.1"}\r\n\r\n{"ip": "192.0.2.2"}\r\n',
    ],
)
def test_lists_and_lines_are_told_apart(body: str):
    assert len(keys("json", body)) == 2


def test_a_broken_first_line_costs_itself():
    assert len(keys("json", '# made at noon\n{"ip": "192.0.2.1"}\n{"ip": "192.0.2.2"}')) == 2


@pytest.mark.parametrize("body", ['[{"ip": "192.0.2.1"}][{"ip": "192.0.2.2"}]', '[{"ip": "192.0.2.1"}\n] {"ip": 1}'])
def test_what_follows_a_list_is_not_passed_over_silently(body: str):
    with pytest.raises(InvalidInput, match="followed by another"):
        items("json", body)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ('{"data": {"a": {"ip": "192.0.2.1"}}, "errors": []}', "beside them"),
        ('{"data": {"192.0.2.1": {"score": 5}}, "errors": [ ]}', "beside them"),
        ('{"data": {"ip": "192.0.2.1"}, "errors": []}', "beside them"),
        ('{"data": [], "data": []}', "more than one list"),
    ],
)
def test_records_that_stand_elsewhere_are_not_passed_over_silently(body: str, reason: str):
    with pytest.raises(InvalidInput, match=reason):
        items("json", body)


@pytest.mark.parametrize("body", ['{"data": []}', '{"status": "ok", "data": [], "meta": {"page": 1}, "errors": {}}'])
def test_an_answer_may_be_empty(body: str):
    assert items("json", body) == []


def test_a_remark_behind_a_list_costs_itself():
    first, last = items("json", '[{"ip": "192.0.2.1"}\n]\nmade at noon')
    assert (isinstance(last, Reject), first) == (True, items("json", '[{"ip": "192.0.2.1"}]')[0])


@pytest.mark.parametrize("pointer", ["", "/data", "/a/b~1c"])
def test_what_is_kept_of_a_bad_record_is_bad_for_the_same_reason_alone(pointer: str):
    found = [{"ip": "nowhere"}, {"ip": "192.0.2.1"}]
    body = {"": found, "/data": {"data": found}, "/a/b~1c": {"a": {"b/c": found}}}[pointer]
    first, _ = items("json", json.dumps(body), records=pointer)
    assert isinstance(first, Reject)
    with pytest.raises(InvalidInput) as again:
        items("json", first.raw, records=pointer)
    assert (again.value.problems[0].message, first.excerpt) == (first.reason, '{"ip": "nowhere"}')


def test_a_large_document_is_read_record_by_record(monkeypatch: pytest.MonkeyPatch):
    document = {"a": [1], "data": [{"ip": "192.0.2.1"}, {"ip": "nowhere"}, {"ip": "192.0.2.2"}]}
    small = [items("json", json.dumps(d), records=r) for d, r in ((document, "/data"), (document["data"], ""))]
    monkeypatch.setattr(documents, "SMALL", 10)
    assert [items("json", json.dumps(d), records=r) for d, r in ((document, "/data"), (document["data"], ""))] == small


def test_a_record_that_can_be_read_alone_is_kept_whole():
    (reject,) = (i for i in items("json", '[{"ip": "nowhere"}, "192.0.2.1"]') if isinstance(i, Reject))
    assert reject.raw == b'{"ip": "nowhere"}'


def test_a_broken_record_costs_itself():
    body = json.dumps({"data": [{"ioc_value": 7}, THREATFOX["data"][0], None, {"ioc_value": "x", "ioc_type": "yara"}]})
    assert keys("json", body, **PROFILE) == [IP]
    assert [at for at, _ in rejects("json", body, **PROFILE)] == ["/data/0", "/data/2", "/data/3"]


@given(mutated(THREATFOX))
def test_whatever_is_odd_in_a_document_is_read_or_refused(body: bytes):
    survives("json", body, **PROFILE)
    survives("json", body)


@given(st.binary())
def test_any_bytes_are_read_or_refused(body: bytes):
    survives("json", body)
    survives("spamhaus", body)


DROP = (
    '{"cidr":"192.0.2.0/24","sblid":"SBL1","rir":"ripencc"}\n{"type":"metadata","timestamp":1744682874,"records":1}\n'
)


def test_drop_gives_blocks_and_their_number():
    (entry,) = entries("spamhaus", DROP)
    assert (entry.key, entry.facts) == ("[ipv4-addr:value = '192.0.2.0/24']", {"sblid": "SBL1", "rir": "ripencc"})
    assert census("spamhaus", DROP) == [1]


def test_asn_drop_gives_autonomous_systems():
    body = '{"asn":64500,"rir":"ripencc","domain":"a.example","cc":"GB","asname":"A"}\n{"type":"metadata","records":1}'
    assert keys("spamhaus", body) == ["autonomous-system:number = 64500"]


@pytest.mark.parametrize("line", ['{"cidr":"nowhere"}', '{"cidr":1}', "{}", '{"asn":-1}', "x"])
def test_a_broken_line_of_drop_costs_itself(line: str):
    assert [at for at, _ in rejects("spamhaus", DROP + line)] == ["line 3"]


@given(
    st.lists(mutated({"cidr": "192.0.2.0/24", "sblid": "SBL1", "asn": 1, "type": "metadata", "records": 1}), max_size=3)
)
def test_whatever_is_odd_in_drop_is_read_or_refused(lines: list[bytes]):
    survives("spamhaus", DROP.encode() + b"\n".join(lines))
