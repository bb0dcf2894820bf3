"""CSAF advisories: a report, and its vulnerabilities with the products of the tree."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from citysec.errors import InvalidInput
from citysec.feeds.formats import Entry, Reject, Subject, csaf_products
from citysec.feeds.formats.affected import ranges
from citysec.software.records import NAMED, Affected, Remedy, Score, Status, Versions, Vulnerability
from citysec.tlp import MARKING_IDS, TLP
from tests.feeds.formats.mutations import entries, mutated, parse, rejects, survives

CPE = "cpe:2.3:a:acme:portal:*:*:*:*:*:*:*:*"
SELF = "https://acme.example/csaf/2024/acme-2024-1.json"


def branch(category: str, called: str, *inner: Any, **product: Any) -> dict[str, Any]:
    found: dict[str, Any] = {"category": category, "name": called}
    return found | ({"product": product} if product else {"branches": list(inner)})


ADVISORY: dict[str, Any] = {
    "document": {
        "category": "csaf_security_advisory", "csaf_version": "2.0", "title": "Portal lets anybody in",
        "distribution": {"tlp": {"label": "AMBER"}}, "publisher": {"name": "Acme", "namespace": "https://acme.example"},
        "aggregate_severity": {"text": "Critical"}, "notes": [{"category": "summary", "text": "It is open."}],
        "references": [{"category": "self", "url": SELF[:-4] + "html"}, {"category": "self", "url": SELF}],
        "tracking": {"id": "ACME-2024-1", "version": "3", "status": "final",
                     "initial_release_date": "2024-01-02T00:00:00Z", "current_release_date": "2024-02-02T00:00:00Z"},
    },
    "product_tree": {
        "branches": [branch("vendor", "Acme", branch("product_name", "Portal",
            branch("product_version_range", "vers:semver/>=1.0|<2.0", product_id="old", name="Portal 1"),
            branch("product_version", "2.0", product_id="new", name="Portal 2.0",
                   product_identification_helper={"cpe": CPE, "purl": "pkg:generic/portal@2.0"})))],
        "full_product_names": [{"product_id": "os", "name": "Acme OS", "product_identification_helper": {"cpe": CPE}}],
        "relationships": [{"category": "installed_on", "product_reference": "old", "relates_to_product_reference": "os",
                           "full_product_name": {"product_id": "old-on-os", "name": "Portal 1 on Acme OS"}}],
    },
    "vulnerabilities": [{
        "cve": "CVE-2024-0001", "title": "Missing authentication", "cwe": {"id": "CWE-306", "name": "…"},
        "product_status": {"known_affected": ["old"], "fixed": ["new"], "under_investigation": ["ghost"]},
        "scores": [{"products": ["old"], "cvss_v3": {
            "version": "3.1", "baseScore": 9.8, "baseSeverity": "CRITICAL", "vectorString": "CVSS:3.1/AV:N"}}],
        "remediations": [{"category": "vendor_fix", "details": "Take 2.0", "url": "https://acme.example/2"}],
    }],
}  # fmt: skip


def with_status(**status: list[str]) -> dict[str, Any]:
    one = ADVISORY["vulnerabilities"][0] | {"product_status": status}
    return ADVISORY | {"vulnerabilities": [one]}


def products(body: dict[str, Any]) -> tuple[Affected, ...]:
    return msgspec.convert(entries("csaf", body)[1].facts, Vulnerability).affected


def test_an_advisory_is_a_report_named_by_its_own_address():
    report, _ = entries("csaf", ADVISORY)
    assert (report.subject, report.key, report.name) == (Subject.REPORT, SELF, "Portal lets anybody in")
    assert (report.since, report.description) == (datetime(2024, 1, 2, tzinfo=UTC), "It is open.")
    assert report.facts["cves"] == ["CVE-2024-0001"]
    assert (report.facts["id"], report.facts["version"], report.facts["severity"]) == ("ACME-2024-1", "3", "Critical")


def test_all_that_an_advisory_says_is_under_its_label():
    assert {entry.marking_refs for entry in entries("csaf", ADVISORY)} == {(MARKING_IDS[TLP.AMBER],)}


def test_without_an_address_publisher_and_id_name_it():
    body = ADVISORY | {"document": ADVISORY["document"] | {"references": []}}
    assert entries("csaf", body)[0].key == "https://acme.example#ACME-2024-1"


def test_a_vulnerability_has_the_facts_of_all_vulnerabilities():
    found = entries("csaf", ADVISORY)[1]
    assert (found.subject, found.key, found.at) == (Subject.VULNERABILITY, "CVE-2024-0001", "/vulnerabilities/0")
    said = msgspec.convert(found.facts, Vulnerability)
    assert (said.cwes, said.cvss) == (("CWE-306",), (Score("3.1", 9.8, "critical", "CVSS:3.1/AV:N"),))
    assert said.remedies == (Remedy("vendor_fix", "Take 2.0", "https://acme.example/2"),)


def test_the_status_of_a_product_is_told_for_its_versions():
    old, new, ghost = products(ADVISORY)
    low = Versions(start="1.0", end="2.0", end_excluded=True, order="semver")
    assert old == Affected(vendor="Acme", product="Portal", versions=(low,))
    assert new.versions == (Versions(status=Status.UNAFFECTED, exact="2.0"),)
    assert (new.cpes, new.purl) == ((CPE,), "pkg:generic/portal@2.0")
    assert ghost == Affected(product="ghost", versions=(Versions(status=Status.UNKNOWN),))


def build(version: str, status: str, **helper: str) -> Affected:
    """Return what an advisory says that gives one product a status."""
    vendor = branch("vendor", "Red Hat", branch("product_version", version, product_id="it", name=version,
                                                product_identification_helper=helper))  # fmt: skip
    (found,) = products(with_status(**{status: ["it"]}) | {"product_tree": {"branches": [vendor]}})
    return found


def test_a_build_that_is_mended_condemns_those_before_it():
    purl = "pkg:rpm/redhat/openssl@1.1.1k-12.el8_9?arch=x86_64&epoch=1"
    found = build("openssl-1:1.1.1k-12.el8_9.x86_64", "fixed", purl=purl)
    assert found.versions == (Versions(status=Status.UNAFFECTED, start="1:1.1.1k-12.el8_9", order="rpm"),)
    assert found.default is Status.AFFECTED


def test_a_package_without_a_version_is_every_version():
    found = build("openssl", "known_affected", purl="pkg:rpm/redhat/openssl")
    assert (found.versions, found.default) == ((Versions(),), Status.UNKNOWN)


def test_what_is_mended_in_no_version_says_nothing():
    assert build("openssl", "fixed", purl="pkg:rpm/redhat/openssl").versions == (Versions(status=Status.UNKNOWN),)


def test_the_last_affected_version_says_something_of_those_before_it():
    assert build("1.5", "last_affected").versions == (Versions(status=Status.UNKNOWN, end="1.5"), Versions(exact="1.5"))


def test_the_version_in_a_name_of_cpe_counts_where_no_other_is_said():
    whole = {"product_id": "it", "name": "Acme Portal 2.0", "product_identification_helper": {
        "cpe": "cpe:/a:acme:portal:2.0"}}  # fmt: skip
    (found,) = products(with_status(fixed=["it"]) | {"product_tree": {"full_product_names": [whole]}})
    assert found.versions == (Versions(status=Status.UNAFFECTED, exact="2.0", order=NAMED),)


def test_a_product_on_another_one_says_so():
    (found,) = products(with_status(known_affected=["old-on-os"]))
    assert (found.product, found.platforms, found.running_on) == ("Portal", ("Acme OS",), (CPE,))


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("vers:all/*", [Versions()]),
        ("<1.2", [Versions(end="1.2", end_excluded=True)]),
        ("vers:rpm/1.0|>=2|<=3|>5", [
            Versions(exact="1.0", order="rpm"), Versions(start="2", end="3", order="rpm"),
            Versions(start="5", start_excluded=True, order="rpm")]),
        ("vers:deb/<1%3A2|!=1%3A1", [Versions(end="1:2", end_excluded=True, order="deb")]),
    ],
)  # fmt: skip
def test_a_version_range_specifier_is_read(words: str, expected: list[Versions]):
    assert list(ranges(words, Status.AFFECTED)) == expected


def test_what_products_take_over_from_each_other_does_not_pile_up():
    branch: dict[str, Any] = {"product": {"product_id": "deep", "name": "x"}}
    for _ in range(50):
        branch = {"category": "service_pack", "name": "x" * 100, "branches": [branch]}
    links = [
        {
            "product_reference": str(n - 1),
            "relates_to_product_reference": "deep",
            "full_product_name": {"product_id": str(n)},
        }
        for n in range(1, 2001)
    ]
    known = csaf_products.products({"branches": [branch], "relationships": links})
    assert len(known["deep"].versions[0].exact or "") == 1000
    assert len(known["2000"].platforms) == 20


@pytest.mark.parametrize(("found", "at"), [([None, {"cve": "CVE-2024-0001"}], "/0"), ({"cve": "CVE-2024-0001"}, "")])
def test_what_should_be_a_vulnerability_is_not_passed_over_silently(found: Any, at: str):
    (reject,) = rejects("csaf", ADVISORY | {"vulnerabilities": found})
    assert reject.at == f"/vulnerabilities{at}"


def test_a_vulnerability_without_a_cve_id_costs_itself():
    _, found = parse("csaf", ADVISORY | {"vulnerabilities": [{"title": "Nameless"}]})
    assert found == Reject("/vulnerabilities/0", "the vulnerability has no CVE id", "Nameless")


def test_a_bad_document_in_a_list_costs_itself():
    assert [type(item) for item in parse("csaf", [{}, ADVISORY])] == [Reject, Entry, Entry]


@pytest.mark.parametrize("body", [b"", b"{}", b"[", {"document": {"title": "x"}}, b'{"a":' * 100_000])
def test_what_is_no_advisory_is_refused_as_a_whole(body: Any):
    with pytest.raises(InvalidInput):
        parse("csaf", body)


@given(mutated(ADVISORY) | st.binary())
def test_whatever_comes_is_taken_or_refused(body: bytes):
    survives("csaf", body)
