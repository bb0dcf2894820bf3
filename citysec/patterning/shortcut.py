"""Reads what nearly all patterns of feeds are, without parsing: values by `=` and `IN`, joined by nothing but OR.

Each of their values alone fulfils the pattern. It is nothing but speed: ten times that of the grammar, whose result is
the same.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from citysec.patterning.syntax import Op

_PATH: Final = r"[a-z][a-z0-9-]*+:[A-Za-z_][A-Za-z0-9_]*+(?:\.(?:[A-Za-z_][A-Za-z0-9_]*+|'[A-Za-z0-9-]++'))*+"
_TEXT: Final = r"'[^'\\]*+'"
_TEST: Final = rf"{_PATH}\s*+(?:=\s*+{_TEXT}|IN\s*+\(\s*+{_TEXT}(?:\s*+,\s*+{_TEXT})*+\s*+\))"
_ONE: Final = re.compile(rf"\[({_PATH})\s*+=\s*+({_TEXT})\]")
_SEVERAL: Final = re.compile(rf"\s*+\[\s*+{_TEST}(?:\s*+(?:\]\s*+OR\s*+\[|OR\s)\s*+{_TEST})*+\s*+\]\s*+")
_PIECE: Final = re.compile(rf"({_PATH})\s*+(=|IN)|({_TEXT})")
_OPERATORS: Final = {"=": Op.EQ, "IN": Op.IN}


def values(pattern: str) -> list[tuple[str, Op, str]] | None:
    """Return path, operator and text of each value of `pattern`, in its order; None where it has another shape."""
    one = _ONE.fullmatch(pattern)
    if one is not None:
        return [(one[1], Op.EQ, one[2][1:-1])]
    return list(_several(pattern)) if _SEVERAL.fullmatch(pattern) else None


def _several(pattern: str) -> Iterator[tuple[str, Op, str]]:
    path, op = "", Op.EQ
    for next_path, operator, text in _PIECE.findall(pattern):
        if next_path:
            path, op = next_path, _OPERATORS[operator]
        else:
            yield path, op, text[1:-1]
