"""MISP events in all their wrappings: what is meant for detection becomes entries, nothing else does."""

from __future__ import annotations

import gzip
import json
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import Any, TypeGuard

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from citysec.errors import InvalidInput
from citysec.feeds import formats
from citysec.feeds.formats import Entry, Item, Reject, Subject
from citysec.tlp import MARKING_IDS, TLP
from tests.feeds.formats.mutations import entries, mutated, parse, rejects, survives

HASH = "a" * 64
ATTRIBUTE: dict[str, Any] = {
    "type": "domain", "value": "evil.example", "to_ids": True, "uuid": "5f0e6a9b-7c1c-4f43-9a52-04a5c0a8016f",
    "category": "Network activity", "timestamp": "1700000000", "comment": "C2 of the second stage", "deleted": False,
}  # fmt: skip
EVENT: dict[str, Any] = {
    "info": "Fake parking fines", "uuid": "f5a1d0b5-5d0e-4b0a-9a06-0b7f3cc3a0b1", "date": "2023-11-01",
    "Tag": [{"name": "tlp:amber"}, {"name": 'misp-galaxy:threat-actor="Sea Turtle"'}, {"name": "phishing"}],
    "Galaxy": [{"type": "ransomware", "GalaxyCluster": [{"value": "LockSmith"}]}],
    "Attribute": [ATTRIBUTE],
    "Object": [{"name": "file", "comment": "dropped", "Attribute": [
        {"type": "sha256", "value": HASH, "to_ids": True, "object_relation": "sha256"}]}],
}  # fmt: skip


def attribute(**members: Any) -> dict[str, Any]:
    return {"info": "x", "Attribute": [ATTRIBUTE | members]}


def keys(type_: str, value: str) -> list[str]:
    return [entry.key for entry in entries("misp", attribute(type=type_, value=value))]


def entered(reject: Reject, text: str, mended: str) -> Entry:
    (found,) = formats.read("misp", BytesIO(reject.raw.replace(text.encode(), mended.encode())))
    assert isinstance(found, Entry)
    return found


@pytest.mark.parametrize("inside", ["Attribute", "Object"])
def test_what_is_refused_can_be_read_alone_with_all_that_holds_for_it(inside: str):
    event = {**EVENT, "Attribute": [], "Object": [], inside: EVENT[inside]}
    right = json.dumps({"response": [{"Event": event}]})
    (good,) = entries("misp", right.encode())
    sought = "evil.example" if inside == "Attribute" else HASH
    (reject,) = parse("misp", right.replace(sought, "not at all").encode())
    assert isinstance(reject, Reject)
    assert len(reject.excerpt) < len(reject.raw)
    assert msgspec.structs.replace(entered(reject, "not at all", sought), at=good.at) == good


def test_what_is_refused_in_a_large_event_is_kept_by_its_beginning_alone():
    found = rejects("misp", {**attribute(value="not at all"), "Tag": [{"name": "x" * 1000}] * 100})
    assert [(reject.raw, reject.excerpt[:8]) for reject in found] == [(b"", '{"type":')]


@pytest.mark.parametrize(
    "body",
    [
        EVENT,
        {"Event": EVENT},
        [{"Event": EVENT}],
        [EVENT],
        {"response": [{"Event": EVENT}]},
        {"response": {"Event": EVENT}},
        b"\xef\xbb\xbf" + json.dumps({"Event": EVENT}, indent=1).encode(),
    ],
)
def test_an_event_is_found_in_every_wrapping(body: Any):
    assert [entry.key for entry in entries("misp", body)] == [
        "[domain-name:value = 'evil.example']",
        f"[file:hashes.'SHA-256' = '{HASH}']",
    ]


def test_each_line_may_be_an_event_and_a_bad_one_costs_itself():
    body = b"\n".join((json.dumps({"Event": EVENT}).encode(), b"{", b"", json.dumps(EVENT).encode()))
    found = parse("misp", body)
    assert [type(item) for item in found] == [Entry, Entry, Reject, Entry, Entry]
    assert [item.at for item in found if isinstance(item, Reject)] == ["line 2"]


def test_the_answer_to_a_search_for_attributes_is_read():
    (found,) = entries("misp", {"response": {"Attribute": [ATTRIBUTE | {"Event": {"info": "Fines"}}]}})
    assert (found.at, found.name) == ("/response/Attribute/0", "Fines")


def test_an_entry_says_what_the_attribute_and_its_event_say():
    found = entries("misp", {"response": [{"Event": EVENT}]})[0]
    assert found.at == "/response/0/Event/Attribute/0"
    assert (found.name, found.description) == ("Fake parking fines", "C2 of the second stage")
    assert found.labels == ("Sea Turtle", "LockSmith", "phishing")
    assert found.facts["threats"] == ["Sea Turtle", "LockSmith"]
    assert found.marking_refs == (MARKING_IDS[TLP.AMBER],)
    assert found.since == datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)
    assert found.facts["event"] == EVENT["uuid"]


def test_an_attribute_of_an_object_takes_what_it_lacks_from_the_object():
    found = entries("misp", EVENT)[1]
    assert (found.description, found.facts["object"], found.facts["relation"]) == ("dropped", "file", "sha256")
    assert found.since == datetime(2023, 11, 1, tzinfo=UTC)


def test_tags_of_an_attribute_add_to_those_of_its_event():
    own = [{"name": "tlp:red"}, {"name": 'misp:confidence-level="fairly-confident"'}]
    (found, _) = entries("misp", EVENT | {"Attribute": [ATTRIBUTE | {"Tag": own}]})
    assert found.marking_refs == (MARKING_IDS[TLP.AMBER], MARKING_IDS[TLP.RED])
    assert found.confidence == 50


def test_what_was_seen_first_and_last_and_is_over_is_read():
    sightings = [{"type": "0", "date_sighting": "1700000100"}, {"type": "2", "date_sighting": "1700000200"}]
    body = attribute(first_seen="2023-03-16T08:00:00.000000+00:00", Sighting=sightings)
    (found,) = entries("misp", body)
    assert found.since == datetime(2023, 3, 16, 8, tzinfo=UTC)
    assert found.seen == datetime(2023, 11, 14, 22, 15, tzinfo=UTC)
    assert found.until == datetime(2023, 11, 14, 22, 16, 40, tzinfo=UTC)


@pytest.mark.parametrize(
    ("type_", "value", "expected"),
    [
        ("ip-dst", "192.0.2.1", ["[ipv4-addr:value = '192.0.2.1']"]),
        ("ip-src", "2001:DB8::/32", ["[ipv6-addr:value = '2001:db8::/32']"]),
        ("hostname", "WWW.Evil.Example", ["[domain-name:value = 'www.evil.example']"]),
        ("url", "HTTP://evil.example", ["[url:value = 'http://evil.example/']"]),
        ("url", "hxxps://evil[.]example/a", ["[url:value = 'https://evil.example/a']"]),
        ("ip-dst", "192[.]0[.]2[.]1", ["[ipv4-addr:value = '192.0.2.1']"]),
        ("email-src", "who@evil.example", ["[email-addr:value = 'who@evil.example']"]),
        ("AS", "AS64500", ["[autonomous-system:number = 64500]"]),
        ("md5", "A" * 32, [f"[file:hashes.MD5 = '{'a' * 32}']"]),
        ("filename|sha256", f"a|b.exe|{HASH}", [f"[file:hashes.'SHA-256' = '{HASH}']"]),
        ("ip-dst|port", "192.0.2.1|443", ["[ipv4-addr:value = '192.0.2.1']"]),
        ("domain|ip", "e.example|192.0.2.1", ["[domain-name:value = 'e.example']", "[ipv4-addr:value = '192.0.2.1']"]),
        ("x509-fingerprint-sha1", "AB:" * 19 + "AB", [f"[x509-certificate:hashes.'SHA-1' = '{'ab' * 20}']"]),
        ("filename", "it's.exe", ["[file:name = 'it\\'s.exe']"]),
        ("regkey", "HKLM\\Run", ["[windows-registry-key:key = 'HKLM\\\\Run']"]),
        ("mutex", "Global\\x", ["[mutex:name = 'Global\\\\x']"]),
    ],
)
def test_each_type_has_its_pattern(type_: str, value: str, expected: list[str]):
    assert keys(type_, value) == expected


def test_a_port_and_a_file_name_are_facts():
    (host,) = entries("misp", attribute(type="ip-dst|port", value="192.0.2.1|443"))
    (file,) = entries("misp", attribute(type="filename|md5", value="a.exe|" + "b" * 32))
    assert (host.facts["port"], file.facts["filename"]) == (443, "a.exe")


def test_a_vulnerability_counts_though_it_is_never_for_detection():
    (found,) = entries("misp", attribute(type="vulnerability", value="cve-2024-0001", to_ids=False))
    assert (found.subject, found.key) == (Subject.VULNERABILITY, "CVE-2024-0001")


@pytest.mark.parametrize("members", [{"to_ids": False}, {"to_ids": "0"}, {"deleted": True}, {"deleted": "1"}])
def test_context_and_what_was_deleted_are_left_out(members: dict[str, Any]):
    assert parse("misp", attribute(**members)) == []


def test_what_an_event_says_of_itself_is_bounded_for_each_of_its_attributes():
    tags = [{"name": f"{number} {'x' * 900}"} for number in range(3000)]
    (found, _) = entries("misp", EVENT | {"Tag": tags, "info": "x" * 5000})
    assert (len(found.labels), max(map(len, found.labels))) == (500, 500)
    assert len(found.name or "") == 500


def test_nothing_of_a_deleted_object_counts():
    assert parse("misp", {"info": "x", "Object": [EVENT["Object"][0] | {"deleted": True}]}) == []


def test_context_of_a_publisher_who_never_sets_to_ids_may_count():
    body = {"info": "x", "Attribute": [ATTRIBUTE | {"to_ids": False}, {"type": "text", "value": "hello"}]}
    assert len(entries("misp", body, to_ids_only=False)) == 1


@pytest.mark.parametrize(
    ("members", "reason"),
    [
        ({"type": "yara"}, "no pattern can say"),
        ({"type": "attachment", "data": "TVqQAAMAAAAE"}, "no pattern can say"),
        ({"value": None}, "missing"),
        ({"type": "ip-dst"}, "not an IP address"),
        ({"type": "ip-dst|port", "value": "192.0.2.1"}, "names no port"),
        ({"type": 5}, "$.type"),
    ],
)
def test_what_cannot_be_looked_for_is_refused_with_the_reason(members: dict[str, Any], reason: str):
    (found,) = rejects("misp", attribute(**members))
    assert found.at == "/Attribute/0"
    assert reason in found.reason


@pytest.mark.parametrize("body", [b"", b"no json", b"[" * 100_000, {}, {"response": None}, {"errors": "denied"}, b"3"])
def test_what_is_no_event_is_refused_as_a_whole(body: Any):
    with pytest.raises(InvalidInput):
        parse("misp", body)


@given(mutated({"response": [{"Event": EVENT}]}) | mutated(EVENT) | st.binary())
def test_whatever_comes_is_taken_or_refused(body: bytes):
    survives("misp", body)


def test_an_event_made_by_pymisp_is_read():
    pymisp = pytest.importorskip("pymisp", reason="needs the package pymisp")
    event = pymisp.MISPEvent()
    event.info = "Made by another"
    event.add_attribute("ip-dst|port", "192.0.2.7|8443", to_ids=True).add_tag("tlp:green")
    file = event.add_object(name="file")
    file.add_attribute("sha256", value=HASH)
    host, hash_ = entries("misp", event.to_json().encode())
    assert (host.key, host.marking_refs) == ("[ipv4-addr:value = '192.0.2.7']", (MARKING_IDS[TLP.GREEN],))
    assert (hash_.facts["object"], hash_.facts["relation"]) == ("file", "sha256")


def test_real_events_give_every_attribute_that_is_meant_for_detection(shared_data: Path):
    for known in json.loads((shared_data / "COUNTS.json").read_text()):
        if known["kind"] == "misp":
            body = (shared_data / known["file"]).read_bytes()
            found = parse("misp", gzip.decompress(body) if body[:2] == b"\x1f\x8b" else body)
            meant = {item.at for item in found if isinstance(item, Reject) or _is_indicator(item)}
            assert (known["file"], len(meant)) == (known["file"], known["count"]["to_ids"])


def _is_indicator(item: Item) -> TypeGuard[Entry]:
    return isinstance(item, Entry) and item.subject is Subject.INDICATOR
