"""What a file would change in the register. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from enum import StrEnum
from typing import Final, Generic, TypeVar

from citysec.constituency.lines import INVENTORY, SERVICE, Line, folded
from citysec.errors import InvalidInput, Problem

SUGGESTIONS: Final = 20  # comparing names is slow, and a file with more unknown ones is another city's

T = TypeVar("T")
"""A line of a file, whatever it says."""


class Mode(StrEnum):
    """What a file means by leaving something out."""

    MERGE = "merge"
    """Nothing."""
    REPLACE = "replace"
    """It is to be removed: the file is the whole register of the organisations in it."""


@dataclass(frozen=True, slots=True)
class Changed(Generic[T]):
    """One line that will say something else."""

    before: T
    after: T


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan(Generic[T]):
    """What a file would change, in the order of the file.

    Args:
        removed: lines that the file leaves out (`Mode.REPLACE`), or whose asset it gives to the same organisation
            under another id.
        unchanged: how many of the file's lines say what the register says.
    """

    added: tuple[T, ...] = ()
    changed: tuple[Changed[T], ...] = ()
    removed: tuple[T, ...] = ()
    unchanged: int = 0

    @property
    def is_empty(self) -> bool:
        """Whether it changes nothing."""
        return not (self.added or self.changed or self.removed)


@dataclass(frozen=True, slots=True)
class Organisation:
    """A constituent as lines name it."""

    name: str
    sector: str


def resolve(lines: Sequence[Line], organisations: Iterable[Organisation], services: Iterable[str]) -> list[Line]:
    """Return `lines` with the register's own spelling of organisations and their sectors.

    Args:
        lines: as a file has them.
        organisations: all that the register knows.
        services: slugs of all that the register knows.

    Raises:
        InvalidInput: lines name unknown organisations or services, or another sector: every bad line is named.
    """
    known = {folded(one.name): one for one in organisations}
    slugs = dict.fromkeys(services)
    asked = {folded(line.organisation): line.organisation for line in lines}
    near = nearest(asked, {name: one.name for name, one in known.items()})
    near |= nearest({line.service: line.service for line in lines if line.service}, {slug: slug for slug in slugs})
    resolved: list[Line] = []
    problems: list[Problem] = []
    for line in lines:
        one = known.get(folded(line.organisation))
        if one is None:
            problems.append(
                unknown(f"{line.place}, organisation", line.organisation, near.get(folded(line.organisation)))
            )
        elif line.sector not in ("", one.sector):
            what = f"{one.name} is in sector {one.sector!r}, not {line.sector!r}"
            problems.append(Problem(f"{line.place}, sector", what))
        elif line.service and line.service not in slugs:
            problems.append(unknown(f"{line.place}, {SERVICE}", line.service, near.get(line.service)))
        else:
            resolved.append(replace(line, organisation=one.name, sector=one.sector))
    if problems:
        raise InvalidInput(problems)
    return resolved


def nearest(asked: Iterable[str], known: Mapping[str, str]) -> dict[str, str]:
    """Return, for the first of `asked` that are not `known`, what was probably meant."""
    unknown = [name for name in asked if name not in known][:SUGGESTIONS]
    found = {name: get_close_matches(name, known, 1) for name in unknown}
    return {name: known[near[0]] for name, near in found.items() if near}


def unknown(place: str, name: str, meant: str | None) -> Problem:
    """Return the problem that nobody and nothing is called `name`, perhaps with what is."""
    hint = f"; did you mean {meant!r}?" if meant else ""
    return Problem(place, f"{name!r} is unknown{hint}")


def compare(stored: Iterable[Line], lines: Sequence[Line], mode: Mode) -> Plan[Line]:
    """Return what makes a register that says `stored` say `lines`.

    An id stands for its line, whatever that said before. A line with a new id, whose asset the organisation has under
    an id that the file does not use, renames that one.
    """
    by_ref = {line.ref: line for line in stored}
    by_identity = {line.identity: line for line in by_ref.values()}
    refs = {line.ref for line in lines}
    doubles = {
        line.ref: double
        for line in lines
        if (double := by_identity.get(line.identity)) is not None and double.ref not in refs
    }
    pairs = [(by_ref.get(line.ref) or doubles.get(line.ref), line) for line in lines]
    changed = [Changed(old, new) for old, line in pairs if old is not None and old != (new := _completed(line, old))]
    added = [_completed(line, None) for old, line in pairs if old is None]
    gone = {double.ref for double in doubles.values()}
    if mode is Mode.REPLACE:
        organisations = {line.organisation for line in lines}
        gone |= {line.ref for line in by_ref.values() if line.organisation in organisations and _is_typed(line)}
    gone -= refs | {change.before.ref for change in changed}
    return Plan(
        added=tuple(added),
        changed=tuple(changed),
        removed=tuple(by_ref[ref] for ref in sorted(gone)),
        unchanged=len(lines) - len(added) - len(changed),
    )


def _is_typed(line: Line) -> bool:
    """Return whether people registered it; what an inventory brought goes with that."""
    return not line.ref.startswith(INVENTORY)


def _completed(line: Line, old: Line | None) -> Line:
    """Return `line` saying all that a file may leave out: it is as before then.

    What is new is verified unless the file says otherwise: whoever imports it answers for it.
    """
    service = line.service if line.service is not None else (old.service if old else "")
    exposed = line.exposed if line.exposed is not None else bool(old and old.exposed)
    verified = line.verified if line.verified is not None else (old is None or old.verified is not False)
    return replace(line, service=service, exposed=exposed, verified=verified)
