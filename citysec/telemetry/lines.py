"""Lines of what comes in pieces, so that a file of any size takes no more memory than a piece of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

LONGEST: Final = 1 << 20
"""Octets of a line; what is longer is cut off one octet later."""


def lines(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the lines of all pieces together, as `bytes.splitlines` has them, save what is cut off."""
    rest = b""
    for piece in pieces:
        content = rest + piece
        end = max(content.rfind(b"\n"), content.rfind(b"\r", 0, -1)) + 1  # after a return at the end a newline may come
        yield from content[:end].splitlines()
        rest = content[end:][: LONGEST + 1]
    yield from rest.splitlines()
