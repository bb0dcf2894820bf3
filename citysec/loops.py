"""Two event loops on two threads that call each other."""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Awaitable, Callable, Coroutine
from concurrent.futures import Future
from typing import Any, TypeVar, cast

_T = TypeVar("_T")


def post(work: Coroutine[Any, Any, _T], loop: asyncio.AbstractEventLoop) -> Future[_T]:
    """Run `work` on another thread's loop, in an empty context: what the caller has bound to its own stays there."""
    return contextvars.Context().run(asyncio.run_coroutine_threadsafe, work, loop)


class HomeLoop:
    """The loop it is made on, for callers on other threads, until it is closed."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._calls: set[asyncio.Task[Any]] = set()
        self._open = True

    async def call(self, act: Callable[[], Awaitable[_T]]) -> _T:
        """Await `act` on the home loop and return its result on the caller's; cancelled when home is closing."""
        return await asyncio.wrap_future(post(self._tracked(act), self._loop))

    async def close(self, grace_s: float) -> None:
        """Refuse new calls, give those under way `grace_s` to end, then cancel them and give them as long again."""
        self._open = False
        for _ in ("end", "be cancelled"):
            if self._calls:
                _, late = await asyncio.wait(self._calls, timeout=grace_s)
                for task in late:
                    task.cancel()

    async def _tracked(self, act: Callable[[], Awaitable[_T]]) -> _T:
        if not self._open:
            raise asyncio.CancelledError
        task = cast("asyncio.Task[Any]", asyncio.current_task())
        self._calls.add(task)
        try:
            return await act()
        except asyncio.CancelledError:
            if task.cancelling():
                raise
            # Passed on, it would look to the caller as if the call had been called off, and nobody would try again.
            raise RuntimeError("something the call waited for was cancelled") from None
        finally:
            self._calls.discard(task)


class Load:
    """How much is in progress; held as a context by each that is."""

    def __init__(self, limit: int) -> None:
        self._limit, self._count, self._light = limit, 0, asyncio.Event()
        self._light.set()

    async def light(self) -> None:
        """Wait until there is less than the limit."""
        await self._light.wait()

    def __enter__(self) -> None:
        self._count += 1
        if self._count >= self._limit:
            self._light.clear()

    def __exit__(self, *_error: object) -> None:
        self._count -= 1
        if self._count < self._limit:
            self._light.set()
