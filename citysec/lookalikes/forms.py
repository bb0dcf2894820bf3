"""The forms of names: what a name that arrives may be taken for, and what a registered name or brand is taken for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import msgspec

from citysec.lookalikes.kinds import Kind, Strength, strength
from citysec.lookalikes.names import Parts, parts
from citysec.lookalikes.skeleton import latin, letters, paired, unicode
from citysec.lookalikes.vocabulary import Vocabulary
from citysec.observable import reverse_labels

_DEEPEST: Final = 12
"""Labels of a name that are looked at for another name inside it."""


@dataclass(frozen=True, slots=True)
class Subject:
    """What others may look like: a registered name, or a brand.

    Args:
        key: the key of the name (`uk.gov.camden`) or of the brand (`camden council`).
        label: the label, or the words without spaces.
        suffix: what stands behind the label; empty for a brand.
    """

    key: str
    label: str
    suffix: str = ""

    @property
    def value(self) -> str:
        """The name or the brand, as people write it."""
        return reverse_labels(self.key) if self.suffix else self.key


def subject(key: str) -> Subject:
    """Return the subject of that key."""
    if "." not in key:
        return Subject(key, key.replace(" ", ""))
    name = reverse_labels(key)
    found = parts(name)
    return Subject(key, found.label, found.suffix) if found else Subject(key, name)


class Reading(msgspec.Struct, frozen=True, gc=False):
    """One way to read a name that arrives: its own label, or that of a name inside it.

    `embedded` is true for the latter: `camden.gov.uk` in `camden.gov.uk.verify.example`.
    """

    parts: Parts
    plain: str
    forms: tuple[str, ...]
    embedded: bool = False


@lru_cache(maxsize=2048)  # what is remembered of a batch of indicators is asked for again at once
def readings(name: str, vocabulary: Vocabulary) -> tuple[Reading, ...]:
    """Return how a canonical name may be read, first as it stands; nothing for a public suffix."""
    own = parts(name)
    if own is None:
        return ()
    inside = _inside(name.split(".")[:_DEEPEST], vocabulary) if own.below else ()
    return _reading(own, vocabulary), *inside


def all_forms(name: str, vocabulary: Vocabulary) -> tuple[str, ...]:
    """Return all forms of a canonical name."""
    found = readings(name, vocabulary)
    if len(found) == 1:
        return found[0].forms
    return tuple(dict.fromkeys(form for each in found for form in each.forms))


def _inside(labels: list[str], vocabulary: Vocabulary) -> Iterator[Reading]:
    """Yield the names that end within a name, before its last label."""
    seen: set[str] = set()
    for end in range(2, len(labels)):
        found = parts(".".join(labels[:end]), known=True)
        if found is not None and found.registrable not in seen:
            seen.add(found.registrable)
            yield _reading(found, vocabulary, embedded=True)


def _reading(found: Parts, vocabulary: Vocabulary, *, embedded: bool = False) -> Reading:
    bare = letters(found.label).replace("-", "")
    plain = paired(bare)
    forms = vocabulary.residues(plain)
    if plain != bare:  # `rn` in `westminsternotice` is no m: keywords come off before pairs are made, too
        forms = tuple(dict.fromkeys((*forms, *map(paired, vocabulary.residues(bare)))))
    return Reading(found, plain, forms, embedded)


@dataclass(frozen=True, slots=True)
class Likeness:
    """A name looks like a subject: by what, and how much that says."""

    kind: Kind
    strength: Strength


def likeness(read: Reading, form: str, of: Subject, kind: Kind | None) -> Likeness | None:
    """Return how a name that arrives looks like a subject by a form that both have; None where it does not.

    Args:
        read: the reading of the name that has the form.
        form: which.
        of: the subject.
        kind: by which permutation the subject has it; None for its own.
    """
    same_suffix = read.parts.suffix == of.suffix
    if read.embedded and not same_suffix:
        return None
    found = _kind(read, form, of, kind)
    said = strength(found, len(latin(_joined(of.label))), same_suffix=same_suffix, brand=not of.suffix)
    return Likeness(found, said) if said else None


def _kind(read: Reading, form: str, of: Subject, kind: Kind | None) -> Kind:
    if kind is not None:
        return kind
    if form != read.plain:
        return Kind.KEYWORD
    if read.parts.label == of.label:
        return Kind.EMBEDDED if read.embedded else Kind.TLD_SWAP
    return Kind.HYPHENATION if _joined(read.parts.label) == _joined(of.label) else Kind.HOMOGLYPH


def _joined(label: str) -> str:
    return unicode(label).replace("-", "")
