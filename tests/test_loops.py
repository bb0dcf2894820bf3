"""Two event loops on two threads that call each other."""

from __future__ import annotations

import asyncio
import contextvars
import threading
from collections.abc import Awaitable, Callable
from functools import partial

import pytest

from citysec.loops import HomeLoop, Load, post
from tests.waiting import until


async def _from_another_thread(home: HomeLoop, act: Callable[[], Awaitable[object]]) -> object:
    """Make the call as the engine's thread does."""
    return await asyncio.to_thread(lambda: asyncio.run(home.call(act)))


async def test_a_call_runs_at_home_and_its_result_comes_back():
    async def act() -> threading.Thread:
        return threading.current_thread()

    assert await _from_another_thread(HomeLoop(), act) is threading.current_thread()


async def test_what_a_call_raises_comes_back():
    async def act() -> None:
        raise LookupError("gone")

    with pytest.raises(LookupError, match="gone"):
        await _from_another_thread(HomeLoop(), act)


async def test_a_call_sees_nothing_of_its_callers_context():
    mine = contextvars.ContextVar("mine", default="nothing")
    mine.set("something")

    async def act() -> str:
        return mine.get()

    assert await asyncio.wrap_future(post(act(), asyncio.get_running_loop())) == "nothing"


async def test_a_cancellation_inside_a_call_is_an_error_outside():
    async def act() -> None:
        raise asyncio.CancelledError

    with pytest.raises(RuntimeError, match="cancelled"):
        await _from_another_thread(HomeLoop(), act)


async def test_a_closed_home_cancels_what_calls():
    home = HomeLoop()
    await home.close(0.1)
    with pytest.raises(asyncio.CancelledError):
        await _from_another_thread(home, lambda: asyncio.sleep(0))


async def test_closing_gives_calls_a_moment_and_then_cancels_them():
    home, events = HomeLoop(), list[str]()

    async def act(seconds: float) -> None:
        try:
            events.append("begun")
            await asyncio.sleep(seconds)
            events.append("ended")
        except asyncio.CancelledError:
            events.append("cancelled")
            raise

    for seconds in (0.1, 3600):
        post(home.call(partial(act, seconds)), asyncio.get_running_loop())
    await until(lambda: events == ["begun", "begun"])
    await home.close(0.5)
    assert events[2:] == ["ended", "cancelled"]


async def test_whoever_waits_for_a_lighter_load_goes_on_when_one_is_through():
    load = Load(2)
    async with asyncio.TaskGroup() as tasks:
        with load:
            with load:
                waiting = tasks.create_task(load.light())
                await asyncio.sleep(0)
                assert not waiting.done()
            await waiting
