"""A service that is told to stop has stopped a moment later, whatever still goes on in it."""

from __future__ import annotations

import asyncio
import sys

_STUCK = """
import threading
from citysec.cli.serve import at_the_latest

at_the_latest(0.1)
threading.Event().wait()
"""


async def test_what_does_not_come_to_an_end_is_cut_off():
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", _STUCK, stdout=asyncio.subprocess.PIPE)
    told, _ = await process.communicate()
    assert process.returncode == 0
    assert b"service.cut_off" in told
