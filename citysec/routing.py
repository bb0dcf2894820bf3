"""Prefixes that autonomous systems announce, and which addresses of each are left to its announcer. Pure.

An address belongs to who announces the longest prefix around it; several may announce the same one.

Source:
    RFC 4632 §5.1 for the longest prefix; RFC 6472 for AS_SETs: which of its members announces a prefix nobody knows.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

import msgspec

from citysec.blocks import BITS, inside, network_key, parse_network_key

WIDEST: Final = {4: 8, 6: 16}
"""Family -> prefix length below which an announcement says nothing of who owns an address: default routes."""


class Announcement(msgspec.Struct, frozen=True, gc=False, order=True):
    """One system announces one prefix; `certain` is false of the members of an AS_SET.

    Args:
        key: of the prefix (`citysec.blocks`).
        system: number of the autonomous system.
        certain: whether it is known to be this one.
    """

    key: str
    system: int
    certain: bool = True


class Share(msgspec.Struct, frozen=True):
    """A prefix that a system announces, and the blocks in it that no longer prefix takes out: keys of addresses."""

    prefix: str
    certain: bool
    blocks: tuple[str, ...]


def shares(system: int, announced: Iterable[Announcement]) -> tuple[Share, ...]:
    """Return what is left to `system` of each prefix that it announces; those of which nothing is left out.

    Args:
        system: number of the autonomous system.
        announced: all that it announces, and at least all prefixes that lie in these, whoever announces them.
    """
    every = tuple(announced)
    prefixes: dict[str, bool | None] = {}
    for one in within(every, outermost({one.key for one in every if one.system == system})):
        known = prefixes.get(one.key)
        prefixes[one.key] = (one.certain or bool(known)) if one.system == system else known
    ordered = sorted(prefixes)
    found = (
        Share(key, certain, tuple(_left(key, ordered, at + 1)))
        for at, key in enumerate(ordered)
        if (certain := prefixes[key]) is not None
    )
    return tuple(share for share in found if share.blocks)


def within(announced: Iterable[Announcement], keys: Sequence[str]) -> Iterator[Announcement]:
    """Yield those of prefixes that are, or lie in, one of `keys`, as `outermost` returns them."""
    ends = [inside(key)[1] for key in keys]
    return (one for one in announced if (at := bisect_right(keys, one.key)) and one.key < ends[at - 1])


def outermost(keys: Iterable[str]) -> list[str]:
    """Return those of the prefixes that lie in no other of them, sorted."""
    found: list[str] = []
    end = ""
    for key in sorted(keys):
        if key >= end:
            found.append(key)
            end = inside(key)[1]
    return found


def _left(key: str, ordered: Sequence[str], at: int) -> Iterator[str]:
    """Yield the blocks of the prefix `key` that are in none of the prefixes inside it, which begin at `ordered[at]`."""
    family, prefix, begin = parse_network_key(key)
    bits, end = BITS[family], inside(key)[1]
    last = begin + (1 << (bits - prefix))
    while at < len(ordered) and ordered[at] < end:
        _, length, start = parse_network_key(ordered[at])
        if start >= begin:
            yield from _blocks(family, begin, start)
            begin = start + (1 << (bits - length))
        at += 1
    yield from _blocks(family, begin, last)


def _blocks(family: int, begin: int, end: int) -> Iterator[str]:
    """Yield the fewest blocks that hold the addresses from `begin` on, `end` excluded."""
    bits = BITS[family]
    while begin < end:
        size = min((begin & -begin).bit_length() - 1 if begin else bits, (end - begin).bit_length() - 1)
        yield network_key(family, bits - size, begin)
        begin += 1 << size
