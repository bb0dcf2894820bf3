"""`citysec serve`."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import threading
from typing import Annotated, Final

import typer

from citysec import log, service, settings
from citysec.cli.opening import Data
from citysec.service import Role
from citysec.settings import Settings

STOP_S: Final = 4.5
"""So long a stop takes at most: what that cuts off goes on at the next start, as after a crash."""
_log: Final = log.get(__name__)


def serve(
    data: Data = None,
    host: Annotated[str | None, typer.Option(help="Address to listen on; 127.0.0.1 when not given.")] = None,
    port: Annotated[int | None, typer.Option(help="Port; 8080 when not given, 0 takes a free one.")] = None,
    role: Annotated[Role, typer.Option(help="What this process does; one alone is all or worker.")] = Role.ALL,
) -> None:
    """Run the service until it is told to stop (Ctrl-C, SIGTERM)."""
    found = settings.read(data_dir=data, host=host, port=port)
    log.configure(found)
    asyncio.run(_serve(found, role))


async def _serve(found: Settings, role: Role) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with service.running(found, role) as running:
        if running.url:
            print(f"citysec is at {running.url}", file=sys.stderr, flush=True)  # noqa: T201
        await stop.wait()
        at_the_latest(STOP_S)


def at_the_latest(seconds: float) -> None:
    """End this process after that long, whatever it is at."""
    limit = threading.Timer(seconds, _end)
    limit.daemon = True
    limit.start()


def _end() -> None:
    _log.warning("service.cut_off", after_s=STOP_S)
    os._exit(0)
