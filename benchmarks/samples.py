"""Made-up files of events, vulnerabilities and advisories for the benchmark of formats."""

from __future__ import annotations

import json
from typing import Any

AT = "2026-05-18T07:30:00.000Z"
CVSS = {"version": "3.1", "baseScore": 9.8, "baseSeverity": "CRITICAL", "vectorString": "CVSS:3.1/AV:N/AC:L/PR:N"}
WORDS = "A flaw in how requests are checked lets anybody run commands as the service's own user. " * 3


def misp(records: int) -> bytes:
    """Return one event with an attribute for each record."""
    attributes = [
        {
            "type": "ip-dst", "value": f"20.{n >> 16 & 255}.{n >> 8 & 255}.{n & 255}", "to_ids": True, "deleted": False,
            "uuid": "5f0e6a9b-7c1c-4f43-9a52-04a5c0a8016f", "category": "Network activity", "timestamp": "1747553400",
            "comment": "C2", "first_seen": None, "last_seen": None, "object_relation": None, "distribution": "5",
        }
        for n in range(records)
    ]  # fmt: skip
    tags = [{"name": "tlp:green"}, {"name": 'misp-galaxy:threat-actor="Somebody"'}]
    return json.dumps({"response": [{"Event": {"info": "x", "Tag": tags, "Attribute": attributes}}]}).encode()


def kev(records: int) -> bytes:
    """Return a catalogue."""
    listed = [
        {
            "cveID": f"CVE-2026-{10000 + n}", "vendorProject": "Acme", "product": "Portal", "dateAdded": "2026-05-18",
            "vulnerabilityName": "Acme Portal Command Injection", "shortDescription": WORDS, "dueDate": "2026-06-08",
            "requiredAction": "Apply mitigations per vendor instructions.", "knownRansomwareCampaignUse": "Unknown",
            "notes": f"https://acme.example/{n} ; https://nvd.nist.gov/vuln/detail/", "cwes": ["CWE-77"],
        }
        for n in range(records)
    ]  # fmt: skip
    return json.dumps({"count": records, "vulnerabilities": listed}).encode()


def epss(records: int) -> bytes:
    """Return scores."""
    head = "#model_version:v2026.03.14,score_date:2026-05-18T12:00:00Z\ncve,epss,percentile\n"
    return (head + "\n".join(f"CVE-2026-{10000 + n},0.{n:05},0.{n:05}" for n in range(records))).encode()


def cve(records: int) -> bytes:
    """Return a CVE record a line."""
    return b"\n".join(json.dumps(_record(n)).encode() for n in range(records))


def _record(number: int) -> dict[str, Any]:
    about = {"cveId": f"CVE-2026-{10000 + number}", "state": "PUBLISHED", "datePublished": AT, "dateUpdated": AT}
    ranges = [{"version": f"{n}.0", "lessThan": f"{n}.4", "status": "affected"} for n in range(4)]
    product = {"vendor": "Acme", "product": "Portal", "defaultStatus": "unaffected", "versions": ranges}
    cna = {
        "providerMetadata": {"shortName": "acme"}, "title": "Portal", "affected": [product],
        "descriptions": [{"lang": "en", "value": WORDS}], "references": [{"url": "https://acme.example/1"}],
        "metrics": [{"cvssV3_1": CVSS}], "problemTypes": [{"descriptions": [{"cweId": "CWE-77"}]}],
    }  # fmt: skip
    return {"dataType": "CVE_RECORD", "cveMetadata": about, "containers": {"cna": cna}}


def nvd(records: int) -> bytes:
    """Return a page of the API."""
    return json.dumps({"vulnerabilities": [{"cve": _vulnerability(n)} for n in range(records)]}).encode()


def _vulnerability(number: int) -> dict[str, Any]:
    criteria = f"cpe:2.3:a:acme:portal{number % 500}:*:*:*:*:*:*:*:*"
    matches = [
        {"vulnerable": True, "criteria": criteria, "versionStartIncluding": f"{n}.0", "versionEndExcluding": f"{n}.4"}
        for n in range(4)
    ]
    return {
        "id": f"CVE-2026-{10000 + number}", "published": AT[:-1], "lastModified": AT[:-1], "vulnStatus": "Analyzed",
        "descriptions": [{"lang": "en", "value": WORDS}], "references": [{"url": "https://acme.example/1"}],
        "metrics": {"cvssMetricV31": [{"source": "nvd@nist.gov", "cvssData": CVSS}]},
        "weaknesses": [{"description": [{"lang": "en", "value": "CWE-77"}]}],
        "configurations": [{"nodes": [{"operator": "OR", "negate": False, "cpeMatch": matches}]}],
    }  # fmt: skip


def csaf(records: int) -> bytes:
    """Return one advisory about as many vulnerabilities, less one, as records."""
    product = {"product_id": "p", "name": "Portal", "product_identification_helper": {"purl": "pkg:generic/portal@1"}}
    about = {
        "title": "Portal", "publisher": {"name": "Acme", "namespace": "https://acme.example"},
        "tracking": {"id": "A-1", "initial_release_date": AT, "current_release_date": AT},
    }  # fmt: skip
    found = [
        {
            "cve": f"CVE-2026-{10000 + n}", "notes": [{"category": "summary", "text": WORDS}],
            "product_status": {"known_affected": ["p"]}, "scores": [{"products": ["p"], "cvss_v3": CVSS}],
            "remediations": [{"category": "vendor_fix", "details": "Take 2.0"}], "cwe": {"id": "CWE-77"},
        }
        for n in range(records - 1)
    ]  # fmt: skip
    tree = {"full_product_names": [product]}
    return json.dumps({"document": about, "product_tree": tree, "vulnerabilities": found}).encode()


def news(records: int) -> bytes:
    """Return a feed in RSS 2.0."""
    items = "".join(
        f"<item><title>Advisory {n}</title><link>https://acme.example/{n}</link><category>critical</category>"
        f"<pubDate>Mon, 18 May 2026 07:30:00 GMT</pubDate><description>&lt;p&gt;{WORDS} CVE-2026-{10000 + n}"
        "&lt;/p&gt;</description></item>"
        for n in range(records)
    )
    return f"<rss><channel><title>Acme</title>{items}</channel></rss>".encode()


def text(records: int) -> bytes:
    """Return a report with an indicator in each line."""
    return "\n".join(f"- The host evil{n}[.]example answered at noon; see file.zip" for n in range(records)).encode()
