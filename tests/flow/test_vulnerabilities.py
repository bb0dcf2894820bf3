"""From catalogues and inventories to exactly the incidents that the strategy names, and to their end."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from citysec.cli.instance import Instance
from tests.flow.city import FEED, Running, installed, running
from tests.flow.test_own_city import REGISTER
from tests.waiting import until

DOCUMENT = """\
kind = "document"
path = "../{name}.json"
semantics = "snapshot"
confirmations = 1
format = "{name}"
"""
FORTIOS, LOG4J, NGINX, NOBODY_S = "CVE-2024-21762", "CVE-2021-44228", "CVE-2024-7347", "CVE-2024-0001"
INVENTORY = """\
asset_id,organisation,sector,kind,value,scope,criticality,exposed
BATH-9,Bath Council,,software,cpe:2.3:o:fortinet:fortios:{bath}:*:*:*:*:*:*:*,exact,high,yes
BATH-8,Bath Council,,software,cpe:2.3:a:f5:nginx:1.20.0:*:*:*:*:*:*:*,exact,high,no
WELLS-9,Wells Council,,software,cpe:2.3:o:fortinet:fortios:7.2.7:*:*:*:*:*:*:*,exact,high,yes
"""
BOM = {
    "bomFormat": "CycloneDX",
    "components": [{"name": "log4j", "purl": "pkg:maven/org.apache.logging.log4j/log4j-core@2.14.1"}, {"name": "own"}],
}


def listed(cve: str, vendor: str, product: str, ransomware: str = "Unknown") -> dict[str, str]:
    """Return an entry of CISA's catalogue."""
    return {
        "cveID": cve, "vendorProject": vendor, "product": product, "dateAdded": "2024-02-09", "dueDate": "2099-02-16",
        "knownRansomwareCampaignUse": ransomware,
    }  # fmt: skip


def record(cve: str, score: float, **product: Any) -> dict[str, Any]:
    """Return a CVE record."""
    metrics = [{"cvssV3_1": {"version": "3.1", "baseScore": score, "vectorString": "", "baseSeverity": ""}}]
    cna = {"affected": [{"defaultStatus": "unaffected", **product}], "metrics": metrics}
    about = {"cveId": cve, "state": "PUBLISHED", "datePublished": "2024-02-09T00:00:00Z"}
    return {"dataType": "CVE_RECORD", "cveMetadata": about, "containers": {"cna": cna}}


def before(end: str, start: str) -> list[dict[str, str]]:
    """Return the versions from `start` that are before `end`."""
    return [{"version": start, "lessThan": end, "status": "affected", "versionType": "semver"}]


KEV = [
    listed(FORTIOS, "Fortinet", "FortiOS", "Known"),
    listed(LOG4J, "Apache", "Log4j2"),
    listed(NOBODY_S, "Acme", "Router"),
]
CVES = [
    record(FORTIOS, 9.8, vendor="Fortinet", product="FortiOS", versions=before("7.2.7", "7.2.0")),
    record(LOG4J, 10.0, packageName="org.apache.logging.log4j:log4j-core", versions=before("2.15.0", "2.0.1")),
    record(NGINX, 5.7, vendor="F5", product="NGINX", versions=before("1.27.1", "1.5.13")),
]


@pytest.fixture
async def city(tmp_path: Path) -> Instance:
    """Two councils with their software, and two feeds."""
    city = await installed(tmp_path / "city")
    for part, text in (REGISTER | {"inventory": INVENTORY.format(bath="7.2.3")}).items():
        await registered(city, part, text)
    (city.data / "bom.json").write_text(json.dumps(BOM))
    bom = await city.run("constituency", "inventory", str(city.data / "bom.json"), "--owner", "wells", "--apply")
    assert "1 component has neither" in bom
    (city.data / "feeds").mkdir()
    for name in ("kev", "cve"):
        (city.data / "feeds" / f"{name}.toml").write_text(FEED.format(name=name) + DOCUMENT.format(name=name))
    return city


async def registered(city: Instance, part: str, text: str) -> None:
    """Import a part of the register."""
    (city.data / f"{part}.csv").write_text(text)
    await city.run("constituency", "import", str(city.data / f"{part}.csv"), "--apply")


async def poll(here: Running, kev: list[dict[str, str]], cves: list[dict[str, Any]]) -> None:
    """Have both feeds read as they are now, each with all that comes of it before the next."""
    for name, content in (("kev", {"vulnerabilities": kev, "count": len(kev)}), ("cve", cves)):
        (here.instance.data / f"{name}.json").write_text(json.dumps(content))
        await here.instance.run("feeds", "poll", name)
        await here.settled()


async def titles(here: Running) -> dict[str | None, list[str]]:
    """Return the titles of the open incidents by constituent."""
    return {slug: [one["title"] for one in found] for slug, found in (await here.incidents()).items()}


async def test_exactly_what_is_exploited_is_an_incident_until_it_is_mended_or_withdrawn(city: Instance):
    async with running(city) as here:
        await poll(here, KEV, CVES)
        assert await titles(here) == {"bath": [f"Vulnerability: {FORTIOS}"], "wells": [f"Vulnerability: {LOG4J}"]}
        stored = {
            (one["indicator_value"], one["relation"]) for one in await here.all("/matches") if not one["closed_at"]
        }
        assert stored == {(FORTIOS, "affected"), (LOG4J, "affected"), (NGINX, "affected")}

        await until(lambda: {"bath", "wells"} <= here.told().keys(), timeout_s=90)
        mail = next(mail for mail in here.mails.mails if "bath" in mail.to)
        words = " ".join(mail.text.split())
        assert f"fortios 7.2.3 is affected by {FORTIOS} (from 7.2.0, before 7.2.7)." in words
        assert "known to be exploited since 9 February 2024, also by ransomware" in words
        assert "Mend it by" in words

        waiting = await here.all("/vulnerabilities/unmatchable")
        assert [one["cve"] for one in waiting] == [NOBODY_S]
        assert NOBODY_S in await city.run("vulnerabilities", "unmatchable")
        assert NGINX in await city.run("vulnerabilities", "list")

        await registered(city, "inventory", INVENTORY.format(bath="7.2.7"))
        await here.settled()
        assert await titles(here) == {"wells": [f"Vulnerability: {LOG4J}"]}
        await poll(here, [one for one in KEV if one["cveID"] != LOG4J], [CVES[0], CVES[2]])
        assert await titles(here) == {}
        closed = {(one["indicator_value"], one["close_reason"]) for one in await here.all("/matches")}
        mended, wells_had_it_already = (FORTIOS, "asset-withdrawn"), (FORTIOS, "superseded")
        assert closed == {mended, wells_had_it_already, (LOG4J, "delisted"), (NGINX, None)}
