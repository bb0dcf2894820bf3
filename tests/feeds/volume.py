"""Imports a long list in a process of its own; prints how much memory that took at first and to the end, in MiB."""

from __future__ import annotations

import asyncio
import gc
import json
import re
import sys
from pathlib import Path

from citysec.db import Database
from citysec.feeds.definition import DocumentFeed, Layout
from citysec.feeds.poll import import_file
from citysec.tables import Feed

FEED = DocumentFeed(
    kind="document", name="long", title="Long", publisher="P", licence="none", format=Layout(name="list")
)


async def imported(url: str, file: Path, first: int) -> list[int]:
    """Return the most memory held so far when `first` entries were stored, and when all were."""
    held: list[int] = []
    stored = 0
    async with Database.opened(url) as database:
        async with database.writing() as db:
            db.add(Feed(name=FEED.name))
        gc.freeze()  # as the service and the commands do
        async for outcome in import_file(database, FEED, file, 1 << 30):
            stored += outcome.stored
            if stored >= first and not held:
                held.append(_most_mb())
    return [*held, _most_mb()]


def _most_mb() -> int:
    """Read it from Linux: what `getrusage` says is no less than what the process had that started this one."""
    found = re.search(r"VmHWM:\s+([0-9]+) kB", Path("/proc/self/status").read_text())
    assert found is not None
    return int(found[1]) >> 10


if __name__ == "__main__":
    held = asyncio.run(imported(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])))
    sys.stdout.write(json.dumps(held))
