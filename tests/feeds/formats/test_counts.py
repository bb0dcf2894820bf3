"""Agreement with counts that were made by other means, file by file."""

from __future__ import annotations

import gzip
import json
from collections import Counter
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import Any, Final

import pytest

from citysec.feeds import formats
from citysec.feeds.formats import Census
from citysec.feeds.survey import survey
from tests.conftest import SHARED

LISTS: Final = ("iplist", "iptab", "maltrail", "domainlist", "adblock", "urllist")
_KINDS: Final = {
    "ipv4": "ip", "ipv6": "ip", "cidr4": "ip", "cidr6": "ip", "ip:port": "ip", "domain": "name", "url": "url",
    "hash": "hash",
}  # fmt: skip


def _counted(*kinds: str) -> list[Any]:
    counts = SHARED / "data" / "COUNTS.json"
    if not counts.exists():
        return []
    return [
        pytest.param(entry["file"], entry["count"], id=entry["file"])
        for entry in json.loads(counts.read_text())
        if entry["kind"] in kinds
    ]


def _survey(name: str, file: Path) -> dict[str, Any]:
    body = file.read_bytes()
    body = gzip.decompress(body) if file.suffix == ".gz" else body
    return survey(formats.read(name, BytesIO(body)), lambda: None).report(name)


def _expected(by_kind: Mapping[str, int]) -> dict[str, int]:
    counts = Counter[str]()
    for kind, number in by_kind.items():
        counts[_KINDS[kind]] += number
    return dict(counts)


@pytest.mark.parametrize(("file", "count"), _counted(*LISTS))
def test_every_line_of_a_list_is_counted(shared_data: Path, file: str, count: Mapping[str, Any]):
    found, by_kind = _survey("list", shared_data / file), dict(count["by_kind"])
    assert found["objects"] == count["entries"] == found["indicators"] + len(found["skipped"])
    others = by_kind.pop("other", 0)  # of one list: URLs without a scheme, and paths without a host
    urls = found["observables"].pop("url", 0) + len(found["skipped"])
    assert urls == by_kind.pop("url", 0) + others
    assert found["observables"] == _expected(by_kind)


@pytest.mark.parametrize(("file", "count"), _counted("csv:url", "csv:dst_ip", "csv:SHA1", "csv:sha256_hash", "csv:URL"))
def test_every_row_of_a_table_is_counted(shared_data: Path, file: str, count: Mapping[str, Any]):
    found = _survey("csv", shared_data / file)
    assert (found["objects"], found["indicators"], found["skipped"]) == (count["records"], count["records"], [])
    assert found["observables"].keys() == _expected(count["by_kind"]).keys()


@pytest.mark.parametrize(("file", "count"), _counted("csv:value", "csv:domain_name"))
def test_every_row_of_a_report_is_counted(shared_data: Path, file: str, count: Mapping[str, Any]):
    found, by_kind = _survey("csv", shared_data / file), dict(count["by_kind"])
    assert (found["objects"], found["indicators"], found["skipped"]) == (count["records"], count["records"], [])
    others = by_kind.pop("other", 0)  # cells with several hashes of one file, and mail addresses
    plain = {kind: number for kind, number in found["observables"].items() if kind in {"ip", "name"}}
    assert plain == {kind: number for kind, number in _expected(by_kind).items() if kind != "hash"}
    assert found["observables"].get("hash", 0) + found["observables"].get("mailbox", 0) >= others


@pytest.mark.parametrize(("file", "count"), _counted("json-threatfox"))
def test_every_record_of_an_answer_is_counted(shared_data: Path, file: str, count: Mapping[str, Any]):
    found = _survey("json", shared_data / file)
    assert (found["objects"], found["observables"]) == (count["entries"], _expected(count["by_kind"]))


@pytest.mark.parametrize(("file", "count"), _counted("ndjson-drop"))
def test_every_block_of_drop_is_counted_as_it_counts_itself(shared_data: Path, file: str, count: Mapping[str, Any]):
    found = list(formats.read("spamhaus", BytesIO((shared_data / file).read_bytes())))
    assert [item for item in found if isinstance(item, Census)] == [Census(count["declared"])]
    assert len(found) == count["entries"] + count["metadata_records"]


@pytest.mark.parametrize(("file", "count"), _counted("cve5"))
def test_a_file_that_is_one_record_is_counted(shared_data: Path, file: str, count: Mapping[str, Any]):
    found = _survey("cve", shared_data / file)
    assert (found["objects"], found["by_type"], found["skipped"]) == (1, {"vulnerability": 1}, [])


@pytest.mark.parametrize(("file", "count"), _counted("misp"))
def test_every_attribute_for_detection_is_counted(shared_data: Path, file: str, count: Mapping[str, Any]):
    found = _survey("misp", shared_data / file)
    assert found["indicators"] + len(found["skipped"]) == count["to_ids"]


@pytest.mark.parametrize(("file", "count"), _counted("kev-json"))
def test_every_vulnerability_of_the_catalogue_is_counted(shared_data: Path, file: str, count: Mapping[str, Any]):
    for name in (file, file.replace(".json", ".csv")):
        assert _survey("kev", shared_data / name)["objects"] == count["entries"]
