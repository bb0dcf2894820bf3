"""What a statement costs SQLite, counted in the steps of its machine instead of on the clock."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from sqlmodel.ext.asyncio.session import AsyncSession

from citysec.db import Database

_AT_ONCE = 100


async def steps(db: Database, act: Callable[[AsyncSession], Awaitable[object]]) -> int:
    """Return how many hundreds of steps reading takes that `act` does."""
    hundreds = 0

    def step() -> None:
        nonlocal hundreds
        hundreds += 1

    async with db.reading() as session:
        driver: Any = (await (await session.connection()).get_raw_connection()).driver_connection
        await act(session)  # once before, so that everything is prepared
        await driver.set_progress_handler(step, _AT_ONCE)
        await act(session)
        await driver.set_progress_handler(None, 0)
    return hundreds
