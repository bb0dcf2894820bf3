"""A program with every sort of hand-over in it: stage → effect → run, for each piece of work it is given."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from functools import partial
from pathlib import Path

from sqlmodel.ext.asyncio.session import AsyncSession

from citysec import outbox
from citysec.db import Database
from citysec.engine import Engine, Journal, JsonValue
from citysec.outbox import Dispatcher, Effect, Payload, Performer, Stage
from citysec.settings import Settings
from citysec.tables import Meta


class Chain:
    """What the program does for the piece `n`: notes `first n`, tells `n` to a file, runs, notes `ran n`."""

    def __init__(self, database: Database, told: Path) -> None:
        self._database, self._told = database, told
        self.engine: Engine
        self.stages = {"first": Stage(self._first), "tell": Effect(self._tell), "converse": Effect(self._converse)}

    async def _first(self, db: AsyncSession, payload: Payload) -> None:
        db.add(Meta(name=f"first {payload['n']}", value=""))
        outbox.add(db, "tell", payload)

    async def _tell(self, database: Database, payload: Payload) -> None:
        with self._told.open("a") as file:
            file.write(f"{payload['n']}\n")
            file.flush()
            os.fsync(file.fileno())
        async with database.writing() as db:
            known = await db.get(Meta, f"told {payload['n']}")
            if known is None:
                db.add(Meta(name=f"told {payload['n']}", value=""))
                outbox.add(db, "converse", payload)

    async def _converse(self, _database: Database, payload: Payload) -> None:
        await self.engine.start(payload["n"])
        await self.engine.send(payload["n"], {"go": "on"}, key="1")

    async def drive(self, journal: Journal, run_id: str) -> None:
        """Conduct the run: wait for the message, then note that it ran."""
        assert await journal.receive(60) == {"go": "on"}
        await journal.step("note", partial(self._note, run_id))

    async def _note(self, run_id: str) -> JsonValue:
        async with self._database.writing() as db:
            await db.merge(Meta(name=f"ran {run_id}", value=""))


async def _serve(settings: Settings) -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    async with Database.opened(settings.app_database) as database:
        chain = Chain(database, settings.data_dir / "told")
        performer = Performer(database, chain.stages)
        async with Engine.running(settings.runs_database, settings.executor_id, performer, chain.drive) as engine:
            chain.engine = engine
            async with asyncio.TaskGroup() as tasks:
                dispatcher = Dispatcher(database, engine.hand_over, engine.hand_over_again, settings.work_poll_s)
                dispatching = tasks.create_task(dispatcher.run())
                await stop.wait()
                dispatching.cancel()


def main() -> None:
    """Run until terminated: `chain DATA_DIR EXECUTOR_ID [DATABASE_URL]`."""
    data_dir, executor_id, *url = sys.argv[1:]
    settings = Settings(data_dir=Path(data_dir), executor_id=executor_id, database_url=next(iter(url), None))
    asyncio.run(_serve(settings))
