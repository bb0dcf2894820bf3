"""Telemetry: observations a second from bytes to recorded sightings, with 10,000 and with 1,000,000 atoms in the index.

The observations are all different, which is the worst case, and once more with the repetitions that logs have. The
floor decodes the same lines with `json.loads` and looks their values up in a `set` that holds every indicator.
"""

from __future__ import annotations

import asyncio
import gc
import json
import platform
import random
import resource
import sqlite3
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from citysec import observable
from citysec.correlate import observing
from citysec.correlate.sighted import Telling
from citysec.correlate.telemetry import take_in
from citysec.db import Database, upgrade
from citysec.observable import Observable
from citysec.tables import Constituent, Feed, Meta
from citysec.tables.feeds import BLOCK_LENGTHS
from citysec.telemetry import Form, read

LARGE = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
SMALL = LARGE // 100
OBSERVATIONS = 100_000
HITS = 100
AT = "2026-05-18 07:30:00.000000"
SEEN_AT = "2026-05-18T07:30:00Z"


def facts(number: int, rng: random.Random) -> Iterator[tuple[str, str, Observable]]:
    """Yield (field of a record, value, fact): addresses, names, URLs and hashes, as feeds have them."""
    for one in range(number):
        host = f"host-{rng.randrange(1 << 40):x}.example"
        match one % 10:
            case 0 | 1 | 2 | 3:
                text = ".".join(str(rng.randrange(1, 224)) for _ in range(4))
                yield "dst_ip", text, observable.network(text)
            case 4 | 5 | 6:
                yield "domain", host, observable.domain_name(host)
            case 7 | 8:
                text = f"http://{host}/{one:x}"
                yield "url", text, observable.url(text)[0]
            case _:
                text = f"{rng.getrandbits(256):064x}"
                yield "hash", text, observable.file_hash("sha-256", text)


PATTERNS = {
    "dst_ip": "ipv4-addr:value",
    "domain": "domain-name:value",
    "url": "url:value",
    "hash": "file:hashes.'SHA-256'",
}
OBJECTS = """INSERT INTO stix_object (id, stix_id, type, spec_version, version, latest, revoked, valid_from, pattern,
 pattern_type, labels, tlp, content_hash, text, received_at)
 SELECT ?1, ?2, 'indicator', '2.1', ?4, 1, 0, ?4, ?3, 'stix', '[]', 1, '', '{}', ?4"""
WORDS = "INSERT INTO assertion (object_id, feed, tlp, confidence, labels, facts) VALUES (?, 'f', 1, 80, '[]', '{}')"
KEYS = "INSERT INTO indicator_key (kind, key, object_id, only_url, certain) VALUES (?, ?, ?, 0, 1)"


async def fill(path: Path, known: Sequence[tuple[str, str, Observable]]) -> None:
    """Put an indicator for each fact, and some blocks, into a new database at `path`."""
    url = f"sqlite+aiosqlite:///{path}"
    await upgrade(url)
    async with Database.opened(url) as database, database.writing() as db:
        db.add(Feed(name="f"))
        db.add(Constituent(id="c", slug="c", name="c", kind="borough", sector="government"))
        db.add(Meta(name=BLOCK_LENGTHS, value=" ".join(f"4/{length}" for length in range(16, 25))))
    texts = [f"203.{number}.0.0/{16 + number % 9}" for number in range(99)]
    blocks = [("dst_ip", text, observable.network(text)) for text in texts]
    objects, keys = list[Any](), list[Any]()
    for number, (field, text, fact) in enumerate([*blocks, *known], 1):
        stix_id = f"indicator--{number:08x}-0000-4000-8000-000000000000"
        objects.append((number, stix_id, f"[{PATTERNS[field]} = '{text}']", AT))
        keys.append((fact.kind.value, fact.key, number))
    base = sqlite3.connect(path)
    base.execute("PRAGMA synchronous=OFF")
    base.executemany(OBJECTS, objects)
    base.executemany(WORDS, ((number,) for number, *_ in objects))
    base.executemany(KEYS, sorted(keys))
    base.commit()
    base.close()


def lines(seen: Sequence[tuple[str, str, Observable]]) -> bytes:
    """Return observations as lines of JSON."""
    return "".join(json.dumps({"seen_at": SEEN_AT, field: text}) + "\n" for field, text, _ in seen).encode()


async def measured(path: Path, body: bytes) -> tuple[float, int]:
    """Return the CPU seconds of one batch, and the indicators that were seen."""
    async with Database.opened(f"sqlite+aiosqlite:///{path}") as database:
        await take_in(database, read(body[:10_000].rpartition(b"\n")[0], Form.LINES), datetime.now(UTC))  # warms up
        gc.freeze()
        began = time.process_time()
        at = datetime.now(UTC)
        taken = await take_in(database, read(body, Form.LINES), at)
        async with database.writing() as db:
            found = await observing.record(db, taken.left, Telling("c", "bench", at))
        return time.process_time() - began, len(found)


def floor(body: bytes, known: set[str]) -> float:
    """Return the CPU seconds that decoding the lines and asking a set takes."""
    began = time.process_time()
    for line in body.splitlines():
        record = json.loads(line)
        any(record.get(field) in known for field in PATTERNS)
    return time.process_time() - began


def main() -> None:
    """Print the figures as one JSON line."""
    rng = random.Random(4)
    known = list(facts(LARGE, rng))
    fresh = list(facts(OBSERVATIONS, rng))
    different = [*fresh[HITS:], *known[:HITS]]
    weighted = rng.choices(different, weights=[1 / (n + 1) for n in range(len(different))], k=OBSERVATIONS)
    bodies = {"different": lines(different), "repeating": lines(weighted)}
    rates: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as name:
        for label, number in (("small", SMALL), ("large", LARGE)):
            path = Path(name) / f"{label}.db"
            asyncio.run(fill(path, known[:number]))
            for kind, body in bodies.items():
                cpu, found = min(asyncio.run(measured(path, body)) for _ in range(3))
                rates[f"{kind}_{number}"] = {"per_cpu_s": round(OBSERVATIONS / cpu), "seen": found}
    held = {text for _, text, _ in known}
    floors = {kind: round(OBSERVATIONS / min(floor(body, held) for _ in range(3))) for kind, body in bodies.items()}
    slower = {
        kind: round(rates[f"{kind}_{SMALL}"]["per_cpu_s"] / rates[f"{kind}_{LARGE}"]["per_cpu_s"], 2) for kind in bodies
    }
    about = {"python": platform.python_version(), "machine": platform.machine()}
    about |= {"rss_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)}
    print(json.dumps({"bench": "telemetry", "rates": rates, "slower": slower, "floor_per_cpu_s": floors} | about))


if __name__ == "__main__":
    main()
