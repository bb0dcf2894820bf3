"""Patterns: compiled and evaluated per second of CPU, beside the OASIS reader and matcher in the same run.

The mix is what publishers wrote, where the shared data are (see `tests/conftest.py`), else the sample campaign's;
compound patterns, observations and hostile patterns are made here.
"""

from __future__ import annotations

import gzip
import json
import os
import platform
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path
from typing import Any, cast

from stix2matcher import matcher as reference_matcher
from stix2patterns.v21.pattern import Pattern as ReferencePattern

from citysec import patterning
from citysec.errors import InvalidInput
from citysec.feeds import formats
from citysec.feeds.formats import Draft
from citysec.patterning.evaluation import Matcher, Observation, matcher, observations

ROOT = Path(__file__).resolve().parent.parent
SHARED = Path(os.environ.get("CITYSEC_SHARED", ROOT.parent / "shared")) / "data" / "stix"
SAMPLE = ROOT / "citysec" / "constituency" / "london" / "campaign.json"
ROUNDS = 15
PARSED_BY_REFERENCE = 150
OBSERVATIONS = 20_000
MATCHED_BY_REFERENCE = 200
FIRST = datetime(2026, 5, 18, tzinfo=UTC)
HASH = "aec070645fe53ee3b3763059376134f058cc337247c978add178b6ccdfb0019f"

COMPOUND = (
    "[domain-name:value = 'a.evil.example' OR ipv4-addr:value = '198.51.100.3' OR ipv4-addr:value = '198.51.100.4']",
    "[file:name = 'foo.dll' AND file:parent_directory_ref.path = 'C:\\\\Windows\\\\System32']",
    f"[file:hashes.'SHA-256' = '{HASH}' AND file:mime_type = 'application/x-pdf' AND file:size = 4112]",
    f"[file:hashes.'SHA-256' = '{HASH}'] AND [url:value = 'http://evil.example/x']",
    f"[file:name LIKE 'a%'] FOLLOWEDBY [file:hashes.MD5 = '{HASH[:32]}']",
    "[network-traffic:dst_ref.type = 'ipv4-addr' AND network-traffic:dst_ref.value = '203.0.113.33'] REPEATS 5 TIMES",
    "[domain-name:value = 'b.evil.example'] AND [domain-name:value = 'c.evil.example'] WITHIN 600 SECONDS",
    f"([file:hashes.MD5 = '{HASH[:32]}'] FOLLOWEDBY [windows-registry-key:key = 'HKLM\\\\foo']) WITHIN 300 SECONDS",
    "[ipv4-addr:value IN ('203.0.113.1', '203.0.113.2', '203.0.113.3') OR url:value = 'http://evil.example/']",
)
NESTED = tuple(f"(({pattern}))" for pattern in COMPOUND)
"""The same, so that the grammar reads them."""

EVALUATED = {
    "one value": "[ipv4-addr:value = '192.0.2.7']",
    "by reference": "[network-traffic:dst_ref.value = '192.0.2.7' AND network-traffic:dst_port = 443]",
    "in a block": "[ipv4-addr:value ISSUBSET '192.0.2.0/24']",
    "by expression": "[domain-name:value MATCHES '^x[0-9]+\\\\.evil']",
    "repeated": "[ipv4-addr:value ISSUBSET '10.0.0.0/8'] REPEATS 500 TIMES WITHIN 400 SECONDS",
    "followed": "([ipv4-addr:value = '192.0.2.7'] FOLLOWEDBY [domain-name:value = 'x9.evil.example']) WITHIN 1 SECONDS",
}
HOSTILE = {
    "a million terms": "[" + " OR ".join(["a:b = 'x'"] * 1_000_000) + "]",
    "5,000 terms": "[" + " OR ".join(f"ipv4-addr:value = '198.51.{n % 256}.{n >> 8}'" for n in range(5000)) + "]",
    "100,000 brackets": "(" * 100_000 + "[a:b = 'x']" + ")" * 100_000,
    "bad expression": "[domain-name:value MATCHES '^(([a-z0-9.])+)+$']",
    "many repetitions": "([ipv4-addr:value != 'x'] FOLLOWEDBY [domain-name:value != 'x']) REPEATS 140 TIMES",
    "competing": "([ipv4-addr:value != 'x'] FOLLOWEDBY [domain-name:value != 'x']) WITHIN 4 SECONDS AND " * 6
    + "[file:name != 'x'] REPEATS 2 TIMES",
}  # fmt: skip


def shared_patterns() -> Iterator[str]:
    """Yield the patterns in the shared STIX files."""
    for path in sorted(SHARED.rglob("*.json*")):
        body = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        yield from patterns_in(body)


def patterns_in(body: bytes) -> Iterator[str]:
    """Yield the patterns of the indicators in a bundle."""
    try:
        for item in formats.read("stix", BytesIO(body)):
            if isinstance(item, Draft) and item.type == "indicator" and item.pattern and item.pattern_type == "stix":
                yield item.pattern
    except InvalidInput:
        return


def seen(number: int) -> dict[str, Any]:
    """Return an observed-data: traffic between two addresses, and a name."""
    at = (FIRST + timedelta(seconds=number)).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {
        "type": "observed-data", "id": f"observed-data--{number}", "first_observed": at, "last_observed": at,
        "number_observed": 1, "objects": {
            "0": {"type": "network-traffic", "src_ref": "1", "dst_ref": "2", "dst_port": 443, "protocols": ["tcp"]},
            "1": {"type": "ipv4-addr", "value": f"10.0.{number >> 8 & 255}.{number & 255}"},
            "2": {"type": "ipv4-addr", "value": f"10.{number % 200 + 1}.{number >> 8 & 255}.{number & 255}"},
            "3": {"type": "domain-name", "value": f"x{number % 1000}.good.example"},
        },
    }  # fmt: skip


def cpu_s(work: Callable[[], object], rounds: int = ROUNDS) -> float:
    """Return the least seconds of CPU that `work` takes in some rounds."""
    took: list[float] = []
    for _ in range(rounds):
        started = time.process_time()
        work()
        took.append(time.process_time() - started)
    return min(took)


def compile_all(patterns: Sequence[str]) -> None:
    """Compile each, and forget it."""
    compiled = patterning.compile
    for pattern in patterns:
        try:  # `suppress` would take a tenth of the time that is measured
            compiled(pattern)
        except InvalidInput:
            continue


def parse_all(patterns: Sequence[str]) -> None:
    """Parse each by the reference."""
    for pattern in patterns:
        ReferencePattern(pattern)


def compiled(patterns: Sequence[str]) -> dict[str, float]:
    """Return patterns compiled in a second, beside those that the reference parses."""
    ours = len(patterns) / cpu_s(lambda: compile_all(patterns))
    some = [pattern for pattern in patterns[:: max(1, len(patterns) // PARSED_BY_REFERENCE)] if is_legal(pattern)]
    theirs = len(some) / cpu_s(lambda: parse_all(some), 2)
    return {
        "patterns": len(patterns),
        "a_second": round(ours),
        "stix2patterns": round(theirs),
        "times": round(ours / theirs),
    }


def is_legal(pattern: str) -> bool:
    """Return whether the reference takes it."""
    try:
        ReferencePattern(pattern)
    except Exception:  # noqa: BLE001
        return False
    return True


def evaluated(pattern: str, data: Sequence[dict[str, Any]], read: Sequence[Observation]) -> dict[str, float]:
    """Return observations evaluated in a second, beside those that the reference matches."""
    ready = matcher(pattern)
    ours = len(read) / cpu_s(lambda: ready.match(read), 3)
    few = data[:MATCHED_BY_REFERENCE]
    reference = cast("Callable[..., object]", vars(reference_matcher)["match"])
    theirs = len(few) / cpu_s(lambda: reference(pattern, few, stix_version="2.0"), 1)
    return {"a_second": round(ours), "stix2matcher": round(theirs), "times": round(ours / theirs)}


def alone(ready: Matcher, read: Sequence[Observation]) -> None:
    """Evaluate each observation by itself, as it comes in."""
    for one in read:
        ready.match((one,))


def hostile(pattern: str, read: Sequence[Observation]) -> dict[str, object]:
    """Return the seconds that compiling and evaluating take, and how it ended."""
    started = time.process_time()
    try:
        compile_all([pattern])
        answer = "matched" if matcher(pattern).match(read) is not None else "not matched"
    except InvalidInput as err:
        answer = f"refused: {err}"[:90]
    return {"s": round(time.process_time() - started, 3), "answer": answer}


def main() -> None:
    """Print the figures as one JSON line."""
    mix = list(shared_patterns() if SHARED.is_dir() else patterns_in(SAMPLE.read_bytes()))
    data = [seen(number) for number in range(OBSERVATIONS)]
    read = observations(data)
    some = read[:500]
    figures = {
        "bench": "patterns",
        "mix": (SHARED.is_dir() and "shared") or "sample",
        "compile": {"mix": compiled(mix), "compound": compiled(COMPOUND), "nested": compiled(NESTED)},
        "read_observations_a_second": round(len(data) / cpu_s(lambda: observations(data), 2)),
        "evaluate": {name: evaluated(pattern, data, read) for name, pattern in EVALUATED.items()},
        "evaluate_alone_a_second": round(2000 / cpu_s(lambda: alone(matcher(EVALUATED["one value"]), read[:2000]), 3)),
        "hostile": {name: hostile(pattern, some) for name, pattern in HOSTILE.items()},
    }
    print(json.dumps(figures | {"python": platform.python_version(), "machine": platform.machine()}))


if __name__ == "__main__":
    main()
