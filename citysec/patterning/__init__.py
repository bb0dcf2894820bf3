"""STIX patterns: `compile` makes of one what an index can look up; `parse` makes of it a program to be evaluated."""

from citysec.patterning.atoms import Atom, Compiled, Residue, Why, compile  # noqa: A004
from citysec.patterning.grammar import parse
from citysec.patterning.syntax import Op

__all__ = ["Atom", "Compiled", "Op", "Residue", "Why", "compile", "parse"]
