"""Halves of characters in JSON: publishers cut texts within an emoji, and no decoder takes what is left.

Source:
    RFC 8259 §8.2: the grammar allows the escape of a surrogate without its other half. That U+FFFD takes its place, so
    that it does not cost the file, is our rule.
"""

from __future__ import annotations

import re
from typing import Final

_SURROGATE: Final = re.compile(rb"\\u[dD][89a-fA-F]")
_ESCAPE: Final = re.compile(
    rb"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(u[dD][89a-fA-F][0-9a-fA-F]{2})|.)", re.DOTALL
)
"""A pair, a half (the group), or any other escape, so that `\\\\ud800` is read as a backslash and letters."""


def mended(body: bytes) -> bytes:
    """Return the JSON text `body` with U+FFFD for each half of a pair."""
    return _ESCAPE.sub(_whole, body) if b"\\" in body and _SURROGATE.search(body) else body


def _whole(escape: re.Match[bytes]) -> bytes:
    return rb"\ufffd" if escape[1] else escape[0]
