"""The formats we read: bytes in, drafts and rejects out, one module per format, all pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Final

from citysec.feeds.formats import stix
from citysec.feeds.formats.draft import Draft, Reject
from citysec.feeds.formats.markings import marking_level

Parse = Callable[[bytes], Iterator[Draft | Reject]]

FORMATS: Final[Mapping[str, Parse]] = {"stix": stix.parse}
"""Name of a format -> what reads it; raises `InvalidInput` when the body as a whole is none of it."""

__all__ = ["FORMATS", "Draft", "Parse", "Reject", "marking_level"]
