"""Tables of announced prefixes as files, line by line. Pure.

Two forms are read: CSV with the header `prefix,asn`, and columns apart by tabs or blanks, as CAIDA's prefix-to-AS files
of RouteViews (address, length, origin) and pyasn's (prefix, origin). Lines that begin with `#` or `;` say nothing.

Source:
    CAIDA's README of pfx2as: `_` stands between several origins of one prefix, `,` between the members of an AS_SET.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from citysec.errors import InvalidInput, Problem
from citysec.observable import autonomous_system, network
from citysec.routing import WIDEST, Announcement, Share, outermost, shares, within

HEADER: Final = ("prefix", "asn")
Lines = Callable[[], Iterable[str]]
"""Gives the lines of a file from its beginning, as often as it is asked: tables are too large to be kept."""

PROBLEMS: Final = 20
"""Bad lines that are named; all are counted."""
_COMMENTS: Final = ("#", ";")
_LONGEST: Final = 10_000  # characters of a line
_FOUR: Final = {str(length): ((1 << (32 - length)) - 1, f"/{length:02}") for length in range(33)}
_ENDING: Final = 10  # where the length stands in the key of an IPv4 block
_ANY: Final = 10  # digits; any number of fewer is one of a system


@dataclass(frozen=True, slots=True)
class Table:
    """What a table says.

    Args:
        shares: system -> what is left to it, of those that were asked for.
        prefixes: announcements in all.
        too_wide: those left out for their width (`routing.WIDEST`).
    """

    shares: Mapping[int, tuple[Share, ...]]
    prefixes: int
    too_wide: int


def table(lines: Lines, systems: Collection[int]) -> Table:
    """Read a table twice: for what `systems` announce, and for what lies therein.

    Raises:
        InvalidInput: lines are bad; the first are named, and all counted.
    """
    mine, prefixes, too_wide = _surveyed(lines(), systems)
    outer = outermost({one.key for one in mine})
    near = sorted(within(usable(lines()), outer)) if outer else []
    return Table({system: shares(system, near) for system in systems}, prefixes, too_wide)


def usable(lines: Iterable[str]) -> Iterator[Announcement]:
    """Yield what good lines announce, but what is too wide."""
    return (one for one in read(lines) if isinstance(one, Announcement) and not _is_too_wide(one))


def read(lines: Iterable[str]) -> Iterator[Announcement | Problem]:
    """Yield what each line announces, or what is wrong with it."""
    by_comma: bool | None = None
    for number, line in enumerate(lines, 1):
        text = line.strip()
        if not text or text.startswith(_COMMENTS):
            continue
        if by_comma is None and (by_comma := _is_header(text)):
            continue
        try:
            prefix, origin = _cells(text, by_comma=by_comma)
            key = _key(prefix)
            if origin.isdecimal() and origin.isascii() and len(origin) < _ANY:  # nearly all
                yield Announcement(key, int(origin))
            else:
                yield from (Announcement(key, system, certain) for system, certain in _origins(origin))
        except InvalidInput as err:
            yield Problem(f"line {number}", err.problems[0].message)


def _is_header(text: str) -> bool:
    return tuple(cell.strip(' "').lower() for cell in text.split(",")) == HEADER


def _cells(text: str, *, by_comma: bool) -> tuple[str, str]:
    """Return the prefix and the origins of a line."""
    if len(text) > _LONGEST:
        raise InvalidInput.at("", f"has {len(text)} characters; {_LONGEST} are the most")
    cells = [cell.strip(' "') for cell in text.split(",", 1)] if by_comma else text.split()
    if len(cells) == 3:
        return f"{cells[0]}/{cells[1]}", cells[2]
    if len(cells) != 2:
        raise InvalidInput.at("", f"{text[:60]!r} is no prefix with its origin; files begin with `prefix,asn`")
    return cells[0], cells[1]


def _key(prefix: str) -> str:
    """Return the key of a prefix.

    Raises:
        InvalidInput: it is none, or an address that its length would cut off.
    """
    address, _, length = prefix.partition("/")
    whole = network(address).key
    if (four := _FOUR.get(length)) and ":" not in address:  # nearly all
        beyond, ending = four
        key, cut = whole[:_ENDING] + ending, int(whole[2:_ENDING], 16) & beyond
    else:
        key = network(prefix).key
        cut = key[: _start(key)] != whole[: _start(whole)]
    if cut:
        raise InvalidInput.at("", f"{prefix!r} has bits beyond its length")
    return key


def _start(key: str) -> int:
    """Return where the length begins in the key of a block."""
    return key.rindex("/")


def _origins(text: str) -> Iterator[tuple[int, bool]]:
    """Yield who announces a prefix, and whether that is certain."""
    for origin in text.split("_"):
        members = origin.strip("{}").split(",")
        for member in members:
            yield int(autonomous_system(member.strip()).key), len(members) == 1


def _surveyed(lines: Iterable[str], systems: Collection[int]) -> tuple[list[Announcement], int, int]:
    """Return what `systems` announce, and how many announcements there are, and too wide ones beside."""
    mine: list[Announcement] = []
    problems: list[Problem] = []
    count = bad = too_wide = 0
    for one in read(lines):
        if isinstance(one, Problem):
            bad += 1
            problems += [one] if bad <= PROBLEMS else []
        elif _is_too_wide(one):
            too_wide += 1
        else:
            count += 1
            mine += [one] if one.system in systems else []
    if bad > PROBLEMS:
        problems.append(Problem("", f"and {bad - PROBLEMS:,} more lines"))
    if problems or not count:
        raise InvalidInput(problems or (Problem("", "the file announces nothing"),))
    return mine, count, too_wide


def _is_too_wide(one: Announcement) -> bool:
    return int(one.key[_start(one.key) + 1 :]) < WIDEST[int(one.key[0])]
