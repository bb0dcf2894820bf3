"""Which media type a reader wants, by its `Accept` header (RFC 9110 §12.5.1; TAXII 2.1 §1.6.8). Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

_RANGE: Final = re.compile(r'(?:[^,"]|"(?:[^"\\]|\\.)*")+')
_PARAMETER: Final = re.compile(r';\s*([^\s;=]+)\s*=\s*("(?:[^"\\]|\\.)*"|[^;]*)')
_LENIENT: Final = ("application/json", "application/*", "*/*")
"""Ranges that TAXII does not define: we answer them, the most specific first."""


@dataclass(frozen=True, slots=True)
class Range:
    """One media range of the header: lower case, without quotes; `quality` 0 is not wanted."""

    type: str
    version: str | None
    quality: float


def accepts_taxii(header: str | None) -> bool:
    """Return whether TAXII 2.1 is acceptable; a reader that says nothing takes it.

    The most specific range that speaks of our type decides.
    """
    if header is None or not header.strip():
        return True
    ranked = [(rank, one.quality) for one in ranges(header) if (rank := _rank(one)) is not None]
    return bool(ranked) and max(ranked)[1] > 0


def ranges(header: str) -> Iterator[Range]:
    """Yield the media ranges of `header` in its order."""
    for found in _RANGE.finditer(header):
        name = found[0].partition(";")[0].strip().lower()
        parameters = {m[1].lower(): m[2].strip().strip('"') for m in _PARAMETER.finditer(found[0])}
        yield Range(name, parameters.get("version"), _quality(parameters.get("q")))


def is_taxii(content_type: str) -> bool:
    """Return whether a body's type is TAXII 2.1, with or without its version."""
    found = next(ranges(content_type), None)
    return found is not None and found.type == "application/taxii+json" and found.version in (None, "2.1")


def _rank(one: Range) -> int | None:
    """Return how specifically a range speaks of TAXII 2.1, None where it does not."""
    if one.type == "application/taxii+json":
        return {"2.1": 5, None: 4}.get(one.version)
    return 3 - _LENIENT.index(one.type) if one.type in _LENIENT else None


def _quality(text: str | None) -> float:
    try:
        return 1.0 if text is None else float(text)
    except ValueError:
        return 0.0
