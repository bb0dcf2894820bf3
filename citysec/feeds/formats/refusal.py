"""When a file is refused as a whole: nothing in it can be read, or it is too large to be read at once, as it must."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import BinaryIO, Final

from citysec.errors import InvalidInput, Problem
from citysec.feeds.formats.draft import Item, Reject

_PATIENCE: Final = 100
_NAMED: Final = 3


def in_memory(file: BinaryIO, most: int) -> bytes:
    """Return the rest of `file`.

    Raises:
        InvalidInput: it is larger than `most` bytes.
    """
    body = file.read(most + 1)
    if len(body) > most:
        raise InvalidInput.at("", f"this is larger than {most >> 20} MiB in one piece")
    return body


def readable(items: Iterator[Item], harmless: Collection[str] = ()) -> Iterator[Item]:
    """Yield `items`, unless the first hundred, or all there are, are rejects.

    Args:
        items: of one file.
        harmless: reasons of rejects that show that the file was understood.

    Raises:
        InvalidInput: while iterating, instead of the first item; it says what is wrong with some of them.
    """
    held: list[Reject] = []
    for item in items:
        if not isinstance(item, Reject) or item.reason in harmless:
            yield from held
            yield item
            break
        held.append(item)
        if len(held) == _PATIENCE:
            raise InvalidInput(_problems(held))
    else:
        if held:
            raise InvalidInput(_problems(held))
    yield from items


def _problems(held: list[Reject]) -> list[Problem]:
    return [Problem(reject.at, reject.reason) for reject in held[:_NAMED]]
