"""What is said of a product's versions, for the one that runs: a verdict with its reason. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from citysec.software import cpe, product
from citysec.software.builds import Kin
from citysec.software.cpe import CPE, NA
from citysec.software.product import Software
from citysec.software.ranges import extends, holds
from citysec.software.records import NAMED, Affected, Status, Versions
from citysec.software.versions import Order, compare, is_of, order


class Verdict(StrEnum):
    """Whether software has a vulnerability."""

    AFFECTED = "affected"
    POSSIBLE = "possible"
    NOT = "not"


class Why(StrEnum):
    """Why a verdict is no surer, or what it rests on, as a sentence."""

    HELD = "The version that runs is among those that are named."
    OUTSIDE = "The version that runs is none of those that are called affected."
    REST = "The version that runs is none of those that are called unaffected, and all others have it."
    DEFAULT = "It is said of all versions alike."
    UNSAID = "Which versions have it is not said."
    UNREGISTERED = "Which version runs is not registered."
    COMPARED = "The version that runs cannot be compared with those that are named, or they can be read in two ways."
    EDITION = "Only one edition has it, and which one runs is not registered."
    SYSTEM = "It needs something beside it, and whether that is there is not registered."
    COLLECTION = "A package of that name has it; in which collection is not said."
    PACKAGE = "A package of it has it, and which builds of its packages are installed is not registered."
    STREAM = "What is said is about builds for another release or product than the one that is surely there."
    BETWEEN = "It lies between two builds that are both called mended."


@dataclass(frozen=True, slots=True)
class Finding:
    """A verdict and what it rests on.

    Args:
        verdict: by `said`.
        said: what was said of the product.
        versions: the range that holds the version, or that leaves it open, where there is one.
        decided: whether versions were compared; a finding that rests on the product's name alone gives way.
        why: what it rests on.
        kin: of builds, whose stream is spoken of; the nearest ones count alone.
    """

    verdict: Verdict
    said: Affected
    versions: Versions | None = None
    decided: bool = True
    why: Why = Why.HELD
    kin: Kin = Kin.SAME


def decides(said: Affected) -> bool:
    """Return whether words on a product say which versions have the vulnerability."""
    return bool(_ranges(said)) or said.default is not Status.UNKNOWN


def by_versions(software: Software, said: Affected) -> Finding:
    """Return what the versions that are named, or the default, say of the version that runs.

    Where two members speak of it the later counts; what may be meant outweighs that something earlier is unaffected.
    Who calls all affected but some says it for sure only of what is beyond doubt none of these.
    """
    ranges = _comparable(_ranges(said, software))
    if not ranges:
        return _by_default(said)
    told = [(one, holds(one, software)) for one in ranges]
    speaking = [(one, held) for one, held in told if held or (held is None and one.status is not Status.UNAFFECTED)]
    sure = [one for one, held in speaking if held]
    if sure and (speaking[-1][1] or sure[-1].status is not Status.UNAFFECTED):
        why = Why.UNSAID if sure[-1].status is Status.UNKNOWN else Why.HELD
        return Finding(_VERDICTS[sure[-1].status], said, sure[-1], why=why)
    unread = [one for one, held in told if held is None] if said.default is Status.AFFECTED else []
    doubtful = [one for one, _ in speaking] or unread
    return _unsure(software, said, doubtful) if doubtful else _unnamed(software, said, ranges)


def _unsure(software: Software, said: Affected, ranges: Sequence[Versions]) -> Finding:
    """Return that it is possible; ranges of commits decide nothing, for no register says at which commit it stands."""
    why = Why.UNREGISTERED if software.version in {"", NA} else Why.COMPARED
    are_commits = all(order(one.order) is Order.NONE for one in ranges)
    return Finding(Verdict.POSSIBLE, said, ranges[-1], decided=not are_commits, why=why)


_VERDICTS: Final = {
    Status.AFFECTED: Verdict.AFFECTED,
    Status.UNAFFECTED: Verdict.NOT,
    Status.UNKNOWN: Verdict.POSSIBLE,
}


def _by_default(said: Affected) -> Finding:
    """Return what holds where no versions are named.

    Who says that some are affected, and not which, says more than that the default is unaffected.
    """
    if said.default is Status.UNKNOWN or (said.default is Status.UNAFFECTED and _UNSAID in said.versions):
        return Finding(Verdict.POSSIBLE, said, decided=False, why=Why.UNSAID)
    return Finding(_VERDICTS[said.default], said, decided=False, why=Why.DEFAULT)


def _unnamed(software: Software, said: Affected, ranges: Sequence[Versions]) -> Finding:
    """Return what holds for a version that no range holds.

    Who lists affected versions means that the others are not, even where the record's default says that all are; not
    who says that there are more of them, nor who names a family and no member of it.
    """
    listed = {one.status for one in ranges}
    if said.default is Status.AFFECTED and Status.UNAFFECTED in listed:
        return Finding(Verdict.AFFECTED, said, why=Why.REST)
    if _UNSAID in said.versions or (said.default is Status.AFFECTED and not said.versions):
        return Finding(Verdict.POSSIBLE, said, decided=False, why=Why.UNSAID)
    if family := _family(software, ranges):
        return Finding(Verdict.POSSIBLE, said, family, why=Why.COMPARED)
    if said.default is Status.UNAFFECTED or Status.AFFECTED in listed:
        return Finding(Verdict.NOT, said, why=Why.OUTSIDE)
    return Finding(Verdict.POSSIBLE, said, decided=False, why=Why.UNSAID)


def _family(software: Software, ranges: Sequence[Versions]) -> Versions | None:
    """Return the affected version of whose family the one that runs is, where no longer one of the family is named.

    `7.0` says of 7.0.3 what one likes, but `7.0` beside `7.0.1` does not mean 7.0.3.
    """
    families = (one for one in ranges if one.status is Status.AFFECTED and extends(one, software))
    bounds = [bound for one in ranges for bound in _bounds(one)]
    return next((one for one in families if not any(_is_longer(bound, one.exact or "") for bound in bounds)), None)


def _is_longer(version: str, family: str) -> bool:
    return is_of(version, f"{family}.*") and compare(version, family) != 0


def _bounds(one: Versions) -> Iterator[str]:
    return (bound for bound in (one.exact, one.start, one.end) if bound is not None)


def _ranges(said: Affected, software: Software | None = None) -> Sequence[Versions]:
    """Return the ranges that say something: those of the record, else the versions in names."""
    return [one for one in said.versions if one != _UNSAID] or list(_of_names(said, software))


_UNSAID: Final = Versions(status=Status.UNKNOWN)


def _of_names(said: Affected, software: Software | None) -> Iterator[Versions]:
    """Yield the versions that names of CPE and a package URL say themselves, of what they are the names of."""
    status = Status.UNAFFECTED if said.default is Status.UNAFFECTED else Status.AFFECTED
    package = product.known(said.purl) if said.purl else None
    if package is not None and package.version and (software is None or software.purl is not None):
        yield Versions(status=status, exact=package.version)
    for name in _names(said, software) if software is None or software.cpe is not None or said.purl is None else ():
        if exact := cpe.versioned(name):
            yield Versions(status=status, exact=exact, order=NAMED)


def _names(said: Affected, software: Software | None) -> Sequence[CPE]:
    """Return the names of CPE of the very product where there are such; a record may name several products."""
    names = list(product.names(said))
    own = product.named(software.cpe) if software and software.cpe else ""
    return [name for name in names if product.named(name) == own] or names


def _comparable(ranges: Sequence[Versions]) -> Sequence[Versions]:
    """Return the ranges of versions; ranges of commits only where there is nothing else."""
    return [one for one in ranges if order(one.order) is not Order.NONE] or ranges
