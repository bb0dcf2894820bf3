"""CISA's catalogue: the same entries out of JSON and CSV."""

from __future__ import annotations

import csv
import json
from datetime import UTC, date, datetime
from io import StringIO
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from citysec.errors import InvalidInput
from citysec.feeds.formats import Census, Entry, Reject, Subject
from citysec.software.records import KEV, Affected, Vulnerability
from tests.feeds.formats.mutations import damaged, entries, mutated, parse, parse_or_refuse, rejects, survives

LISTED: dict[str, Any] = {
    "cveID": "CVE-2024-0001", "vendorProject": "Acme", "product": "Portal", "vulnerabilityName": "Acme Portal Hole",
    "dateAdded": "2024-01-05", "shortDescription": "Portal, when asked \"nicely\",\nopens.", "requiredAction": "Patch.",
    "dueDate": "2024-01-26", "knownRansomwareCampaignUse": "Known",
    "notes": "See https://acme.example/1 ; https://nvd.nist.gov/vuln/detail/CVE-2024-0001",
    "cwes": ["CWE-306", "CWE-77"],
}  # fmt: skip
CATALOGUE: dict[str, Any] = {"title": "CISA", "count": 1, "vulnerabilities": [LISTED]}


def as_csv(*rows: dict[str, Any]) -> bytes:
    text = StringIO()
    writer = csv.DictWriter(text, LISTED)
    writer.writeheader()
    writer.writerows(row | {"cwes": ", ".join(row["cwes"])} for row in rows)
    return text.getvalue().encode()


def test_the_catalogue_declares_how_many_it_lists():
    declared, found = parse("kev", CATALOGUE)
    assert declared == Census(1)
    assert isinstance(found, Entry)


def test_an_entry_says_since_when_until_when_and_for_what():
    _, found = parse("kev", CATALOGUE)
    assert isinstance(found, Entry)
    assert (found.subject, found.key, found.name) == (Subject.VULNERABILITY, "CVE-2024-0001", "Acme Portal Hole")
    assert (found.since, found.labels) == (datetime(2024, 1, 5, tzinfo=UTC), ("ransomware",))
    assert found.references == ("https://acme.example/1", "https://nvd.nist.gov/vuln/detail/CVE-2024-0001")
    assert msgspec.convert(found.facts, Vulnerability) == Vulnerability(
        affected=(Affected(vendor="Acme", product="Portal", by="CISA"),),
        cwes=("CWE-306", "CWE-77"),
        kev=KEV(date(2024, 1, 5), date(2024, 1, 26), ransomware=True, action="Patch."),
    )


def test_a_member_whose_name_is_damaged_is_not_lost_in_silence():
    body = json.dumps(CATALOGUE).encode().replace(b"requiredAction", b"requiredActi\xf7n")
    (found,) = rejects("kev", body)
    assert "decode byte 0xf7" in found.reason


def test_csv_says_the_same_but_for_the_place():
    _, from_json = parse("kev", CATALOGUE)
    (from_csv,) = entries("kev", b"\xef\xbb\xbf" + as_csv(LISTED))
    assert isinstance(from_json, Entry)
    assert from_csv.at == "line 2"
    assert msgspec.structs.replace(from_csv, at=from_json.at) == from_json


def test_a_bad_row_costs_itself():
    first, second = parse("kev", as_csv(LISTED | {"cveID": "CVE-1"}, LISTED))
    assert isinstance(first, Reject)
    assert isinstance(second, Entry)
    assert rejects("kev", first.raw)[0].reason == first.reason
    first, _ = parse("kev", {"vulnerabilities": [3, LISTED]})
    assert first == Reject("/vulnerabilities/0", "Expected `object`, got `int`", "3", b"3")


@given(mutated(LISTED))
def test_facts_are_those_of_a_vulnerability(body: bytes):
    for entry in (item for item in parse_or_refuse("kev", body) if isinstance(item, Entry)):
        assert entry.facts == msgspec.convert(entry.facts, Vulnerability).facts()


def test_one_vulnerability_may_stand_alone():
    assert [entry.key for entry in entries("kev", LISTED)] == ["CVE-2024-0001"]
    assert [entry.at for entry in entries("kev", [LISTED, LISTED])] == ["/0", "/1"]


def test_a_cell_without_an_end_costs_what_it_swallows():
    first, second = parse("kev", as_csv(LISTED) + b'CVE-2024-0002,"' + b"x" * 300_000)
    assert isinstance(first, Entry)
    assert isinstance(second, Reject)


@pytest.mark.parametrize("body", [b"", b"{}", b"a,b\n1,2\n", {"vulnerabilities": 3}, b"\0", b'"' + b"x" * 300_000])
def test_what_is_no_catalogue_is_refused_as_a_whole(body: Any):
    with pytest.raises(InvalidInput):
        parse("kev", body)


@given(mutated(CATALOGUE) | damaged(as_csv(LISTED, LISTED)) | st.binary())
def test_whatever_comes_is_taken_or_refused(body: bytes):
    survives("kev", body)


def test_the_real_catalogue_is_whole_in_both_forms(shared_data: Path):
    counts = {known["file"]: known["count"] for known in json.loads((shared_data / "COUNTS.json").read_text())}
    file = "kev/known_exploited_vulnerabilities.{}"
    declared, *found = parse("kev", (shared_data / file.format("json")).read_bytes())
    rows = entries("kev", (shared_data / file.format("csv")).read_bytes())
    listed = [entry for entry in found if isinstance(entry, Entry)]
    known = counts[file.format("json")]
    assert declared == Census(known["declared"])
    assert len(listed) == len({entry.key for entry in listed}) == known["entries"] == len(rows)
    assert sum("ransomware" in entry.labels for entry in listed) == known["ransomware_known"]
    assert [(entry.key, entry.since, entry.facts) for entry in rows] == [(e.key, e.since, e.facts) for e in listed]
