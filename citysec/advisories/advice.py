"""What constituents are told to do, by kind of incident, and legal clocks: the file `playbooks/advice.toml`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

import msgspec

from citysec.errors import InvalidInput

_FALLBACK: Final = "other"


class Kind(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What we say about one kind of incident.

    Args:
        title: the advisory's, in a few words.
        what: a sentence that says what such an incident is.
        todo: what to do now, in order.
    """

    title: str
    what: str
    todo: tuple[str, ...]


class Clock(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A legal duty: `what` must be done, towards `to`, within `hours` of becoming aware.

    Args:
        basis: the law.
        sectors: whom it binds; empty is everybody.
    """

    what: str
    to: str
    hours: int
    basis: str
    sectors: frozenset[str] = frozenset()


class Advice(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The whole file."""

    kinds: Mapping[str, Kind]
    duties: tuple[Clock, ...] = ()

    def on(self, kind: str) -> Kind:
        """Return what we say about `kind`; where the file does not know it, what it says about any other."""
        return self.kinds.get(kind) or self.kinds[_FALLBACK]


def load(path: Path) -> Advice:
    """Read the file at `path`.

    Raises:
        InvalidInput: it cannot be read, is not such a file, or has no table `kinds.other`.
    """
    try:
        advice = msgspec.toml.decode(path.read_bytes(), type=Advice)
    except (OSError, ValueError, msgspec.DecodeError) as err:
        raise InvalidInput.at(path.name, str(err)) from err
    if _FALLBACK not in advice.kinds:
        raise InvalidInput.at(f"{path.name} kinds", f"there is no table `kinds.{_FALLBACK}`")
    return advice
