"""Tables of announced prefixes as files, line by line. Pure.

Two forms are read: CSV with the header `prefix,asn`, and columns apart by tabs or blanks, as CAIDA's prefix-to-AS files
of RouteViews (address, length, origin) and pyasn's (prefix, origin). Lines that begin with `#` or `;` say nothing.

Source:
    CAIDA's README of pfx2as: `_` stands between several origins of one prefix, `,` between the members of an AS_SET.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from citysec.errors import InvalidInput, Problem
from citysec.observable import autonomous_system, network, parse_network_key
from citysec.routing import Announcement

HEADER: Final = ("prefix", "asn")
_COMMENTS: Final = ("#", ";")
_LONGEST: Final = 10_000  # characters of a line


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
            yield from _announced(text, by_comma=by_comma)
        except InvalidInput as err:
            yield Problem(f"line {number}", err.problems[0].message)


def _is_header(text: str) -> bool:
    return tuple(cell.strip(' "').lower() for cell in text.split(",")) == HEADER


def _announced(text: str, *, by_comma: bool) -> list[Announcement]:
    if len(text) > _LONGEST:
        raise InvalidInput.at("", f"has {len(text)} characters; {_LONGEST} are the most")
    cells = [cell.strip(' "') for cell in text.split(",", 1)] if by_comma else text.split()
    if len(cells) == 3:
        cells = [f"{cells[0]}/{cells[1]}", cells[2]]
    if len(cells) != 2:
        raise InvalidInput.at("", f"{text[:60]!r} is no prefix with its origin; files begin with `prefix,asn`")
    key = network(cells[0]).key
    if parse_network_key(key) != _as_written(cells[0]):
        raise InvalidInput.at("", f"{cells[0]!r} has bits beyond its length")
    return [Announcement(key, system, certain) for system, certain in _origins(cells[1])]


def _as_written(text: str) -> tuple[int, int, int]:
    """Return the family, length and address of a prefix without dropping bits."""
    family, prefix, _ = parse_network_key(network(text).key)
    address = parse_network_key(network(text.partition("/")[0]).key)
    return family, prefix, address[2]


def _origins(text: str) -> Iterator[tuple[int, bool]]:
    """Yield who announces a prefix, and whether that is certain."""
    for origin in text.split("_"):
        members = origin.strip("{}").split(",")
        for member in members:
            yield int(autonomous_system(member.strip()).key), len(members) == 1
