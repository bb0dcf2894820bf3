"""How a process keeps its memory: taken from few places, and what stays is not looked at again and again."""

from __future__ import annotations

import ctypes
import gc
import importlib
import sys
from collections.abc import Generator
from contextlib import contextmanager
from types import ModuleType
from typing import Any, Final

ARENAS: Final = 1
"""From so many places the C library serves all threads; its own choice, eight a core, keeps 7 MB more of ours."""

LARGE: Final = 128 << 10
"""What is larger is given back to the system as soon as it is freed; left to itself, the C library soon keeps it."""

COLLECTED: Final = 10_000
"""After so many new containers garbage is looked for; left to itself, Python does so fourteen times as often, which
takes a tenth of the service's time to find next to nothing."""

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
    """Have the garbage collector pass over what is there now, modules above all, and look at the rest more seldom.

    What is garbage now stays while the block lasts, too. Who runs for long collects it before; for a command looking
    for it takes too long.
    """
    before = gc.get_threshold()
    gc.freeze()
    gc.set_threshold(COLLECTED, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()


@contextmanager
def unloaded(package: str, *parts: str) -> Generator[None, None, None]:
    """Have what is imported in the block not load a package that it imports, until something is asked of that.

    It is for what a library imports for a case that may not be ours.

    Args:
        package: a package, such as `psycopg`.
        parts: what is imported of it by name, such as `errors`.
    """
    if package in sys.modules:
        yield
        return
    sys.modules[package] = stands_in = _Unloaded(package)
    for part in parts:
        setattr(stands_in, part, _Unloaded(f"{package}.{part}"))
    try:
        yield
    finally:
        _make_way(package)  # whoever imports it from now on wants it


class _Unloaded(ModuleType):
    """Stands in for a module, and loads it when something is asked of it."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        _make_way(self.__name__.partition(".")[0])  # within the block, it would find itself
        return getattr(importlib.import_module(self.__name__), name)


def _make_way(package: str) -> None:
    if isinstance(sys.modules.get(package), _Unloaded):
        del sys.modules[package]
