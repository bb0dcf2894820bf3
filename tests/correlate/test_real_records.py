"""Real records of CVE and the whole catalogue of KEV: what of them can be matched, and with what."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from citysec.correlate.verdicts import Verdict, decides
from citysec.correlate.vulnerability import judge
from citysec.feeds.formats import FORMATS, Entry
from citysec.software import product
from citysec.software.records import Affected, Vulnerability


def entries(name: str, file: Path) -> Iterator[tuple[str, Vulnerability]]:
    """Yield the vulnerabilities of a file."""
    form = FORMATS[name]
    with file.open("rb") as opened:
        for item in form.read(opened, form.options()):
            if isinstance(item, Entry):
                yield item.key, msgspec.convert(item.facts, Vulnerability)


@pytest.fixture(scope="module")
def records(shared_data: Path) -> dict[str, tuple[Affected, ...]]:
    """All CVE records of the data: CVE -> products."""
    files = sorted((shared_data / "cve5").glob("CVE-*.json"))
    return {cve: about.affected for file in files for cve, about in entries("cve", file)}


def test_every_entry_of_the_catalogue_names_a_product_that_decides_nothing(shared_data: Path):
    found = [about for _, about in entries("kev", shared_data / "kev" / "known_exploited_vulnerabilities.json")]
    assert len(found) == 1404
    assert all(product.keys_about(said) for about in found for said in about.affected)
    assert not any(decides(said) for about in found for said in about.affected)


def test_all_records_but_one_say_which_versions_of_a_product(records: dict[str, tuple[Affected, ...]]):
    assert len(records) == 60
    decided = {cve for cve, said in records.items() if any(decides(one) and product.keys_about(one) for one in said)}
    assert records.keys() - decided == {"CVE-2023-49103"}  # "n/a" of "n/a"


@pytest.mark.parametrize(
    ("cve", "name", "verdict"),
    [
        ("CVE-2024-21762", "o:fortinet:fortios:7.2.6", Verdict.AFFECTED),
        ("CVE-2024-21762", "o:fortinet:fortios:7.2.7", Verdict.NOT),
        ("CVE-2024-21762", "o:fortinet:fortios:7.4.2", Verdict.AFFECTED),
        ("CVE-2024-21762", "o:fortinet:fortios:7.4.3", Verdict.NOT),
        ("CVE-2024-21762", "a:fortinet:fortiproxy:2.0.14", Verdict.NOT),
        ("CVE-2024-23897", "a:jenkins:jenkins:2.441", Verdict.AFFECTED),
        ("CVE-2024-23897", "a:jenkins:jenkins:2.442", Verdict.NOT),
        ("CVE-2024-23897", "a:jenkins:jenkins:2.426.3", Verdict.NOT),
        ("CVE-2024-36401", "a:geoserver:geoserver:2.25.1", Verdict.AFFECTED),
        ("CVE-2024-36401", "a:geoserver:geoserver:2.26.0", Verdict.NOT),
        ("CVE-2024-27348", "a:apache:hugegraph-server:1.2.0", Verdict.AFFECTED),
        ("CVE-2024-27348", "a:apache:hugegraph-server:1.3.0", Verdict.NOT),
        ("CVE-2024-21412", "o:microsoft:windows_10_1809:10.0.17763.5400", Verdict.AFFECTED),
        ("CVE-2024-21412", "o:microsoft:windows_10_1809:10.0.17763.5458", Verdict.NOT),
        ("CVE-2024-37085", "o:vmware:esxi:8.0", Verdict.POSSIBLE),
        ("CVE-2024-37085", "a:vmware:cloud_foundation:5.1", Verdict.AFFECTED),
        ("CVE-2024-37085", "o:vmware:esxi:7.0.3", Verdict.POSSIBLE),
        ("CVE-2024-39717", "a:versa:director:21.2.2.1", Verdict.POSSIBLE),
        ("CVE-2024-7971", "a:google:chrome:127.0.1", Verdict.AFFECTED),
        ("CVE-2024-7971", "a:google:chrome:128.0.6613.84", Verdict.NOT),
        ("CVE-2024-20399", r"o:cisco:nx-os:6.0\(2\)a6\(1\)", Verdict.AFFECTED),
        ("CVE-2024-28986", "a:solarwinds:web_help_desk:12.7", Verdict.AFFECTED),
        ("CVE-2024-40766", "o:sonicwall:sonicos:7.0.1-5030", Verdict.AFFECTED),
    ],
)
def test_real_ranges(records: dict[str, tuple[Affected, ...]], cve: str, name: str, verdict: Verdict):
    software = product.parse(f"cpe:2.3:{name}:*:*:*:*:*:*:*")
    found = judge(software, records[cve])
    assert found is not None
    assert found.verdict is verdict
