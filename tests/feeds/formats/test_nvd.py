"""Pages of NVD's API: one entry a vulnerability, with its configurations."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from citysec.errors import InvalidInput
from citysec.feeds.formats import Census, Entry, Reject
from citysec.software.records import KEV, Score, Vulnerability
from tests.feeds.formats.mutations import entries, mutated, parse, survives

CVE: dict[str, Any] = {
    "id": "CVE-2024-0001", "published": "2024-01-02T03:04:05.123", "lastModified": "2024-02-02T00:00:00.000",
    "vulnStatus": "Analyzed", "descriptions": [{"lang": "en", "value": "It is open."}],
    "metrics": {"cvssMetricV31": [{"source": "nvd@nist.gov", "cvssData": {
        "version": "3.1", "baseScore": 9.8, "baseSeverity": "CRITICAL", "vectorString": "CVSS:3.1/AV:N"}}]},
    "weaknesses": [{"description": [{"lang": "en", "value": "CWE-306"}, {"value": "NVD-CWE-Other"}]}],
    "configurations": [{"nodes": [{"operator": "OR", "negate": False, "cpeMatch": [{
        "vulnerable": True, "criteria": "cpe:2.3:a:acme:portal:*:*:*:*:*:*:*:*", "versionEndExcluding": "2"}]}]}],
    "cisaExploitAdd": "2024-01-05", "cisaActionDue": "2024-01-26", "cisaRequiredAction": "Patch.",
    "cisaVulnerabilityName": "Acme Portal Missing Authentication", "references": [{"url": "https://acme.example/1"}],
}  # fmt: skip
PAGE: dict[str, Any] = {
    "resultsPerPage": 2000, "startIndex": 2000, "totalResults": 2001, "vulnerabilities": [{"cve": CVE}],
}  # fmt: skip


def test_a_page_declares_how_many_it_has():
    declared, found = parse("nvd", PAGE)
    assert declared == Census(1)
    assert isinstance(found, Entry)
    assert (found.at, found.key) == ("/vulnerabilities/0", "CVE-2024-0001")
    assert found.since == datetime(2024, 1, 2, 3, 4, 5, 123000, tzinfo=UTC)


def test_the_facts_have_the_shape_of_all_vulnerabilities():
    said = msgspec.convert(entries("nvd", CVE)[0].facts, Vulnerability)
    assert said.affected[0].versions[0].end == "2"
    assert said.cvss == (Score("3.1", 9.8, "critical", "CVSS:3.1/AV:N", "nvd@nist.gov"),)
    assert said.cwes == ("CWE-306",)
    assert said.kev == KEV(date(2024, 1, 5), date(2024, 1, 26), action="Patch.")


@pytest.mark.parametrize("body", [CVE, {"cve": CVE}, {"vulnerabilities": [{"cve": CVE}]}, {"cve_items": [CVE]}, [CVE]])
def test_a_vulnerability_is_found_in_every_wrapping(body: Any):
    assert [entry.key for entry in entries("nvd", body)] == ["CVE-2024-0001"]


def test_a_rejected_vulnerability_is_to_be_disregarded():
    (found,) = entries("nvd", CVE | {"vulnStatus": "Rejected"})
    assert (found.until, found.facts["state"]) == (datetime(2024, 2, 2, tzinfo=UTC), "rejected")


def test_a_bad_vulnerability_costs_itself():
    found = parse("nvd", {"vulnerabilities": [{"cve": {"id": "CVE-x"}}, 3, {"cve": CVE}]})
    assert [type(item) for item in found] == [Reject, Reject, Entry]


@pytest.mark.parametrize("body", [b"", b"{}", b"[", b'"x"', {"vulnerabilities": None}])
def test_what_is_nothing_of_nvd_is_refused_as_a_whole(body: Any):
    with pytest.raises(InvalidInput):
        parse("nvd", body)


@given(mutated(PAGE) | mutated(CVE) | st.binary())
def test_whatever_comes_is_taken_or_refused(body: bytes):
    survives("nvd", body)
