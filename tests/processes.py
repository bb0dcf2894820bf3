"""Real processes to start, stop and kill, forked from one that has our modules loaded already."""

from __future__ import annotations

import importlib
import multiprocessing
import os
import signal
import sys
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Final

from tests.faults.points import Point
from tests.waiting import until

STOP_S: Final = 10
_FORKS: Final = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload(["citysec.cli.serve", "tests.faults.points"])


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
    log: Path | None = None,
) -> Generator[Program, None, None]:
    """Run `MODULE:FUNCTION` in a process of its own, killed at the latest when the block ends.

    Args:
        target: the program.
        arguments: its command line.
        point: where it shall kill itself.
        environment: what it has on top of the environment of the tests, of which no settings count.
        log: file for what it says on stderr.
    """
    process = _FORKS.Process(target=_run, args=(target, arguments, point, environment or {}, log))
    process.start()
    try:
        yield Program(process)
    finally:
        process.kill()
        process.join()


def _run(
    target: str, arguments: Sequence[str], point: Point | None, environment: Mapping[str, str], log: Path | None
) -> None:
    for name in [name for name in os.environ if name.startswith("CITYSEC_")]:
        del os.environ[name]
    os.environ.update(environment)
    if log is not None:
        os.dup2(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND), sys.stderr.fileno())
    if point is not None:
        point.arm()
    module, _, function = target.partition(":")
    sys.argv = [module, *arguments]
    getattr(importlib.import_module(module), function)()
