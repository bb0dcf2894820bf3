"""STIX patterns: `compile` makes of one what an index can look up, `parse` a program, `evaluation` evaluates that."""

from citysec.patterning.atoms import (
    FAULTS,
    NAME_PATH,
    TRIED_ON,
    URL_PATH,
    Atom,
    Compiled,
    Residue,
    Why,
    compile,  # noqa: A004
    expression,
    index_key,
    written,
)
from citysec.patterning.grammar import parse
from citysec.patterning.syntax import Op

__all__ = [
    "FAULTS",
    "NAME_PATH",
    "TRIED_ON",
    "URL_PATH",
    "Atom",
    "Compiled",
    "Op",
    "Residue",
    "Why",
    "compile",
    "expression",
    "index_key",
    "parse",
    "written",
]
