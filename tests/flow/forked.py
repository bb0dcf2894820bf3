"""An instance whose processes need no second to import our modules."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp

from citysec.cli.instance import START_S, Instance, InstanceFailed
from tests.processes import Program, Streams, launched
from tests.waiting import until


@dataclass(frozen=True, slots=True)
class Forked(Instance):
    """As `Instance`, but its processes are forked; the demonstration's test starts them as an operator would."""

    @property
    def _names(self) -> dict[str, str]:
        return dict(self.settings) | {"CITYSEC_DATA_DIR": str(self.data)}

    async def run(self, *arguments: str, stdin: str = "") -> str:
        """Run one command and return what it printed on stdout."""
        with tempfile.TemporaryDirectory() as folder:
            out, err = Path(folder, "out"), Path(folder, "err")
            streams = Streams(stdin, out, err)
            with launched("citysec.cli:main", *arguments, environment=self._names, streams=streams) as program:
                code = await program.ended()
            if code != 0:
                raise InstanceFailed(f"citysec {' '.join(arguments)}: {_printed(err, out)}")
            return _printed(out)

    @asynccontextmanager
    async def serving(self, port: int) -> AsyncGenerator[str, None]:
        """Serve on loopback while the block lasts; give the address once the service is ready."""
        address, streams = f"http://127.0.0.1:{port}", Streams(stderr=self.data / "service.log")
        serve = ("serve", "--port", str(port))
        with launched("citysec.cli:main", *serve, environment=self._names, streams=streams) as program:
            async with aiohttp.ClientSession(address) as client:
                await until(lambda: _is_ready(program, client), START_S, every_s=0.05)
            yield address
            program.stop()


def _printed(*files: Path) -> str:
    return "".join(file.read_text() for file in files)


async def _is_ready(program: Program, client: aiohttp.ClientSession) -> bool:
    assert program.is_alive()
    try:
        async with client.get("/readyz") as response:
            return response.status == 200
    except aiohttp.ClientConnectionError:
        return False
