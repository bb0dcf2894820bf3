"""Registered names, or URLs, asked which of them an expression fits: LIKE or MATCHES, by RE2 only. Pure."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from functools import cached_property
from typing import Final, Generic

from citysec.correlate.patience import Patience
from citysec.correlate.rules import Doubt, Hit, Id, Relation
from citysec.errors import NotEvaluable
from citysec.patterning import Atom, expression, regex

_MANY: Final = 500
"""So many values that fit, or more, are not tried again."""


class Fitting(Generic[Id]):
    """The registered values of one kind, as expressions are tried on them: in canonical form, as people write it.

    Args:
        ids: key -> assets; complete when it is first asked.
        turned: makes a text of a key, and a key of a text.
    """

    def __init__(self, ids: Mapping[str, tuple[Id, ...]], turned: Callable[[str], str] = str) -> None:
        self._ids, self._turned = ids, turned

    def __bool__(self) -> bool:
        return bool(self._ids)

    @property
    def size(self) -> int:
        """How many bytes the values are."""
        return len(self._lines)

    def hits(
        self, atom: Atom, left: dict[bool, bytes] | None = None, patience: Patience | None = None
    ) -> Iterator[Hit[Id]]:
        """Yield what an expression touches.

        Args:
            atom: the expression.
            left: certain -> the values that expressions of the same indicator have still to be tried on, all where it
                says nothing; those that fit, if they are many, are taken out.
            patience: how long it may be tried; if that is too short it touches nothing, and `patience` has counted it.
        """
        values = self._lines if left is None else left.get(atom.certain, self._lines)
        fitting = self._tried(atom, values, patience)
        if left is not None and len(fitting) > _MANY:
            for certain in {atom.certain, False}:
                left[certain] = _without(left.get(certain, self._lines), fitting)
        doubt = None if atom.certain else Doubt.PART
        for key in map(self._turned, fitting):
            yield from (Hit(asset_id, Relation.PATTERN, doubt, key) for asset_id in self._ids[key])

    def _tried(self, atom: Atom, values: bytes, patience: Patience | None) -> list[str]:
        found = expression(atom.kind, atom.key)
        if not self._labels.issuperset(found.labels):
            return []
        if patience is None:
            return list(found.matching(values))
        try:
            with patience.resumed():
                return list(found.matching(values, patience))
        except NotEvaluable:
            return []

    @cached_property
    def _labels(self) -> set[str]:
        return {label for key in self._ids for label in regex.parts(self._turned(key))}

    @cached_property
    def _lines(self) -> bytes:
        return regex.one_a_line(map(self._turned, self._ids)).encode()


def _without(lines: bytes, some: Collection[str]) -> bytes:
    gone = {text.encode() for text in some}
    return b"\n".join(line for line in lines.split(b"\n") if line not in gone)
