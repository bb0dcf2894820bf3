"""Vulnerabilities against registered software, in both directions; what cannot be matched waits and is seen."""

from typing import Any

from sqlmodel import select

from citysec.feeds.formats import Entry, Subject
from citysec.software.records import EPSS, KEV, Affected, Score, Status, Versions, Vulnerability
from citysec.tables import IndicatorKey, Unmatchable
from citysec.tlp import TLP
from tests.correlate.city import City

CVE = "CVE-2024-21762"
OLD, NEW, OTHER = (
    f"cpe:2.3:{name}:*:*:*:*:*:*:*"
    for name in ("o:fortinet:fortios:7.2.3", "o:fortinet:fortios:7.2.7", "a:apache:tomcat:9.0.1")
)
PRODUCT = Affected(vendor="Fortinet", product="FortiOS")
RANGES = Affected(
    vendor="fortinet",
    product="fortios",
    versions=(Versions(start="7.2.0", end="7.2.7", end_excluded=True),),
    default=Status.UNAFFECTED,
)


def vulnerability(*products: Affected, cve: str = CVE, **said: Any) -> Entry:
    """Return what a feed says of a vulnerability."""
    facts = Vulnerability(affected=products, **said).facts()
    return Entry(at="/0", subject=Subject.VULNERABILITY, key=cve, facts=facts)


async def related(city: City) -> set[tuple[int, str]]:
    """Return asset and relation of the open matches."""
    return {(match.asset_id or 0, match.relation) for match in await city.matches() if match.closed_at is None}


async def queue(city: City) -> list[Unmatchable]:
    """Return what cannot be matched."""
    async with city.db.reading() as session:
        return list(await session.exec(select(Unmatchable)))


async def test_a_new_vulnerability_finds_the_software(city: City):
    old, _, _ = await city.own("camden", "software", OLD, NEW, OTHER)
    await city.record(vulnerability(RANGES))
    await city.work()
    assert await related(city) == {(old, "affected")}


async def test_new_software_finds_the_vulnerability(city: City):
    await city.record(vulnerability(RANGES))
    await city.work()
    old, _, _ = await city.own("camden", "software", OLD, NEW, OTHER)
    await city.work()
    assert await related(city) == {(old, "affected")}


async def test_a_match_keeps_why(city: City):
    await city.own("camden", "software", OLD)
    await city.record(vulnerability(RANGES, cvss=(Score("3.1", 9.8),)))
    await city.work()
    (match,) = await city.matches()
    assert (match.path, match.indicator_value, match.certain) == ("vulnerability:name", CVE, True)
    assert match.about == {
        "cve": CVE,
        "software": "fortios 7.2.3",
        "versions": "from 7.2.0, before 7.2.7",
        "fixed": "7.2.7",
        "cvss": 9.8,
    }


async def test_the_catalogue_alone_is_possible_and_ranges_decide_it(city: City):
    old, new = await city.own("camden", "software", OLD, NEW)
    await city.record(vulnerability(PRODUCT, kev=KEV()), feed="kev")
    await city.work()
    assert await related(city) == {(old, "possible"), (new, "possible")}
    await city.record(vulnerability(RANGES))
    await city.work()
    assert await related(city) == {(old, "affected")}
    assert {match.close_reason for match in await city.matches()} == {None, "superseded"}


async def test_what_has_no_versions_waits_until_somebody_says_them(city: City):
    await city.record(vulnerability(PRODUCT, kev=KEV()), feed="kev")
    await city.work()
    (waiting,) = await queue(city)
    assert (waiting.cve, waiting.product, waiting.exploited) == (CVE, "Fortinet FortiOS", True)
    await city.record(vulnerability(RANGES))
    await city.work()
    assert await queue(city) == []


async def test_what_a_report_only_names_waits(city: City):
    at = {"created": "2024-01-01T00:00:00.000Z", "modified": "2024-01-01T00:00:00.000Z", "spec_version": "2.1"}
    named = {"type": "vulnerability", "id": "vulnerability--22222222-2222-4222-8222-222222222222", "name": CVE}
    unnumbered = named | {"id": "vulnerability--22222222-2222-4222-8222-222222222223", "name": "A hole"}
    await city.say(named | at, unnumbered | at)
    await city.work()
    assert [waiting.cve for waiting in await queue(city)] == [CVE]


async def test_a_likelihood_alone_waits_for_nothing(city: City):
    await city.record(vulnerability(epss=EPSS(0.9)), feed="epss")
    await city.work()
    assert await queue(city) == []


async def test_a_patched_register_closes_the_match(city: City):
    (old,) = await city.own("camden", "software", OLD)
    await city.record(vulnerability(RANGES))
    await city.work()
    await city.disown(old)
    await city.own("camden", "software", NEW)
    await city.work()
    assert [match.close_reason for match in await city.matches()] == ["asset-withdrawn"]


async def test_changed_ranges_close_the_match(city: City):
    await city.own("camden", "software", OLD)
    await city.record(vulnerability(RANGES))
    await city.work()
    await city.record(vulnerability(Affected(vendor="fortinet", product="fortios", versions=(Versions(exact="7.0"),))))
    await city.work()
    assert [match.close_reason for match in await city.matches()] == ["superseded"]


async def test_a_small_change_of_likelihood_causes_no_work(city: City):
    await city.own("camden", "software", OLD)
    await city.record(vulnerability(RANGES, epss=EPSS(0.93)))
    await city.work()
    await city.to_triage()
    await city.record(vulnerability(RANGES, epss=EPSS(0.91)))
    assert await city.waiting("correlate") == []
    await city.record(vulnerability(RANGES, epss=EPSS(0.4)))
    await city.work()
    assert len(await city.to_triage()) == 1


async def test_what_is_said_under_a_higher_label_is_not_told_under_a_lower(city: City):
    (old,) = await city.own("camden", "software", OLD)
    await city.record(vulnerability(PRODUCT, kev=KEV()), feed="kev", tlp=TLP.CLEAR)
    await city.record(vulnerability(RANGES, cvss=(Score("3.1", 9.8),)), feed="partner", tlp=TLP.AMBER)
    await city.work()
    (match,) = await city.matches()
    assert (match.asset_id, match.relation, match.tlp, match.feed) == (old, "affected", TLP.AMBER, "partner")


async def test_what_lower_labels_say_is_enough(city: City):
    await city.own("camden", "software", OLD)
    await city.record(vulnerability(RANGES), tlp=TLP.CLEAR)
    await city.record(vulnerability(RANGES, kev=KEV()), feed="partner", tlp=TLP.AMBER)
    await city.work()
    (match,) = await city.matches()
    assert match.tlp == TLP.CLEAR
    assert "exploited" not in match.about


async def test_again_changes_nothing(city: City):
    await city.own("camden", "software", OLD)
    await city.record(vulnerability(RANGES, kev=KEV()), vulnerability(PRODUCT, kev=KEV(), cve="CVE-2024-0001"))
    await city.work()
    await city.to_triage()
    before = await city.matches(), await queue(city)
    await city.repeat()
    assert (await city.matches(), await queue(city)) == before


async def test_on_either_database(either: City):
    (old,) = await either.own("camden", "software", OLD)
    await either.record(vulnerability(RANGES), vulnerability(PRODUCT, kev=KEV(), cve="CVE-2024-0001"))
    await either.work()
    assert (old, "affected") in await related(either)
    assert [waiting.cve for waiting in await queue(either)] == ["CVE-2024-0001"]


async def test_what_a_feed_lists_no_more_is_no_match_and_waits_no_more(city: City):
    await city.own("camden", "software", OLD)
    await city.record(vulnerability(RANGES), vulnerability(PRODUCT, kev=KEV(), cve="CVE-2024-0001"))
    await city.work()
    await city.delist("cves")
    await city.work()
    assert {match.close_reason for match in await city.matches()} == {"delisted"}
    assert await queue(city) == []
    async with city.db.reading() as session:
        assert (await session.exec(select(IndicatorKey))).all() == []
