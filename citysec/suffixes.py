"""Public suffixes: names below which others register theirs, by the bundled list or another one. Pure but for its file.

Source:
    The Public Suffix List (publicsuffix.org), both of its sections; a name of one label that it does not know is one.
"""

from __future__ import annotations

from functools import cache, cached_property
from hashlib import sha256
from pathlib import Path
from typing import Final

from publicsuffixlist import PSLFILE, PublicSuffixList

_DIGITS: Final = 16  # of the digest


class Suffixes:
    """A list of public suffixes.

    Args:
        text: of its file.
    """

    def __init__(self, text: bytes) -> None:
        self._text = text

    @property
    def digest(self) -> str:
        """What is the same for the same list."""
        return sha256(self._text).hexdigest()[:_DIGITS]

    def __contains__(self, name: str) -> bool:
        """Return whether names below `name`, one in canonical form, have many owners, as those of `co.uk` have."""
        return self._list.is_public(name)

    def ending(self, name: str, *, known: bool = False) -> str | None:
        """Return the public suffix of a name; with `known` None where its last label is no top-level domain."""
        return self._list.publicsuffix(name, accept_unknown=not known)

    @cached_property
    def _list(self) -> PublicSuffixList:
        return PublicSuffixList(self._text)


@cache
def bundled() -> Suffixes:
    """Return the list that this version brings."""
    return Suffixes(Path(PSLFILE).read_bytes())


def is_public(name: str) -> bool:
    """Return whether `name`, in canonical form, is a public suffix by the bundled list."""
    return name in bundled()
