"""Whether what a publisher says of versions holds the one that runs, and the same in words.

`holds` has three answers: what may be read in two ways, or compares with nothing, is None and never a silent no.

Source:
    CVE Record Format 5.1, `versions`; NISTIR 7696 §6 for names of CPE; rpm-version(7) and Debian Policy §5.6.12 for
    epochs, and for versions without a release, which compare with every release.
"""

from __future__ import annotations

import re
from typing import Final

import msgspec

from citysec.software import cpe
from citysec.software.cpe import ANY, CPE, NA
from citysec.software.product import Software
from citysec.software.records import NAMED, Versions
from citysec.software.versions import Order, compare, is_of, is_one, is_open, is_ordered, order, unwild

_BUILT: Final = frozenset({Order.DEBIAN, Order.RPM})
"""Orders whose versions have an epoch before a colon and a release behind a hyphen."""
_SHORT: Final = re.compile(r"v?[0-9]+(?:\.[0-9]+)?", re.IGNORECASE)
_ENDS: Final = re.compile(
    r"(v?[0-9]+(?:\.[0-9]+)*[a-z]?)(?:\.[x*])?(?:-|~|\.\.\.?)(v?[0-9]+(?:\.[0-9]+)*[a-z]?(?:\.[x*])?)", re.IGNORECASE
)
"""`1.0-1.5`: one version, or two that are the ends of a range."""


def phrase(versions: Versions) -> str:
    """Return a range in words, for instance `from 7.2.0, before 7.2.7`."""
    if versions.exact is not None:
        return f"version {_read(versions)}"
    start = versions.start and f"{'after' if versions.start_excluded else 'from'} {versions.start}"
    end = versions.end and f"{'before' if versions.end_excluded else 'up to'} {versions.end}"
    return ", ".join(part for part in (start, end) if part) or "every version"


def _read(versions: Versions) -> str:
    exact = versions.exact or ""
    return cpe.plain(exact).removesuffix(f" {NA}") if versions.order == NAMED else exact


def holds(one: Versions, software: Software) -> bool | None:
    """Return whether a range holds the software's version; None where that cannot be told."""
    by = order(one.order) or software.order
    if one.exact is None and one.start is None and one.end is None:
        return True
    if one.exact is None:
        return _spans(one, software.version, by)
    return _is_named(one.exact.lower(), software) if one.order == NAMED else _equals(one.exact, software, by)


def extends(one: Versions, software: Software) -> bool:
    """Return whether the version that runs is one of the family that an exact one may stand for: 7.0.3 of 7.0.

    Longer ones than that are single versions to everybody.
    """
    if one.exact is None or one.order == NAMED or software.order is not Order.NATURAL:
        return False
    return _SHORT.fullmatch(one.exact) is not None and is_of(software.version, f"{one.exact}.*")


def _is_named(exact: str, software: Software) -> bool | None:
    """Return whether version and update of a name of CPE stand for those of the software."""
    version, _, update = exact.partition(" ")
    own = software.cpe or CPE("a", "", "", version=cpe.quoted(software.version) if software.version else ANY)
    fits = (_stands(version, own.version), _stands(update or ANY, own.update))
    if own.version == NA:
        return None
    return False if False in fits else None if None in fits else True


def _stands(criterion: str, component: str) -> bool | None:
    if cpe.covers(criterion, component):
        return True
    if component == ANY or cpe.has_wildcard(component) or not cpe.is_criterion(criterion):
        return None
    if NA in {criterion, component}:
        return False
    written, own = cpe.plain(criterion), cpe.plain(component)
    return is_of(own, written) or (not cpe.has_wildcard(criterion) and compare(written, own) == 0)


def _equals(exact: str, software: Software, by: Order) -> bool | None:
    version = software.version
    if version.lower() == exact.lower() or is_of(version, exact):
        return True
    if by is Order.NONE or not is_one(version) or is_open(version) or not is_one(exact):
        return None
    if compare(_bare(version, exact, by), exact, by) == 0:
        return True
    return None if _may_be_meant(exact, software, by) else False


def _may_be_meant(exact: str, software: Software, by: Order) -> bool:
    """Return whether `exact` may mean the version that runs although it is written otherwise.

    It may be two versions with that one between them; or one of both leaves the update out, or the epoch.
    """
    version = software.version
    if _is_between(version, exact, by):
        return True
    if by in _BUILT and (":" in version) != (":" in exact):
        own, other = _epochless(version) or "", _epochless(exact) or ""
        return compare(_bare(own, other, by), other, by) == 0
    leaves_open = (" " in version) != (" " in exact) and software.cpe is not None
    return leaves_open and compare(version.split(" ", 1)[0], exact.split(" ", 1)[0], by) == 0


def _is_between(version: str, exact: str, by: Order) -> bool:
    """Return whether `exact` may also mean two versions with `version` between them.

    What stands behind a hyphen is a release of Debian and RPM; in other orders with rules a bare number is no version.
    """
    ends = _ENDS.fullmatch(exact)
    if ends is None or by in _BUILT or (by is not Order.NATURAL and "." not in ends[2]):
        return False
    return bool(_within(Versions(start=ends[1], end=ends[2]), version, Order.NATURAL))


def _spans(one: Versions, version: str, by: Order) -> bool | None:
    bounds = [bound for bound in (one.start, one.end) if bound is not None]
    if is_open(version) or not all(is_ordered(bound, by) for bound in (version, *bounds)):
        return None
    if one.start and one.end and compare(unwild(one.start), one.end, by) > 0:
        return _reversed(one, version, by)
    found = _within(one, version, by)
    if by in _BUILT and len({":" in bound for bound in (version, *bounds)}) > 1:
        # Who leaves epochs out compares versions without them; only what holds both ways is sure.
        bare = msgspec.structs.replace(one, start=_epochless(one.start), end=_epochless(one.end))
        return found if _within(bare, _epochless(version) or "", by) == found else None
    return found or (None if _is_update_of_end(one, version, by) else False)


def _is_update_of_end(one: Versions, version: str, by: Order) -> bool:
    """Return whether a range goes on with the version of which the installed one is an update: `9.7 p1` of `9.7`.

    NVD compares versions without their updates; who writes the end otherwise may mean that just the bare one is.
    """
    bare, _, update = version.partition(" ")
    if not update or one.end is None or one.end_excluded or not _has_begun(one, version, by):
        return False
    return compare(bare, one.end, by) == 0


def _reversed(one: Versions, version: str, by: Order) -> bool | None:
    """Return None for what lies in a range that ends before it starts, however that is meant; False for the rest.

    `14.1` to `12.35` are builds 12.35 of 14.1 to some; others exchange the two.
    """
    exchanged = msgspec.structs.replace(one, start=one.end, end=one.start, start_excluded=False, end_excluded=False)
    return None if is_of(version, f"{one.start}.*") or _within(exchanged, version, by) else False


def _within(one: Versions, version: str, by: Order) -> bool:
    return _has_begun(one, version, by) and not _has_ended(one, version, by)


def _has_begun(one: Versions, version: str, by: Order) -> bool:
    if one.start is None:
        return True
    if is_of(version, one.start):
        return not one.start_excluded
    start = one.start if one.start_excluded else unwild(one.start)
    return compare(start, _bare(version, start, by), by) < (0 if one.start_excluded else 1)


def _has_ended(one: Versions, version: str, by: Order) -> bool:
    if one.end is None or (not one.end_excluded and is_of(version, one.end)):
        return False
    return compare(_bare(version, one.end, by), one.end, by) >= (0 if one.end_excluded else 1)


def _bare(version: str, bound: str, by: Order) -> str:
    """Return `version` as `bound` is written: without its release where that has none."""
    return version.rpartition("-")[0] or version if by in _BUILT and "-" not in bound else version


def _epochless(version: str | None) -> str | None:
    return version and version.rpartition(":")[2]
