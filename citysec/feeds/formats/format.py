"""What a format is: a name, what it reads, how a feed's definition tunes it, and the function that reads."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO

import msgspec

from citysec.errors import InvalidInput
from citysec.feeds.formats.draft import Item


class NoOptions(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """For formats that need no tuning."""


@dataclass(frozen=True, slots=True)
class Format:
    """A format that citysec reads.

    Args:
        title: what it is, in a few words.
        read: yields what the file holds, in its order, without holding more than a part of it in memory. A bad record
            costs that record and yields a reject; a file that is none of the format as a whole raises `InvalidInput`,
            and nothing else is ever raised. Pure but for reading the file, which is open for bytes and can be rewound.
        options: the type of the second argument of `read`: what `[format]` in a feed's definition may say.
        of_feeds: whether a feed may come in it.
    """

    title: str
    read: Callable[[BinaryIO, Any], Iterator[Item]]
    options: type[msgspec.Struct] = NoOptions
    of_feeds: bool = True

    def tuned(self, given: Mapping[str, Any]) -> msgspec.Struct:
        """Return the options that `given` spells out.

        Raises:
            InvalidInput: an option is unknown or of the wrong type.
        """
        try:
            return msgspec.convert(given, self.options)
        except msgspec.ValidationError as err:
            raise InvalidInput.at("format", str(err)) from err
