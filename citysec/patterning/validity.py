"""Whether a text is a pattern that the standard allows: what `parse` reads, less what has a meaning but is forbidden.

Source:
    STIX 2.1 §9.5.1 (no qualifier twice) and §9.6.1 (constants of the property's own type: a hash is as long as its
    algorithm makes it), as the OASIS validator checks them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from citysec import observable
from citysec.errors import InvalidInput, Problem
from citysec.patterning.grammar import Reading, read
from citysec.patterning.syntax import Comparison, Op, Version

_HASH: Final = re.compile(r"[.:]hashes\.'?([A-Za-z0-9_-]+)'?$")
_EQUALITY: Final = frozenset({Op.EQ, Op.NE, Op.IN})


def problems(pattern: str, version: Version | None = None) -> tuple[Problem, ...]:
    """Return why `pattern` is none that `version` of the standard allows; nothing where it is one."""
    try:
        reading = read(pattern, version)
    except InvalidInput as err:
        return err.problems
    return faults(reading)


def faults(reading: Reading) -> tuple[Problem, ...]:
    """Return why what was read is forbidden all the same."""
    comparisons = (one for one in reading.program if isinstance(one, Comparison))
    hashes = (problem for one in comparisons for problem in _no_hashes(one))
    return (*reading.faults, *hashes)


def _no_hashes(comparison: Comparison) -> Iterator[Problem]:
    found = _HASH.search(comparison.path)
    if found is None or comparison.op not in _EQUALITY or not observable.knows_hashes(found[1]):
        return
    for value in map(str, comparison.values):
        if not _is_hash(found[1], value):
            yield Problem(f"character {comparison.at}", f"{value[:80]!r} is no {found[1]} hash")


def _is_hash(algorithm: str, text: str) -> bool:
    try:
        observable.file_hash(algorithm, text)
    except InvalidInput:
        return False
    return True
