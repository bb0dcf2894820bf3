"""Events to stored messages: what one event costs from a feed's bundle to the message that was sent and stored.

Every event is an indicator that touches a registered asset of sample London; the whole pipeline runs as in production
(engine, outbox, playbooks, gate, mail by SMTP to a sink in another process). Beside it, in the same run, the floor: the
same number of rows of the same size put into a bare SQLite table of six indexes.
"""

from __future__ import annotations

import asyncio
import json
import platform
import resource
import sqlite3
import sys
import tempfile
import time
import uuid
from pathlib import Path
from typing import Any

from sqlalchemy import func
from sqlmodel import col, select

from citysec import service, settings
from citysec.cli.admin import Sample, initialise
from citysec.cli.instance import free_port
from citysec.feeds.poll import import_file
from citysec.feeds.publishers import definitions
from citysec.tables import Delivery, Match, Outbox
from citysec.tables.columns import now

EVENTS = 20_000
THREATS = 3
PUBLISHED = "2026-05-18T07:30:00.000Z"


def bundle(events: int) -> dict[str, Any]:
    """Return indicators on registered addresses, each with what it is a sign of."""
    threats = [_sdo("malware", name=f"Family {n}", is_family=True) for n in range(THREATS)]
    objects = list(threats)
    for number in range(events):
        borough, host = 1 + number % 33, 1 + number // 33 % 62
        indicator = _sdo(
            "indicator", name=f"Event {number}", pattern=f"[ipv4-addr:value = '198.18.{borough}.{host}']",
            pattern_type="stix", labels=["c2"], valid_from=PUBLISHED, confidence=80,
        )  # fmt: skip
        objects.append(indicator)
        threat = threats[number % THREATS]["id"]
        objects.append(
            _sdo("relationship", relationship_type="indicates", source_ref=indicator["id"], target_ref=threat)
        )
    return {"type": "bundle", "id": f"bundle--{uuid.uuid4()}", "objects": objects}


def _sdo(kind: str, **properties: Any) -> dict[str, Any]:
    head = {"type": kind, "spec_version": "2.1", "id": f"{kind}--{uuid.uuid4()}"}
    return head | {"created": PUBLISHED, "modified": PUBLISHED} | properties


def floor(folder: Path, rows: int) -> float:
    """Return CPU milliseconds a row for bare SQLite: 1 kB rows, six indexes, batches of 500."""
    connection = sqlite3.connect(folder / "floor.db", isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=NORMAL")
    connection.execute("CREATE TABLE event (a TEXT, b TEXT, c TEXT, d TEXT, e TEXT, f TEXT, body TEXT)")
    for column in "abcdef":
        connection.execute(f"CREATE INDEX ix_{column} ON event ({column})")
    body, started = "x" * 1000, time.process_time()
    for first in range(0, rows, 500):
        batch = [(*(f"{c}{n * 7919 % rows}" for c in "abcdef"), body) for n in range(first, min(first + 500, rows))]
        connection.execute("BEGIN IMMEDIATE")
        connection.executemany("INSERT INTO event VALUES (?, ?, ?, ?, ?, ?, ?)", batch)
        connection.execute("COMMIT")
    connection.close()
    return (time.process_time() - started) * 1000 / rows


async def measured(folder: Path) -> dict[str, Any]:
    """Run the pipeline once and return its figures."""
    smtp_port = free_port()
    found = settings.read({}, data_dir=folder / "city", port=0, smtp_port=smtp_port, smtp_tls="none", log_level="error")
    file = folder / "events.json"
    maker = await asyncio.create_subprocess_exec(sys.executable, __file__, "--prepare", str(found.data_dir), str(file))
    await maker.wait()  # another process, as it would be, so that its memory is not counted as the service's
    sink = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "aiosmtpd", "-n", "-c", "aiosmtpd.handlers.Sink", "-l", f"127.0.0.1:{smtp_port}"
    )
    try:
        async with service.running(found) as running:
            await _finished(running)  # the register's own work, which came with its import
            cpu, wall = time.process_time(), time.perf_counter()
            async for _ in import_file(running.database, definitions(found)["by-hand"], file, found.feed_max_bytes):
                pass
            counts = await _finished(running)
            return counts | {
                "cpu_ms_per_event": round((time.process_time() - cpu) * 1000 / EVENTS, 3),
                "seconds": round(time.perf_counter() - wall, 1),
                "rss_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
            }
    finally:
        sink.terminate()
        await sink.wait()


async def _finished(running: service.Service) -> dict[str, int]:
    """Wait until nothing that is due is under way; return what there is."""
    under_way = select(func.count()).select_from(Outbox).where(col(Outbox.done_at).is_(None))
    while True:
        await asyncio.sleep(0.5)
        async with running.database.reading() as db:
            if (await db.exec(under_way.where(col(Outbox.due_at) <= now()))).one() == 0:
                matches = (await db.exec(select(func.count()).select_from(Match))).one()
                sent = select(func.count()).select_from(Delivery).where(col(Delivery.state) == "sent")
                return {"events": EVENTS, "matches": matches, "messages": (await db.exec(sent)).one()}


def main() -> None:
    """Print the figures as one JSON line; with `--prepare DATA_DIR FILE` only set London up and write the events."""
    if sys.argv[1:2] == ["--prepare"]:
        found = settings.read({}, data_dir=Path(sys.argv[2]))
        asyncio.run(initialise(found, Sample.LONDON, "not asked for"))
        Path(sys.argv[3]).write_text(json.dumps(bundle(EVENTS)))
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        figures = asyncio.run(measured(folder))
        floor_ms = floor(folder, EVENTS)
    ratio = round(figures["cpu_ms_per_event"] / floor_ms, 1)
    machine = {"python": platform.python_version(), "machine": platform.machine()}
    print(json.dumps({"bench": "pipeline"} | figures | {"floor_ms": round(floor_ms, 4), "ratio": ratio} | machine))


if __name__ == "__main__":
    main()
