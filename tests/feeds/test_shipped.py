"""The feeds that come with citysec."""

from __future__ import annotations

import gzip
import re
from io import BytesIO
from pathlib import Path

import pytest

from citysec import settings
from citysec.feeds import catalogue
from citysec.feeds.definition import Definition, FileFeed, Reliability
from citysec.feeds.formats import Census, Entry

WITHOUT_INDICATORS = {"csaf", "epss", "kev", "news", "nvd"}
SHIPPED = catalogue.load([settings.shipped("feeds")])
FILES = {
    "abusech-urlhaus": "blocklists/abusech/urlhaus-online-2025-04.csv.gz",
    "abusech-feodo": "blocklists/abusech/feodo-ipblocklist-2024-04.csv",
    "abusech-sslbl": "blocklists/abusech/sslblacklist-1.csv",
    "abusech-malwarebazaar": "blocklists/abusech/malwarebazaar-dump-a.csv",
    "spamhaus-drop-v4": "blocklists/spamhaus/drop_v4-2025.json",
    "firehol-level1": "blocklists/firehol/firehol_level1.netset",
    "blocklist-de": "blocklists/firehol/blocklist_de_ssh.ipset",
    "binary-defense": "blocklists/other/binarydefense.txt",
    "c2-tracker": "blocklists/other/c2-tracker-all.txt",
    "viriback": "blocklists/other/viriback-dump.csv",
    "vxvault": "blocklists/other/vxvault.txt",
    "ipsum": "blocklists/ipsum/level4.txt",
    "openphish": "blocklists/openphish/feed.txt",
    "disposable-mail": "blocklists/domains/disposable_email_blocklist.conf",
    "scam-blocklist": "blocklists/domains/scams_light.adblock.txt",
    "tables-by-hand": "reports-csv/volexity__2023-03-30_3CX.csv",
    "lists-by-hand": "blocklists/domains/amnesty-nso-domains.txt",
    "cisa-kev": "kev/known_exploited_vulnerabilities.json",
}
"""Feed -> a file of its publisher in the shared data."""


def test_there_are_many_and_none_is_enabled():
    assert len(SHIPPED) >= 40
    assert not any(feed.enabled for feed in SHIPPED.values())


@pytest.mark.parametrize("feed", SHIPPED.values(), ids=lambda feed: feed.name)
def test_each_can_be_judged_by_a_person(feed: Definition):
    text = (settings.shipped("feeds") / f"{feed.name}.toml").read_text(encoding="utf-8")
    assert re.search(r"^# \w", text, re.MULTILINE), "nothing says what it is good for"
    by_hand = isinstance(feed, FileFeed) and feed.by_hand
    assert by_hand or (feed.homepage and (feed.every_s or feed.cron))
    assert by_hand or feed.reliability is not Reliability.F


@pytest.mark.parametrize("feed", SHIPPED.values(), ids=lambda feed: feed.name)
def test_none_is_asked_more_often_than_every_quarter_of_an_hour(feed: Definition):
    assert feed.every_s is None or feed.every_s >= 900


@pytest.mark.parametrize("feed", SHIPPED.values(), ids=lambda feed: feed.name)
def test_what_can_match_ends_by_time(feed: Definition):
    assert feed.lifetime_days or feed.format.name in WITHOUT_INDICATORS or feed.name.startswith("attack-")


@pytest.mark.parametrize(("name", "file"), FILES.items(), ids=FILES)
def test_the_profile_reads_all_that_the_publisher_sends(shared_data: Path, name: str, file: str):
    body = (shared_data / file).read_bytes()
    body = gzip.decompress(body) if file.endswith(".gz") else body
    items = list(SHIPPED[name].format.read(BytesIO(body)))
    assert items
    assert all(isinstance(item, Entry | Census) for item in items)


def test_certificates_and_first_dates_are_what_the_publisher_means(shared_data: Path):
    def first(name: str) -> Entry:
        items = SHIPPED[name].format.read(BytesIO((shared_data / FILES[name]).read_bytes()))
        return next(item for item in items if isinstance(item, Entry))

    assert first("abusech-sslbl").key.startswith("[x509-certificate:hashes.'SHA-1' = ")
    assert (first("abusech-feodo").name, first("abusech-feodo").facts["port"]) == ("Pikabot", 1194)
    since = first("viriback").since
    assert since is not None
    assert (since.year, since.month, since.day) == (2026, 1, 3)
