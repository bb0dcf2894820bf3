"""How a name may look like another, and when that says enough."""

from __future__ import annotations

from enum import StrEnum
from typing import Final


class Kind(StrEnum):
    """By what a name looks like another; from `ADDITION` to `VOWEL_SWAP` as dnstwist calls its permutations."""

    HOMOGLYPH = "homoglyph"
    OMISSION = "omission"
    REPETITION = "repetition"
    TRANSPOSITION = "transposition"
    REPLACEMENT = "replacement"
    PLURAL = "plural"
    VOWEL_SWAP = "vowel-swap"
    INSERTION = "insertion"
    ADDITION = "addition"
    BITSQUATTING = "bitsquatting"
    HYPHENATION = "hyphenation"
    KEYWORD = "keyword"
    TLD_SWAP = "tld-swap"
    EMBEDDED = "embedded"


PERMUTED: Final = (
    Kind.OMISSION,
    Kind.REPETITION,
    Kind.TRANSPOSITION,
    Kind.REPLACEMENT,
    Kind.HOMOGLYPH,
    Kind.PLURAL,
    Kind.VOWEL_SWAP,
    Kind.INSERTION,
    Kind.ADDITION,
    Kind.BITSQUATTING,
)
"""What is permuted at registration: what a text is by several counts as by the first."""

_NEVER: Final = 1000
_LETTERS: Final[dict[Kind, tuple[int, int]]] = {
    Kind.HOMOGLYPH: (4, 6),
    Kind.HYPHENATION: (4, 6),
    Kind.KEYWORD: (3, 6),
    Kind.TLD_SWAP: (4, 8),
}
_PERMUTED: Final = (6, 10)
_SAME_SUFFIX: Final = (3, 4)


class Strength(StrEnum):
    """What a likeness says."""

    CERTAIN = "certain"
    POSSIBLE = "possible"


def strength(kind: Kind, letters: int, *, same_suffix: bool, brand: bool) -> Strength | None:
    """Return what a likeness says; None where it is most likely chance.

    Args:
        kind: of the likeness.
        letters: how many the registered label or brand has.
        same_suffix: whether both names have the same ending.
        brand: whether a brand is what it looks like.
    """
    least, sure = _LETTERS.get(kind, _PERMUTED)
    if same_suffix:
        least, sure = _SAME_SUFFIX
    elif kind is Kind.TLD_SWAP and not brand:
        sure = _NEVER  # names of places are other people's, too
    if letters < least:
        return None
    return Strength.CERTAIN if letters >= sure else Strength.POSSIBLE
