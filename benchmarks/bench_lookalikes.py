"""Lookalikes: what a name that arrives costs, what is stored for it and for what is watched, and what is found.

The floor is the same batches, correlated by a register in which nothing is watched. Prints one JSON line.
"""

from __future__ import annotations

import asyncio
import json
import random
import sqlite3
import tempfile
import time
from pathlib import Path
from typing import Any

from sqlmodel import col, select

from citysec.bulk import insert_many
from citysec.correlate import relook, subjects
from citysec.correlate.match import correlate_objects
from citysec.db import Database, upgrade
from citysec.lookalikes import vocabulary
from citysec.settings import shipped
from citysec.tables import Asset, AssetOwner, Constituent, Feed, Lookalike, Match, StixObject
from citysec.tables.columns import now
from citysec.tables.feeds import Assertion

NAMES, WATCHED, PART = 20_000, 500, 1000


async def _register(database: Database, watched: int) -> float:
    """Register names and return the CPU seconds that watching them takes."""
    at = now()
    async with database.writing() as db:
        db.add(Constituent(id="c", slug="c", name="c", kind="borough", sector="any"))
        db.add(Feed(name="feed"))
        await relook.begin(db, vocabulary.load(shipped("playbooks") / vocabulary.FILE))
        await db.flush()
        names = [f"{_word(random.Random(i))}.gov.uk" for i in range(watched)]
        for i, name in enumerate(names, 1):
            key = ".".join(reversed(name.split(".")))
            db.add(Asset(id=i, kind="domain", value=name, scope="exact", key_kind="name", key=key))
        await db.flush()
        for i in range(1, watched + 1):
            db.add(AssetOwner(ref=f"{i}", asset_id=i, constituent_id="c", registered_at=at))
    began = time.process_time()
    async with database.writing() as db:
        await subjects.watch(db, list(range(1, watched + 1)))
    return time.process_time() - began


def _word(chance: random.Random) -> str:
    return "".join(chance.choice("bcdfghklmnprst") + chance.choice("aeiou") for _ in range(chance.randint(3, 6)))


async def _correlate(database: Database) -> float:
    """Store indicators of names, and return the CPU seconds that correlating them takes; every hundredth is alike."""
    at, chance = now(), random.Random(1)
    async with database.writing() as db:
        names = [f"{_word(random.Random(-i))}{i}.example" for i in range(NAMES)]
        names[::100] = [f"{_word(random.Random(i % WATCHED))}-login.example" for i in range(0, NAMES, 100)]
        rows: list[dict[str, Any]] = [_object(i, name, at) for i, name in enumerate(names, 1)]
        await insert_many(db, StixObject, rows)
        said: dict[str, Any] = {
            "feed": "feed",
            "tlp": 1,
            "confidence": chance.randint(50, 90),
            "labels": [],
            "facts": {},
        }
        await insert_many(db, Assertion, [{"object_id": i, **said} for i in range(1, NAMES + 1)])
    began = time.process_time()
    for start in range(1, NAMES, PART):
        async with database.writing() as db:
            await correlate_objects(db, {"objects": list(range(start, start + PART))})
    return time.process_time() - began


def _object(number: int, name: str, at: Any) -> dict[str, Any]:
    return {
        "id": number, "stix_id": f"indicator--{number:032x}", "type": "indicator", "spec_version": "2.1",
        "version": at, "tlp": 1, "content_hash": f"{number}", "text": "{}", "received_at": at, "latest": True,
        "revoked": False, "labels": [], "pattern": f"[domain-name:value = '{name}']", "pattern_type": "stix",
    }  # fmt: skip


async def _run(folder: Path, watched: int) -> dict[str, float]:
    url = f"sqlite+aiosqlite:///{folder / 'bench.db'}"
    await upgrade(url)
    async with Database.opened(url) as database:
        registering = await _register(database, watched)
        correlating = await _correlate(database)
        async with database.reading() as db:
            rows = len((await db.exec(select(col(Lookalike.form)))).all())
            matches = len((await db.exec(select(Match.id).where(Match.relation == "lookalike"))).all())
    with sqlite3.connect(folder / "bench.db") as file:
        sizes = dict(file.execute("SELECT name, sum(pgsize) FROM dbstat GROUP BY name").fetchall())
        forms = file.execute("SELECT count(*) FROM name_form").fetchone()[0]
    file.close()
    return {
        "correlate_us_per_name": round(correlating / NAMES * 1e6, 1), "matches": matches,
        "ms_per_watched_name": round(registering / watched * 1e3, 1) if watched else 0,
        "permutations_per_name": round(rows / watched) if watched else 0,
        "bytes_per_permutation": round((sizes["lookalike"] + sizes["ix_lookalike_of"]) / rows, 1) if rows else 0,
        "forms_per_indicator": round(forms / NAMES, 2), "bytes_per_form": round(sizes["name_form"] / max(forms, 1), 1),
    }  # fmt: skip


def main() -> None:
    """Run both, and print the line."""
    found: dict[str, Any] = {"bench": "lookalikes", "names": NAMES, "watched": WATCHED}
    for title, watched in (("found", WATCHED), ("floor", 0)):
        with tempfile.TemporaryDirectory() as folder:
            found[title] = asyncio.run(_run(Path(folder), watched))
    print(json.dumps(found))


if __name__ == "__main__":
    main()
