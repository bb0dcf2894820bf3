"""What a match of a lookalike says beyond its relation, and the same in sentences for people."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, cast

import msgspec

from citysec.lookalikes.kinds import Kind
from citysec.lookalikes.skeleton import scripts, unicode

WAYS: Final[Mapping[Kind, str]] = {
    Kind.HOMOGLYPH: "characters that look the same",
    Kind.OMISSION: "a letter is left out",
    Kind.REPETITION: "a letter is written twice",
    Kind.TRANSPOSITION: "two letters are exchanged",
    Kind.REPLACEMENT: "a letter is replaced by its neighbour on the keyboard",
    Kind.PLURAL: "an s is put in",
    Kind.VOWEL_SWAP: "a vowel is another one",
    Kind.INSERTION: "a letter is put in",
    Kind.ADDITION: "a letter is added",
    Kind.BITSQUATTING: "one bit differs",
    Kind.HYPHENATION: "only hyphens differ",
    Kind.KEYWORD: "the same with another word beside it",
    Kind.TLD_SWAP: "the same under another ending",
    Kind.EMBEDDED: "the same at the beginning of another name",
}


class Alike(msgspec.Struct, frozen=True, omit_defaults=True):
    """How a name looks like a registered one.

    Args:
        name: the name that looks so.
        of: the registered name, or the brand.
        kind: by what it does.
        new: whether nobody says more of it than that it is new.
    """

    name: str
    of: str
    kind: Kind
    new: bool = False

    def facts(self) -> dict[str, Any]:
        """Return it as a match keeps it; `alike` is the way back."""
        return {"lookalike": cast("dict[str, Any]", msgspec.to_builtins(self))}


def alike(facts: Mapping[str, Any]) -> Alike | None:
    """Return what `Alike.facts` wrote; None for other matches."""
    found = facts.get("lookalike")
    return msgspec.convert(found, Alike) if found else None


def told(found: Alike, write: Callable[[str], str] = str, *, whose: str = "") -> str:
    """Return in two sentences what a name looks like, and that it is not the name itself.

    Args:
        found: how it looks.
        write: how names of somebody else are written, for instance so that no mail program makes a link of them.
        whose: stands before the real name, for instance `yours, `.
    """
    seen = readable(found.name)
    shown = write(found.name) + (f" (shown as {write(seen)}{_mixed(seen)})" if seen != found.name else "")
    said = "was registered newly; nobody has called it a threat yet" if found.new else "is reported as a threat"
    return f"{shown} looks like {whose}{found.of} ({WAYS[found.kind]}), but is somebody else's. It {said}."


def readable(name: str) -> str:
    """Return a name as people see it, with its characters instead of A-labels."""
    return ".".join(map(unicode, name.split(".")))


def _mixed(name: str) -> str:
    found = next((mix for label in name.split(".") if len(mix := scripts(label)) > 1), ())
    return f", letters of {' and '.join(script.title() for script in found)}" if found else ""
