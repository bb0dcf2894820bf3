"""A program with an engine, to be killed: `engine_worker DATABASE TRACE NAME`; the `first` gives the work."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

from citysec.engine import Engine, Journal, JsonValue


async def _live(database: str, trace: Path, name: str) -> None:
    def note(event: str) -> None:
        with trace.open("a") as file:
            file.write(f"{name} {event}\n")
            file.flush()
            os.fsync(file.fileno())

    async def perform(work_id: str) -> float | None:
        note(work_id)
        return 3600 if work_id == "pausing" else await asyncio.sleep(3600)

    async def drive(journal: Journal, run_id: str) -> None:
        async def ask() -> JsonValue:
            return note(f"asked {run_id}")

        await journal.step("ask", ask)
        note(f"recorded {run_id}")
        await journal.receive(3600 if name == "first" else 1)

        async def hear() -> JsonValue:
            return note(f"heard {run_id}")

        await journal.step("hear", hear)

    async with Engine.running(database, "local", perform, drive) as engine:
        if name == "first":
            await engine.hand_over(["pausing", "working"])
            await engine.start("r")
        else:
            await engine.send("r", "the answer", key="1")
        await asyncio.sleep(3600)


def main() -> None:
    """Note what happens in the trace, until killed."""
    database, trace, name = sys.argv[1:]
    asyncio.run(_live(database, Path(trace), name))
