"""A citysec in processes of its own, as an operator would run it: for the demonstration and for acceptance tests."""

from __future__ import annotations

import asyncio
import os
import socket
import sys
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import aiohttp

from citysec.errors import CitysecError

START_S: Final = 60.0
"""How long a service may take until it is ready."""
STOP_S: Final = 10.0


class InstanceFailed(CitysecError):
    """A command or a service of the instance did not do its work; the message is what it said."""


@dataclass(frozen=True, slots=True)
class Instance:
    """One citysec with a data directory of its own.

    Args:
        data: the data directory.
        settings: `CITYSEC_*` names and values; nothing of the reader's own environment counts.
    """

    data: Path
    settings: Mapping[str, str] = field(default_factory=dict[str, str])

    @property
    def environment(self) -> dict[str, str]:
        """What its processes are started with."""
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("CITYSEC_")}
        return inherited | dict(self.settings) | {"CITYSEC_DATA_DIR": str(self.data)}

    async def run(self, *arguments: str, stdin: str = "") -> str:
        """Run one command and return what it printed on stdout.

        Raises:
            InstanceFailed: it did not end well.
        """
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "citysec", *arguments, env=self.environment,
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        out, err = await process.communicate(stdin.encode())
        if process.returncode != 0:
            raise InstanceFailed(f"citysec {' '.join(arguments)}: {(err or out).decode(errors='replace').strip()}")
        return out.decode()

    @asynccontextmanager
    async def serving(self, port: int) -> AsyncGenerator[str, None]:
        """Serve on loopback while the block lasts; give the address once the service is ready."""
        with (self.data / "service.log").open("ab") as log:
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "citysec", "serve", "--port", str(port), env=self.environment,
                stdin=asyncio.subprocess.DEVNULL, stdout=log, stderr=log,
            )  # fmt: skip
            try:
                address = f"http://127.0.0.1:{port}"
                await self._ready(address, process)
                yield address
            finally:
                await _stop(process)

    async def _ready(self, address: str, process: asyncio.subprocess.Process) -> None:
        async with asyncio.timeout(START_S), aiohttp.ClientSession() as session:
            while True:
                if process.returncode is not None:
                    said = (self.data / "service.log").read_text(errors="replace")
                    raise InstanceFailed(f"the service ended at once: {said[-2000:].strip()}")
                try:
                    async with session.get(f"{address}/readyz") as response:
                        if response.status == 200:
                            return
                except aiohttp.ClientConnectionError:
                    pass
                await asyncio.sleep(0.1)


def free_port() -> int:
    """Return a port of the loopback interface that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


async def _stop(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        process.terminate()
        try:
            async with asyncio.timeout(STOP_S):
                await process.wait()
        except TimeoutError:
            process.kill()
    await process.wait()
