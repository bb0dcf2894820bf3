"""What of an indicator's pattern can be looked up, and what is wrong with it: pure."""

from __future__ import annotations

from collections.abc import Sequence

from citysec import patterning
from citysec.errors import InvalidInput
from citysec.feeds.formats import Draft
from citysec.patterning import Atom, Why


def atoms(draft: Draft) -> tuple[Sequence[Atom], str | None]:
    """Return the atoms of `draft`'s pattern, and why it, or a part of it, can never match; None when all is well.

    Other pattern types than STIX are kept and shared, not executed. The reason names properties, not values.
    """
    if draft.type != "indicator" or draft.pattern is None or draft.pattern_type != "stix":
        return (), None
    return of_pattern(draft.pattern)


def of_pattern(pattern: str) -> tuple[Sequence[Atom], str | None]:
    """Return the atoms of a STIX pattern, and why it, or a part of it, can never match."""
    try:
        compiled = patterning.compile(pattern)
    except InvalidInput as err:
        return (), str(err)
    faults = dict.fromkeys(f"{part.path}: {part.why}" for part in compiled.residue if part.why is Why.VALUE)
    return compiled.atoms, "; ".join(faults) or None
