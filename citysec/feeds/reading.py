"""One reading of a feed: how much of it that brings, and which objects it has said so far."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum


class Extent(StrEnum):
    """What a reading brings: all that the feed has, a part such as what is new, or what a person hands in."""

    WHOLE = "whole"
    PART = "part"
    HANDED_IN = "handed-in"


class Reading:
    """One page or file, in however many batches it is stored; `began` is when it was asked for.

    It remembers in a bit for each object which ones it has said: a million take as much memory as a few, and no row
    of theirs is written.
    """

    def __init__(self, began: datetime, extent: Extent) -> None:
        self.began, self.extent = began, extent
        self._said = bytearray()

    def says(self, object_ids: Iterable[int]) -> None:
        """Note that it says these objects."""
        for object_id in object_ids:
            place = object_id >> 3
            if place >= len(self._said):
                self._said.extend(bytes(place + 1 - len(self._said) + (len(self._said) >> 3)))
            self._said[place] |= 1 << (object_id & 7)

    def __contains__(self, object_id: int) -> bool:
        place = object_id >> 3
        return place < len(self._said) and bool(self._said[place] >> (object_id & 7) & 1)
