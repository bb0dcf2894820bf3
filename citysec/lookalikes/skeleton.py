"""What a label looks like: the same text for labels that people take for each other.

The confusable characters of Unicode become the letters they resemble, accents go, digits become letters, and `rn`, `vv`
and `cl` the letters `m`, `w` and `d`. It is no readable text, and nothing but equality means anything.

Source:
    UTS #39 §4 and its confusables, as the package `confusable-homoglyphs` carries them. That accents go, and what is
    done with digits and pairs of letters, are our rules: browsers show small letters, and people read fast.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Final

import idna
import msgspec

_ALIKE: Final = str.maketrans("0123456789i", "olzeasbtbgl")
_CYRILLIC: Final = dict(zip("твкмнпгиь", "tbkmhnrub", strict=True))  # Unicode compares capitals, and few fonts differ
_NAMED: Final = re.compile(r"LATIN (?:SMALL LETTER|LETTER SMALL CAPITAL) ([A-Z])(?: WITH .*)?")
_PAIRS: Final = (("rn", "m"), ("vv", "w"), ("cl", "d"))


def skeleton(label: str) -> str:
    """Return what a label looks like; it may be an A-label, and hyphens stay."""
    return paired(letters(label))


def latin(label: str) -> str:
    """Return a label with the letters of ASCII that its characters resemble; it may be an A-label."""
    if label.isascii() and not label.startswith("xn--"):
        return label
    return "".join(_latin(c) for c in unicodedata.normalize("NFKD", unicode(label)))


def letters(label: str) -> str:
    """Return the skeleton of a label before pairs of letters are taken for one: where words meet, they are none."""
    return latin(label).translate(_ALIKE)


def paired(text: str) -> str:
    """Return what is made of `letters` when pairs are taken for one letter."""
    for pair, single in _PAIRS:
        if pair in text:
            text = text.replace(pair, single)
    return text


def unicode(label: str) -> str:
    """Return a label as people read it; one that is no A-label, as it is."""
    if not label.startswith("xn--"):
        return label
    try:
        return idna.ulabel(label)
    except UnicodeError:
        return label


def scripts(label: str) -> tuple[str, ...]:
    """Return the scripts of the letters of a label, for instance `LATIN` and `CYRILLIC`, in their order."""
    named = (unicodedata.name(c, "UNKNOWN").partition(" ")[0] for c in unicode(label) if c.isalpha())
    return tuple(dict.fromkeys(named))


def _latin(character: str) -> str:
    if character.isascii():
        return character
    if unicodedata.combining(character):
        return ""
    named = _NAMED.fullmatch(unicodedata.name(character, ""))
    return named[1].lower() if named else _CYRILLIC.get(character) or _confusables().get(character, character)


@cache
def _confusables() -> Mapping[str, str]:
    """Return character -> the ASCII letters or digits that it may be taken for; read when the first is met."""
    text = files("confusable_homoglyphs").joinpath("confusables.json").read_bytes()
    entries = msgspec.json.decode(text, type=dict[str, list[_Confusable]])
    found: dict[str, str] = {}
    for character, alike in entries.items():
        latin = next((low for one in alike if (low := one.c.lower()).isascii() and low.isalnum()), None)
        if len(character) == 1 and not character.isascii() and latin is not None:
            found[character] = latin
    return found


class _Confusable(msgspec.Struct):
    c: str
