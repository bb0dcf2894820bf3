"""The words that people put beside a brand to make a false name of it, and the endings that not everybody can have."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Annotated, Final

import msgspec
from msgspec import Meta, Struct

from citysec.errors import InvalidInput
from citysec.lookalikes.skeleton import letters, paired

FILE: Final = "lookalikes.toml"
"""Its name in `playbooks/`."""
_SHORTEST: Final = 3  # letters that must be left
_MOST: Final = 12  # forms of one label
_Word = Annotated[str, Meta(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=40)]
_Ending = Annotated[str, Meta(pattern=r"^[a-z0-9-]+(\.[a-z0-9-]+)*$")]


class Vocabulary(Struct, frozen=True, forbid_unknown_fields=True, dict=True):
    """What `playbooks/lookalikes.toml` says.

    Args:
        keywords: words that say little by themselves: `login`, `pay`, `council-tax`.
        closed: public suffixes under which only public bodies register names: whoever has a name there has all of it.
    """

    keywords: tuple[_Word, ...] = ()
    closed: tuple[_Ending, ...] = ()

    def residues(self, text: str) -> tuple[str, ...]:
        """Return what is left of the skeleton of a label without hyphens when keywords at its ends are taken away.

        Each stage is one, for a keyword may be a part of a brand, too: first `text` itself.
        """
        found, waiting = [text], [text]
        while waiting and len(found) < _MOST:
            for rest in self._stripped(waiting.pop()):
                if len(rest) >= _SHORTEST and rest not in found:
                    found.append(rest)
                    waiting.append(rest)
        return tuple(found)

    def __hash__(self) -> int:
        return self._hash

    def _stripped(self, text: str) -> Iterator[str]:
        before, after = self._ends
        if found := before.match(text):
            yield text[found.end() :]
        if found := after.match(text[::-1]):
            yield text[: len(text) - found.end()]
            if last := self._last_words.get(found[0][::-1]):
                yield text.removesuffix(last)

    @cached_property
    def _hash(self) -> int:
        return hash((self.keywords, self.closed))

    @cached_property
    def _ends(self) -> tuple[re.Pattern[str], re.Pattern[str]]:
        """Expressions for keywords at the beginning, and at the end of a text that is written backwards."""
        words = [letters(word.replace("-", "")) for word in self.keywords]
        plain = sorted({*words, *map(paired, words)}, key=lambda word: (-len(word), word))
        none = "(?!)"
        return re.compile("|".join(plain) or none), re.compile("|".join(word[::-1] for word in plain) or none)

    @cached_property
    def _last_words(self) -> dict[str, str]:
        """The skeletons of keywords of several words -> that of the last one, where that is a keyword by itself.

        What stands before it may belong to a brand: `council` in `camden-council-tax`.
        """
        several = {word: word.rpartition("-")[2] for word in self.keywords if "-" in word}
        found = {
            letters(word.replace("-", "")): letters(last) for word, last in several.items() if last in self.keywords
        }
        return found | {paired(word): paired(last) for word, last in found.items()}


def load(file: Path) -> Vocabulary:
    """Return what a file says.

    Raises:
        InvalidInput: it is no TOML, or says something else.
    """
    try:
        return msgspec.convert(tomllib.loads(file.read_text(encoding="utf-8")), Vocabulary)
    except (msgspec.ValidationError, OSError, ValueError) as err:
        raise InvalidInput.at(str(file), str(err)) from err
