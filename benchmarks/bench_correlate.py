"""Correlation: a feed without a database, a changed asset, and the whole register against what is stored.

One JSON line each, by CPU time. `CITYSEC_BENCH_KEYS` is how many keys are stored, 1,000,000 unless it says otherwise.
"""

from __future__ import annotations

import asyncio
import csv
import gc
import json
import os
import platform
import resource
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
import tracemalloc
from collections.abc import Awaitable, Callable, Iterator, Sequence
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, Final

import stix2
from sqlmodel.ext.asyncio.session import AsyncSession

from benchmarks import made_city, stored_city
from citysec.correlate import afresh
from citysec.correlate.assets import whole_register
from citysec.correlate.index import AssetIndex
from citysec.correlate.lookups import lookups
from citysec.correlate.retro import correlate_assets
from citysec.correlate.rules import registered
from citysec.correlate.search import search
from citysec.db import Database, upgrade
from citysec.observable import Kind

OBJECTS: Final = 1_000_000
OFFLINE_ASSETS: Final = 50_000
KEYS: Final = int(os.environ.get("CITYSEC_BENCH_KEYS", "1000000"))
ASSETS: Final = 100_000
LOOKED_FOR: Final = 2000
ROUNDS: Final = 5
PARSED_BY_STIX2: Final = 300


def offline(folder: Path) -> dict[str, Any]:
    """Correlate a feed of a million objects by the command, in a process of its own."""
    register, feed, out = folder / "assets.csv", folder / "feed.json", folder / "pairs.csv"
    with register.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(("asset_id", "kind", "value", "scope"))
        rows.writerows((f"A{n}", *made_city.asset(n)) for n in range(OFFLINE_ASSETS))
    with feed.open("w") as file:
        file.write('{"type": "bundle", "id": "bundle--4f6ce69c-5b4e-4d2a-9a43-f42d7a6eea0b", "objects": [')
        for number, text in enumerate(made_city.objects(OBJECTS, OFFLINE_ASSETS)):
            file.write(f", {text}" if number else text)
        file.write("]}")
    command = (sys.executable, "-m", "citysec", "correlate", "--register", str(register))
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run((*command, "--feed", str(feed), "--out", str(out)), check=True, stderr=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    with out.open(newline="") as file:
        found = {(row["indicator_id"], row["asset_id"]) for row in csv.DictReader(file)}
    peer = by_stix2(made_city.objects(PARSED_BY_STIX2, OFFLINE_ASSETS))
    return {
        "bench": "correlate-offline", "objects": OBJECTS, "assets": OFFLINE_ASSETS, "per_cpu_s": round(OBJECTS / cpu),
        "rss_mb": round(after.ru_maxrss / 1024), "exact": found == expected(OBJECTS), "pairs": len(found),
        "stix2_per_cpu_s": peer, "times_stix2": round(OBJECTS / cpu / peer, 1),
    }  # fmt: skip


def expected(objects: int) -> set[tuple[str, str]]:
    """Return the pairs that a feed of so many objects must lead to."""
    planted = ((n, made_city.planted(n, OFFLINE_ASSETS)) for n in range(objects) if made_city.is_indicator(n))
    return {(made_city.stix_id("indicator", n), f"A{asset}") for n, asset in planted if asset is not None}


def by_stix2(texts: Iterator[str]) -> int:
    """Return how many objects stix2 parses in a second of CPU."""
    each = list(texts)
    began = time.process_time()
    for text in each:
        stix2.parse(text, allow_custom=True)  # pyright: ignore[reportUnknownMemberType]
    return round(len(each) / (time.process_time() - began))


async def stored(folder: Path, keys: int) -> dict[str, Any]:
    """Look assets up, one by one and all together, in an index of so many keys."""
    url = f"sqlite+aiosqlite:///{folder / f'{keys}.db'}"
    await upgrade(url)
    async with Database.opened(url) as database:
        await stored_city.fill(database, keys, ASSETS)
        gc.collect()
        gc.freeze()  # as the service does
        some = [number for _, number in islice(stored_city.touched(ASSETS), LOOKED_FOR // 2)]
        some += range(1, ASSETS, 2 * ASSETS // LOOKED_FOR)
        async with database.reading() as db:
            found = {
                "look_up_ms": await each(some, partial(look_up, db)),
                "floor_ms": await each(some, partial(floor, db)),
            }
        found["stage_ms"] = await each(some[::4], partial(stage, database))
        afresh_s, concerned = await whole(database)
    found |= {"register_s": afresh_s, "exact": concerned == keys_of_planted(keys)}
    found["key_bytes"] = round(key_bytes(folder / f"{keys}.db") / (keys + stored_city.PLANTED), 1)
    return {"bench": "correlate-stored", "keys": keys, "assets": ASSETS} | found


async def look_up(db: AsyncSession, number: int) -> None:
    """Find what may touch an asset."""
    await search(db, lookups([registered(number + 1, *made_city.asset(number))]), [number + 1])


async def floor(db: AsyncSession, _: int) -> None:
    """Ask nothing, the same way."""
    await (await db.connection()).exec_driver_sql("SELECT 1")


async def stage(database: Database, number: int) -> None:
    """Bring the matches of an asset up to date: the whole stage, committed."""
    async with database.writing() as db:
        await correlate_assets(db, {"assets": [number + 1]})


async def each(numbers: Sequence[int], act: Callable[[int], Awaitable[None]]) -> dict[str, float]:
    """Return the milliseconds of CPU that `act` takes for an asset: the best of some, since others use the machine."""
    best = [float("inf")] * len(numbers)
    for _ in range(ROUNDS):
        for place, number in enumerate(numbers):
            began = time.process_time()
            await act(number)
            best[place] = min(best[place], time.process_time() - began)
    hundredths = statistics.quantiles(best, n=100)
    return {"p50": round(hundredths[49] * 1e3, 3), "p99": round(hundredths[98] * 1e3, 3)}


async def whole(database: Database) -> tuple[float, list[int]]:
    """Return the seconds of CPU that the whole register takes, and what concerns it."""
    async with database.reading() as db:
        await whole_register(db)
        began = time.process_time()
        found = await afresh.concerned(db)
        return round(time.process_time() - began, 2), found


def keys_of_planted(keys: int) -> list[int]:
    """Return the row ids of the objects that touch an asset."""
    first = keys // 10 + 1
    return list(range(first, first + stored_city.PLANTED))


def key_bytes(path: Path) -> int:
    """Return how many bytes the index takes, with all that belongs to it."""
    size = "SELECT sum(pgsize) FROM dbstat WHERE name LIKE '%indicator_key%'"
    return sqlite3.connect(path).execute(size).fetchone()[0]


def memory() -> dict[str, Any]:
    """Return how many bytes an asset takes in memory."""
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    index = AssetIndex(made_city.register(ASSETS))
    taken = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    found = sum(1 for n in range(ASSETS) if index.may_touch(*kind_and_key(n)))
    return {
        "bench": "correlate-memory",
        "assets": ASSETS,
        "asset_bytes": round(taken / ASSETS),
        "exact": found == ASSETS,
    }


def kind_and_key(number: int) -> tuple[Kind, str]:
    """Return kind and key of what touches an asset."""
    _, said = made_city.touching(number)
    return said.kind, said.key


def main() -> None:
    """Print the figures, one JSON line for each part."""
    machine = {"python": platform.python_version(), "machine": platform.machine()}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        print(json.dumps(memory() | machine))
        for keys in (KEYS // 10, KEYS):
            print(json.dumps(asyncio.run(stored(folder, keys)) | machine), flush=True)
        print(json.dumps(offline(folder) | machine))


if __name__ == "__main__":
    main()
