"""Formats: records read per second of CPU, alone and with their patterns compiled to keys.

Every file is made here. Beside each figure, in the same run, stands the floor of its format: what iterating its lines,
`csv.reader`, `json.loads` or `ElementTree` take; and for STIX what `stix2.parse` takes.
"""

from __future__ import annotations

import csv
import json
import platform
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from io import BytesIO, StringIO
from typing import Any, cast
from xml.etree import ElementTree as ET

import stix2

from benchmarks import samples
from citysec.feeds import formats
from citysec.feeds.atoms import atoms, of_entry
from citysec.feeds.formats import Draft, Entry, Subject

RECORDS = 20_000
PARSED_BY_STIX2 = 500
ROUNDS = 5
AT = "2026-05-18T07:30:00.000Z"


@dataclass(frozen=True)
class Sample:
    """A file of some format, what tunes it, and what the simplest reader of such a file does."""

    format: str
    body: bytes
    floor: Callable[[bytes], object]
    options: Mapping[str, Any] = field(default_factory=dict[str, Any])


def lines(body: bytes) -> int:
    """Iterate over the lines, decoded."""
    return sum(1 for line in BytesIO(body) if line.decode())


def rows(body: bytes) -> int:
    """Iterate over the rows."""
    return sum(1 for _ in csv.reader(StringIO(body.decode())))


def objects(body: bytes) -> object:
    """Decode the whole."""
    return json.loads(body)


def objects_by_line(body: bytes) -> int:
    """Decode each line."""
    return sum(1 for line in body.splitlines() if json.loads(line))


def elements(body: bytes) -> object:
    """Parse the whole XML document."""
    return ET.fromstring(body)


def address(number: int) -> str:
    """Return one of many public addresses."""
    return f"{number % 200 + 20}.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"


def _listed(line: Callable[[int], str]) -> bytes:
    return "\n".join(map(line, range(RECORDS))).encode()


def _table() -> bytes:
    header = "id,dateadded,url,url_status,last_online,threat,tags,urlhaus_link,reporter\n"
    return header.encode() + _listed(
        lambda n: (
            f'"{n}","2026-05-18 07:{n % 3600 // 60:02}:{n % 60:02}","http://{address(n)}:8080/{n}/bin.sh","online",'
            f'"2026-05-18 07:30:00","malware_download","elf,mips","https://urlhaus.example/url/{n}/","somebody"'
        )
    )


def _answer() -> bytes:
    records = (
        {
            "ioc_value": f"{address(n)}:443", "ioc_type": "ip:port", "threat_type": "botnet_cc",
            "malware_printable": "Family", "first_seen_utc": f"2026-05-18 07:30:{n % 60:02}", "last_seen_utc": None,
            "confidence_level": 100, "reference": None, "tags": "a,b", "reporter": "somebody",
        }
        for n in range(RECORDS)
    )  # fmt: skip
    return json.dumps({"query_status": "ok", "data": list(records)}).encode()


def _bundle() -> bytes:
    return json.dumps({"type": "bundle", "id": f"bundle--{uuid.uuid4()}", "objects": list(_indicators())}).encode()


def _indicators() -> Iterator[dict[str, Any]]:
    for number in range(RECORDS):
        yield {
            "type": "indicator", "spec_version": "2.1", "id": f"indicator--{uuid.uuid4()}", "created": AT,
            "modified": AT, "name": f"Indicator {number}", "indicator_types": ["malicious-activity"],
            "pattern": f"[ipv4-addr:value = '{address(number)}']", "pattern_type": "stix", "valid_from": AT,
            "labels": ["c2"], "confidence": 80,
        }  # fmt: skip


FIELDS = {"since": "dateadded", "seen": "last_online", "labels": ["threat"], "references": ["urlhaus_link"]}
ANSWER = {"kind": "ioc_type", "since": "first_seen_utc", "threat": "malware_printable", "labels": ["threat_type"]}
SAMPLES: dict[str, Callable[[], Sample]] = {
    "list of addresses": lambda: Sample("list", _listed(address), lines, {"kinds": ["ip"]}),
    "list of anything": lambda: Sample("list", _listed(lambda n: f"host{n}.evil.example"), lines),
    "list of URLs": lambda: Sample("list", _listed(lambda n: f"http://host{n}.evil.example/a/{n}.php"), lines),
    "adblock": lambda: Sample("adblock", _listed(lambda n: f"||host{n}.evil.example^"), lines),
    "csv": lambda: Sample("csv", _table(), rows, {"values": {"url": "url"}, "fields": FIELDS}),
    "json": lambda: Sample(
        "json", _answer(), objects, {"records": "/data", "values": {"ioc_value": "any"}, "fields": ANSWER}
    ),
    "spamhaus": lambda: Sample(
        "spamhaus", _listed(lambda n: f'{{"cidr":"{address(n << 8)}/24","sblid":"SBL{n}","rir":"ripencc"}}'),
        objects_by_line,
    ),
    "stix": lambda: Sample("stix", _bundle(), objects),
    "misp": lambda: Sample("misp", samples.misp(RECORDS), objects),
    "kev": lambda: Sample("kev", samples.kev(RECORDS), objects),
    "epss": lambda: Sample("epss", samples.epss(RECORDS), rows),
    "cve": lambda: Sample("cve", samples.cve(RECORDS), objects_by_line),
    "nvd": lambda: Sample("nvd", samples.nvd(RECORDS), objects),
    "csaf": lambda: Sample("csaf", samples.csaf(RECORDS), objects),
    "news": lambda: Sample("news", samples.news(RECORDS), elements),
    "text": lambda: Sample("text", samples.text(RECORDS), lines),
}  # fmt: skip
"""What is measured -> its file."""


def cpu_s(work: Callable[[], object]) -> float:
    """Return the least seconds of CPU that `work` takes in some rounds."""
    took: list[float] = []
    for _ in range(ROUNDS):
        started = time.process_time()
        work()
        took.append(time.process_time() - started)
    return min(took)


def read(sample: Sample) -> None:
    """Read all records and forget them."""
    for _ in formats.read(sample.format, BytesIO(sample.body), sample.options):
        pass


def read_with_keys(sample: Sample) -> None:
    """Read all records and compile their patterns."""
    for item in formats.read(sample.format, BytesIO(sample.body), sample.options):
        match item:
            case Draft():
                atoms(item)
            case Entry() if item.subject is Subject.INDICATOR:
                of_entry(item)
            case _:
                pass


def measured(sample: Sample) -> dict[str, float]:
    """Return the figures of one sample."""
    took, floor_s = cpu_s(lambda: read(sample)), cpu_s(lambda: sample.floor(sample.body))
    return {
        "records_s": round(RECORDS / took),
        "with_keys_s": round(RECORDS / cpu_s(lambda: read_with_keys(sample))),
        "mb_s": round(len(sample.body) / took / 1e6, 1),
        "floor_records_s": round(RECORDS / floor_s),
        "times_floor": round(took / floor_s, 1),
    }


def parsed_by_stix2() -> float:
    """Return how many objects `stix2.parse` takes in a second."""
    some = json.loads(_bundle())["objects"][:PARSED_BY_STIX2]
    parse = cast("Callable[[Any], object]", vars(stix2)["parse"])
    return PARSED_BY_STIX2 / cpu_s(lambda: [parse(one) for one in some])


def main() -> None:
    """Print the figures as one JSON line."""
    figures = {name: measured(make()) for name, make in SAMPLES.items()}
    peer = parsed_by_stix2()
    ratios = {name: round(found["with_keys_s"] / peer) for name, found in figures.items()}
    machine = {"python": platform.python_version(), "machine": platform.machine()}
    peers = {"stix2_parse_s": round(peer), "times_stix2_parse": ratios}
    print(json.dumps({"bench": "formats", "records": RECORDS, "formats": figures} | peers | machine))


if __name__ == "__main__":
    main()
