"""Real processes to start, stop and kill, forked from one that has our modules loaded already."""

from __future__ import annotations

import asyncio
import importlib
import io
import multiprocessing
import os
import signal
import sys
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Final

from tests.faults.points import Point
from tests.waiting import until

STOP_S: Final = 10
_FORKS: Final = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload(["tests.cli.line", "tests.faults.points"])


@dataclass(frozen=True)
class Streams:
    """What a process reads, and the files to which it appends; without a file it writes where the tests do."""

    stdin: str = ""
    stdout: Path | None = None
    stderr: Path | None = None


AS_THE_TESTS: Final = Streams()


class Program:
    """A process that has been started."""

    def __init__(self, process: BaseProcess) -> None:
        self._process = process

    def is_alive(self) -> bool:
        """Tell whether it still runs."""
        return self._process.is_alive()

    def kill(self) -> None:
        """End it with -9."""
        self._process.kill()
        self._process.join()

    async def ended(self) -> int:
        """Wait until it has ended, and return its exit code."""
        await asyncio.to_thread(self._process.join)
        return self._process.exitcode or 0

    async def killed_itself(self, timeout_s: float = 60) -> None:
        """Wait until it has come to its point."""
        await until(lambda: not self._process.is_alive(), timeout_s)
        assert self._process.exitcode == -signal.SIGKILL

    def stop(self) -> None:
        """Ask it to stop, and see that it does so in time and content."""
        self._process.terminate()
        self._process.join(STOP_S)
        assert self._process.exitcode == 0


@contextmanager
def launched(
    target: str,
    *arguments: str,
    point: Point | None = None,
    environment: Mapping[str, str] | None = None,
    streams: Streams = AS_THE_TESTS,
) -> Generator[Program, None, None]:
    """Run `MODULE:FUNCTION` in a process of its own, killed at the latest when the block ends.

    Args:
        target: the program.
        arguments: its command line.
        point: where it shall kill itself.
        environment: what it has on top of the environment of the tests, of which no settings count.
        streams: what it reads and where it writes.
    """
    process = _FORKS.Process(target=_run, args=(target, arguments, point, environment or {}, streams))
    process.start()
    try:
        yield Program(process)
    finally:
        process.kill()
        process.join()


def _run(
    target: str, arguments: Sequence[str], point: Point | None, environment: Mapping[str, str], streams: Streams
) -> None:
    for name in [name for name in os.environ if name.startswith("CITYSEC_")]:
        del os.environ[name]
    os.environ.update(environment)
    sys.stdin = io.StringIO(streams.stdin)
    for path, stream in ((streams.stdout, sys.stdout), (streams.stderr, sys.stderr)):
        if path is not None:
            os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND), stream.fileno())
    if point is not None:
        point.arm()
    module, _, function = target.partition(":")
    sys.argv = [module, *arguments]
    getattr(importlib.import_module(module), function)()
