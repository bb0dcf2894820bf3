"""The parts of a name by the Public Suffix List: whose it is to register, and what stands before that."""

from __future__ import annotations

import msgspec

from citysec import suffixes


class Parts(msgspec.Struct, frozen=True, gc=False):
    """A name in parts: `mail.camden.gov.uk` is `("mail",)`, `camden` and `gov.uk`.

    A `msgspec.Struct`, as all that is made for every name of every feed.
    """

    below: tuple[str, ...]
    label: str
    suffix: str

    @property
    def registrable(self) -> str:
        """The name that somebody has registered: the label and the suffix."""
        return f"{self.label}.{self.suffix}"


def parts(name: str, *, known: bool = False) -> Parts | None:
    """Return the parts of a canonical name; None for one that is a suffix itself.

    With `known` also for one whose last label is no top-level domain.
    """
    found = suffixes.bundled().ending(name, known=known)
    if found is None or len(found) >= len(name):
        return None
    *below, label = name[: -len(found) - 1].split(".")
    return Parts(tuple(below), label, found)
