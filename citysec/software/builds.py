"""Streams of builds: for which release of a distribution a package of RPM was built.

One fault is mended in each release by a build of its own, and a build of one release says nothing of another's: that
1.1.1k-12.el8_9 is mended neither condemns 1.1.1k-9.el8_6 nor acquits 3.0.7-6.el9_2.

Source:
    The tag of a distribution at the end of a release (`%{?dist}`; Fedora Packaging Guidelines, "Versioning"), with the
    minor release that Red Hat writes into it; CPE names of Red Hat's products (`enterprise_linux`, `rhel_eus` …).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import IntEnum
from typing import Final, NamedTuple

from citysec.software import cpe
from citysec.software.product import known
from citysec.software.records import Affected

_TAG: Final = re.compile(
    r"\.((?:rhaos[0-9.]+?\.)?(?:el|fc|amzn|oe)[0-9]+(?:sp[0-9]+|[a-z]*))(?:_([0-9]+))?(?![a-z0-9])"
    r"|\.module[+_](el[0-9]+)(?:\.([0-9]+))?"
    r"|-(15[0-9]{4})(?=\.)",
    re.IGNORECASE,
)
"""`.el8_9`, `.fc39`, `.module+el8.9.0+19644+d68f775d`, and `-150400.7` of SUSE."""
_MOST: Final = 200
"""Characters of a version that count."""
_PRODUCTS: Final = {
    ("redhat", "enterprise_linux"): "el",
    ("fedoraproject", "fedora"): "fc",
    ("amazon", "linux"): "amzn",
}
_PINNED: Final = re.compile(r"rhel_[a-z0-9_]+")
"""Products of Red Hat that stay with one minor release, for instance `rhel_eus` 8.6."""


class Stream(NamedTuple):
    """One release of a distribution; `pinned` where it stays with its minor release."""

    family: str
    minor: str = ""
    pinned: bool = False


class Kin(IntEnum):
    """How near what is said of builds is to the stream of an installed one."""

    OTHER = 0
    NEAR = 1
    """Perhaps the same: another minor release, or a product that nobody says is there."""
    SAME = 2
    PINNED = 3
    """The very minor release that the installed build is of, which is mended apart."""


def of_version(version: str) -> Stream | None:
    """Return the stream that a version with its release was built for."""
    found = _TAG.search(version[:_MOST])
    if found is None:
        return None
    tag = found[1] or found[3] or found[5]
    return Stream(tag.lower(), found[2] or found[4] or "")


def of_name(text: str) -> Stream | None:
    """Return the stream that a name of CPE names."""
    found = known(text)
    if found is None or (name := found.cpe) is None:
        return None
    major, _, minor = cpe.plain(name.version).partition(".")
    if not major.isdecimal():
        return None
    if prefix := _PRODUCTS.get((name.vendor, name.product)):
        return Stream(f"{prefix}{major}")
    if name.vendor == "redhat" and _PINNED.fullmatch(name.product):
        return Stream(f"el{major}", minor, pinned=bool(minor))
    return None


def kin(version: str, said: Affected) -> Kin:
    """Return how what `said` says is related to an installed build; versions without streams are all of one."""
    own = of_version(version)
    names = (*said.cpes, *said.running_on)
    named = [stream for stream in map(of_name, names) if stream]
    built = named or list(_of_versions(said))
    if own is None or not built:
        return Kin.NEAR if named or said.running_on else Kin.SAME
    related = [stream for stream in built if stream.family == own.family]
    if not related:
        return Kin.OTHER
    if any(stream.pinned and stream.minor == own.minor for stream in related):
        return Kin.PINNED
    main = [stream for stream in related if not stream.pinned]
    return Kin.SAME if main and (named or own in main) else Kin.NEAR


def _of_versions(said: Affected) -> Iterator[Stream]:
    for one in said.versions:
        for bound in (one.exact, one.start, one.end):
            if bound and (stream := of_version(bound)):
                yield stream
