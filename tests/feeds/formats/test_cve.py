"""CVE records: one entry each, with what every container says."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from citysec.errors import InvalidInput
from citysec.feeds.formats import Entry, Reject, Subject
from citysec.software.records import KEV, Affected, Score, Status, Versions, Vulnerability
from tests.feeds.formats.mutations import entries, mutated, parse, survives

CPE = "cpe:2.3:a:acme:portal:*:*:*:*:*:*:*:*"
RECORD: dict[str, Any] = {
    "dataType": "CVE_RECORD",
    "cveMetadata": {
        "cveId": "CVE-2024-0001", "state": "PUBLISHED", "datePublished": "2024-01-02T03:04:05",
        "dateUpdated": "2024-02-02T00:00:00.000Z",
    },
    "containers": {
        "cna": {
            "title": "Portal lets anybody in",
            "providerMetadata": {"shortName": "acme"},
            "descriptions": [{"lang": "de", "value": "Offen"}, {"lang": "en-US", "value": "It is open."}],
            "affected": [{"vendor": "n/a", "product": "Portal", "defaultStatus": "unaffected",
                          "versions": [{"version": "1", "lessThan": "2", "status": "affected"}]}],
            "references": [{"url": "https://acme.example/1"}, {"url": "javascript:alert(1)"}],
            "problemTypes": [{"descriptions": [{"cweId": "CWE-306"}]}],
            "metrics": [{"cvssV3_1": {"version": "3.1", "baseScore": 9.8, "baseSeverity": "CRITICAL",
                                      "vectorString": "CVSS:3.1/AV:N"}}],
        },
        "adp": [{
            "providerMetadata": {"shortName": "CISA-ADP"},
            "affected": [{"vendor": "acme", "product": "portal", "cpes": [CPE]}],
            "metrics": [
                {"other": {"type": "ssvc", "content": {
                    "options": [{"Exploitation": "active"}, {"Automatable": "yes"}]}}},
                {"other": {"type": "kev", "content": {"dateAdded": "2024-01-05"}}},
            ],
        }],
    },
}  # fmt: skip


def rejected() -> dict[str, Any]:
    about = {"cveId": "CVE-2024-0002", "state": "REJECTED", "dateRejected": "2024-03-01T00:00:00Z"}
    reasons = [{"lang": "en", "value": "Not a vulnerability."}]
    return {"cveMetadata": about, "containers": {"cna": {"rejectedReasons": reasons}}}


def test_a_record_says_what_it_is_about():
    (found,) = entries("cve", RECORD)
    assert (found.subject, found.key) == (Subject.VULNERABILITY, "CVE-2024-0001")
    assert (found.name, found.description) == ("Portal lets anybody in", "It is open.")
    assert found.since == datetime(2024, 1, 2, 3, 4, 5, tzinfo=UTC)
    assert found.references == ("https://acme.example/1",)


def test_the_facts_hold_what_all_containers_say():
    (found,) = entries("cve", RECORD)
    assert msgspec.convert(found.facts, Vulnerability) == Vulnerability(
        affected=(
            Affected(
                product="Portal", versions=(Versions(start="1", end="2", end_excluded=True),),
                default=Status.UNAFFECTED, by="acme",
            ),
            Affected(vendor="acme", product="portal", cpes=(CPE,), by="CISA-ADP"),
        ),
        cvss=(Score("3.1", 9.8, "critical", "CVSS:3.1/AV:N", "acme"),),
        cwes=("CWE-306",),
        kev=KEV(date(2024, 1, 5)),
        ssvc={"exploitation": "active", "automatable": "yes"},
        updated=datetime(2024, 2, 2, tzinfo=UTC),
    )  # fmt: skip


def test_a_rejected_record_is_to_be_disregarded():
    (found,) = entries("cve", rejected())
    assert found.until == datetime(2024, 3, 1, tzinfo=UTC)
    assert (found.facts["state"], found.description) == ("rejected", "Not a vulnerability.")


def test_records_come_alone_in_lists_and_by_the_line():
    lines = b"\n".join((json.dumps(RECORD).encode(), b"{}", json.dumps(rejected()).encode(), b""))
    assert [type(item) for item in parse("cve", lines)] == [Entry, Reject, Entry]
    assert [entry.at for entry in entries("cve", [RECORD, rejected()])] == ["/0", "/1"]


@pytest.mark.parametrize("body", [b"", b"{}", b"3", b"null", {"cveMetadata": {"cveId": "CVE-1"}}, b'{"a":' * 100_000])
def test_what_is_no_record_is_refused_as_a_whole(body: Any):
    with pytest.raises(InvalidInput):
        parse("cve", body)


@given(mutated(RECORD) | mutated([rejected(), RECORD]) | st.binary())
def test_whatever_comes_is_taken_or_refused(body: bytes):
    survives("cve", body)


def test_real_records_give_their_products_and_scores(shared_data: Path):
    for known in json.loads((shared_data / "COUNTS.json").read_text()):
        if known["kind"] == "cve5":
            body = (shared_data / known["file"]).read_bytes()
            (found,) = entries("cve", body)
            said = msgspec.convert(found.facts, Vulnerability)
            owner = json.loads(body)["containers"]["cna"]["providerMetadata"]["shortName"]
            own = [product for product in said.affected if product.by == owner]
            counts = found.key, len(own), bool(said.cvss)
            assert counts == (known["count"]["cve"], known["count"]["affected"], known["count"]["has_cvss"])


def test_a_package_is_named_by_its_collection():
    product = {"packageName": "lodash", "collectionURL": "https://registry.npmjs.org", "versions": []}
    record = RECORD | {"containers": {"cna": {"affected": [product]}}}
    (found,) = msgspec.convert(entries("cve", record)[0].facts, Vulnerability).affected
    assert (found.package, found.purl) == ("lodash", "pkg:npm/lodash")
