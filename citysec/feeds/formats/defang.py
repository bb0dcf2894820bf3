"""Texts in which addresses are written so that nobody follows them by mistake, made sharp again.

Known are `hxxp`, `meow`, `fxp` and their like for schemes; dots, at-signs, colons and slashes in brackets, also as
words (`[dot]`, `(at)`); backslashes before dots; and characters without width. Everything else stays as it is.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from typing import Final

import msgspec

_BLUNT: Final = re.compile(
    r"""
    \b(?P<scheme>h(?:xx|tt|\*\*|__)p|meow|fxp|ftp)(?P<tls>s?)\s?
        (?:\[://\]|(?:\[:\]|\[:|:\]|:)(?://|\[//\]|\[/\]\[/\]|\\\\))
    | (?<=[\w\])}])\s?[\[({<]\s?(?:(?P<dot>\.|dot|d0t|punkt)|(?P<at>@|at))\s?[\])}>]\s?(?=\w)
    | (?<=\w)(?P<half>\[\.|\.\]|\(\.|\.\)|\\\.)(?=\w)
    | (?<=[\w:])\[(?P<colon>:)\](?=[\w:])
    | \[(?P<slash>/)\]
    | (?P<nothing>[\u00ad\u200b-\u200d\u2060\ufeff])
    """,
    re.VERBOSE | re.IGNORECASE,
)
_SCHEMES: Final = {"fxp": "ftp", "ftp": "ftp"}
_PLAIN: Final = re.compile(r"(?:https?|ftps?)://", re.IGNORECASE)


class Sharp(msgspec.Struct, frozen=True):
    """A text made sharp.

    Args:
        text: as it is meant.
        blunt: places in `text` where something was made sharp, ascending.
        moves: places in `text` from which on places are counted differently, ascending, with what to add.
    """

    text: str
    blunt: tuple[int, ...] = ()
    moves: tuple[tuple[int, int], ...] = ()

    def was_blunt(self, start: int, end: int) -> bool:
        """Return whether something between `start` and `end` was made sharp."""
        first = bisect_right(self.blunt, start - 1)
        return first < len(self.blunt) and self.blunt[first] < end

    def origin(self, place: int) -> int:
        """Return where `place` is in the text as it was written."""
        moved = bisect_right(self.moves, (place, 1 << 62))
        return place + (self.moves[moved - 1][1] if moved else 0)


def sharp(text: str) -> Sharp:
    """Return `text` as it is meant."""
    pieces: list[str] = []
    blunt: list[int] = []
    moves: list[tuple[int, int]] = []
    at = length = 0
    for found in _BLUNT.finditer(text):
        meant = _meant(found)
        pieces += text[at : found.start()], meant
        length += found.start() - at
        if meant and _PLAIN.fullmatch(found[0]) is None:
            blunt.append(length)
        length, at = length + len(meant), found.end()
        moves.append((length, at - length))
    return Sharp("".join((*pieces, text[at:])), tuple(blunt), tuple(moves))


def _meant(found: re.Match[str]) -> str:
    if scheme := found["scheme"]:
        return f"{_SCHEMES.get(scheme.lower(), 'http')}{found['tls'].lower()}://"
    if found["dot"] or found["half"]:
        return "."
    return "@" if found["at"] else found["colon"] or found["slash"] or ""
