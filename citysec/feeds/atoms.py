"""What of an indicator's pattern can be looked up, and what is wrong with it: pure."""

from __future__ import annotations

from collections.abc import Sequence

from citysec import patterning
from citysec.errors import InvalidInput
from citysec.feeds.formats import Draft, Entry
from citysec.feeds.formats.values import term
from citysec.observable import Kind, Observable
from citysec.patterning import FAULTS, URL_PATH, Atom, Op, written

_EQ = Op.EQ
Found = tuple[Sequence[Atom], str | None]
"""Atoms of a pattern, and why it, or a part of it, can never match; None when all is well."""


def atoms(draft: Draft) -> Found:
    """Return the atoms of `draft`'s pattern, and what is wrong with it.

    Other pattern types than STIX are kept and shared, not executed. The reason names properties, not values.
    """
    if draft.type != "indicator" or draft.pattern is None or draft.pattern_type != "stix":
        return (), None
    return _found(draft.pattern, draft.observables)


def of_entry(entry: Entry) -> Found:
    """Return the atoms of an indicator's key, and what is wrong with it."""
    return _found(entry.key, entry.observables)


def is_host_of_url(atom: Atom) -> bool:
    """Return whether an atom is what a URL says beside itself."""
    return atom.path == URL_PATH and (atom.kind is Kind.NAME or atom.kind is Kind.IP)


def _found(pattern: str, known: Sequence[Observable]) -> Found:
    """Return what is in a pattern; one whose observables are known need not be compiled, which takes long."""
    if known:
        path, literal = term(known[0])
        return [Atom(one.kind, one.key, path, written(one, literal), certain=True, op=_EQ) for one in known], None
    return of_pattern(pattern)


def of_pattern(pattern: str) -> Found:
    """Return the atoms of a STIX pattern, and what is wrong with it."""
    try:
        compiled = patterning.compile(pattern)
    except InvalidInput as err:
        return (), str(err)
    if not compiled.residue:
        return compiled.atoms, None
    faults = dict.fromkeys(f"{part.path}: {part.why}" for part in compiled.residue if part.why in FAULTS)
    return compiled.atoms, "; ".join(faults) or None
