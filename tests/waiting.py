"""Waiting in tests: for an event, never for a time."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable


async def until(true: Callable[[], object], timeout_s: float = 60, *, every_s: float = 0.01) -> None:
    """Wait for something that other tasks bring about; `true` may be asynchronous."""
    async with asyncio.timeout(timeout_s):
        while True:
            answer = true()
            if await answer if inspect.isawaitable(answer) else answer:
                return
            await asyncio.sleep(every_s)
