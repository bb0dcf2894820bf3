"""The border to dnstwist: the permutations of a label."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from citysec.lookalikes.forms import Subject
from citysec.lookalikes.kinds import PERMUTED, Kind
from citysec.lookalikes.skeleton import latin, skeleton

if TYPE_CHECKING:
    from types import ModuleType

MOST: Final = 600
"""Permutations of one label that are kept."""
_ENDING: Final = ".uk"  # under which dnstwist looks for letters of ASCII only: the others are `skeleton`'s


def forms(of: Subject) -> dict[str, Kind | None]:
    """Return what a subject is taken for, and by which permutation; None for the subject itself."""
    plain = latin(of.label).replace("-", "")
    return {**permutations(plain), skeleton(plain): None}


def permutations(label: str) -> Mapping[str, Kind]:
    """Return the skeletons of what may be written instead of a label without hyphens, and by which permutation.

    At most `MOST`, in the order of `PERMUTED`; what looks just like the label is none of them.
    """
    found: dict[str, Kind] = {}
    own = skeleton(label)
    for kind in PERMUTED:
        for text in sorted(_permuted(label, kind)):
            if len(found) == MOST:
                return found
            alike = skeleton(text.replace("-", ""))
            if alike != own:
                found.setdefault(alike, kind)
    return found


def _permuted(label: str, kind: Kind) -> set[str]:
    fuzzer: Any = _dnstwist().Fuzzer(label + _ENDING)
    fuzzer.generate([kind.value])
    return {each["domain"].removesuffix(_ENDING) for each in fuzzer.domains}


@cache
def _dnstwist() -> ModuleType:
    """Import dnstwist, when the first name is registered: it takes 5 MB.

    It sets a time limit for all new sockets of the process, which is taken back.
    """
    limit = socket.getdefaulttimeout()
    try:
        import dnstwist
    finally:
        socket.setdefaulttimeout(limit)
    return dnstwist
