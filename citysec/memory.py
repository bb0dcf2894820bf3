"""How a process keeps its memory: taken from few places, and what stays is not looked at again and again."""

from __future__ import annotations

import ctypes
import gc
from collections.abc import Generator
from contextlib import contextmanager
from typing import Final

ARENAS: Final = 1
"""From so many places the C library serves all threads; its own choice, eight a core, keeps 7 MB more of ours."""

LARGE: Final = 128 << 10
"""What is larger is given back to the system as soon as it is freed; left to itself, the C library soon keeps it."""

_M_ARENA_MAX: Final = -8  # <malloc.h> of the GNU C library
_M_MMAP_THRESHOLD: Final = -3


def spare() -> None:
    """Have the C library's allocator keep fewer places; before threads start, and only where it is GNU's."""
    tune = getattr(ctypes.CDLL(None), "mallopt", None)
    if tune is not None:
        tune(_M_ARENA_MAX, ARENAS)
        tune(_M_MMAP_THRESHOLD, LARGE)


@contextmanager
def settled() -> Generator[None, None, None]:
    """Have the garbage collector pass over what is there now, modules above all: it stays while the block lasts.

    What is garbage now stays, too. Who runs for long collects it before; for a command looking for it takes too long.
    """
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()
