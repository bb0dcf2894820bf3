"""Whether an indicator was seen: its pattern on what was observed. Pure.

Where one comparison fulfils the pattern, equal canonical forms are enough, and an address inside a block that the
pattern names: as between indicators and assets, spelling does not matter. LIKE and MATCHES are tried on the canonical
form of a name or URL, and on what was written. Everything else is evaluated as the standard has it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache, reduce
from operator import add
from typing import Final

from citysec.blocks import BITS, parse_network_key
from citysec.correlate.listing import Effect
from citysec.correlate.patience import STANDING, Clock, Patience
from citysec.correlate.rules import WIDEST, Doubt
from citysec.correlate.warned import Verdict, WarningIndex
from citysec.errors import NotEvaluable
from citysec.observable import Kind
from citysec.patterning import NAME_PATH, TRIED_ON, URL_PATH, Atom, Op, expression, regex
from citysec.patterning.evaluation import Matcher, matcher
from citysec.patterning.syntax import Version
from citysec.telemetry import Fact, Seen, as_written

_ADDRESSES: Final = frozenset({"ipv4-addr", "ipv6-addr"})
_PATHS: Final = {Kind.NAME: NAME_PATH, Kind.URL: URL_PATH}
_DAY: Final = 86_400_000_000


_Met = tuple[Seen, Fact, Atom]


@dataclass(frozen=True, slots=True)
class Tally:
    """How often something was seen, and from when to when, in microseconds since 1970."""

    first: int
    last: int
    count: int

    def __add__(self, other: Tally) -> Tally:
        return Tally(min(self.first, other.first), max(self.last, other.last), self.count + other.count)


@dataclass(frozen=True, slots=True)
class Meeting:
    """An indicator was seen.

    Args:
        atom: by which it was found.
        days: day since 1970 -> how often.
        seen: how many observations took part.
        doubt: why that is only possible.
        verdict: what warning lists say.
    """

    atom: Atom
    days: Mapping[int, Tally]
    seen: int
    doubt: Doubt | None = None
    verdict: Verdict | None = None


def meeting(
    pattern: str,
    atoms: Sequence[Atom],
    seen: Sequence[Seen],
    warned: WarningIndex,
    version: Version | None = None,
    clock: Clock = STANDING,
) -> Meeting | None:
    """Return how the indicator of `pattern` was seen; None where it was not, or a warning list says so.

    Args:
        pattern: of the indicator.
        atoms: of the pattern, as the index has them.
        seen: observations that have a fact in common with it.
        warned: the warning lists that count.
        version: of the pattern's language.
        clock: tells the CPU time of this thread, of which no expression may take too much.

    Raises:
        InvalidInput: the pattern cannot be evaluated, or takes too long on these observations.
    """
    speaks = _Sufficient(atom for atom in atoms if atom.certain and atom.op is Op.EQ)
    met = [(one, fact, atom) for one in seen for fact in one.facts for atom in speaks.of(fact)]
    try:
        met += _fitting([atom for atom in atoms if atom.certain and atom.kind in TRIED_ON], seen, clock)
    except NotEvaluable:
        if not met:  # else it was seen, whatever its expressions say
            raise
    if not met:
        return _evaluated(pattern, atoms, seen, warned, version)
    judged = [(one, atom, warned.verdict(atom, fact.found.key) if warned else None) for one, fact, atom in met]
    passed = [each for each in judged if not _suppressed(each[2])]
    if not passed:
        return None
    found = {id(one): one for one, _, _ in passed}
    place = {id(atom): number for number, atom in enumerate(atoms)}
    _, atom, verdict = min(passed, key=lambda each: (doubt(each[1], each[2]) is not None, place[id(each[1])]))
    return Meeting(atom, _days(found.values()), len(found), doubt(atom, verdict), verdict)


class _Sufficient:
    """Atoms each of which fulfils a pattern, by what they are equal to: thousands meet 100,000 observations."""

    def __init__(self, atoms: Iterable[Atom]) -> None:
        self._equal: dict[tuple[Kind, str], list[Atom]] = {}
        self._blocks: dict[tuple[int, int], dict[int, list[Atom]]] = {}
        for atom in atoms:
            if atom.kind is Kind.IP:
                family, prefix, number = parse_network_key(atom.key)
                self._blocks.setdefault((family, prefix), {}).setdefault(number, []).append(atom)
            else:
                self._equal.setdefault((atom.kind, atom.key), []).append(atom)

    def of(self, fact: Fact) -> list[Atom]:
        """Return those that speak of `fact`."""
        kind, key = fact.found.kind, fact.found.key
        found = self._around(key) if kind is Kind.IP else self._equal.get((kind, key), ())
        return [atom for atom in found if _speaks_of(atom.path, fact.type)]

    def _around(self, key: str) -> Iterator[Atom]:
        family, length, inside = parse_network_key(key)
        for (its, prefix), blocks in self._blocks.items():
            shift = BITS[family] - prefix
            if its == family and prefix <= length:
                yield from blocks.get(inside >> shift << shift, ())


def _fitting(atoms: Sequence[Atom], seen: Sequence[Seen], clock: Clock) -> Iterator[_Met]:
    """Yield what expressions fit, each spelling with the first that does: a hundred cost hardly more than two."""
    for kind in {TRIED_ON[atom.kind] for atom in atoms}:
        left, lines, patience = _spelt(kind, seen), b"", None
        for atom in (each for each in atoms if TRIED_ON[each.kind] is kind):
            lines = lines or regex.one_a_line(left).encode()
            patience = patience or Patience(len(lines), clock)
            patience.begin()
            for spelling in expression(atom.kind, atom.key).matching(lines, patience):
                yield from ((one, fact, atom) for one, fact in left.pop(spelling))
                lines = b""


def _spelt(kind: Kind, seen: Iterable[Seen]) -> dict[str, list[tuple[Seen, Fact]]]:
    """Return the spellings of names, or URLs, with the observations that have them."""
    found: dict[str, list[tuple[Seen, Fact]]] = {}
    for one in seen:
        for fact, text in (*((fact, fact.found.value) for fact in one.facts), *as_written(one)):
            if fact.found.kind is kind and _speaks_of(_PATHS[kind], fact.type):
                found.setdefault(regex.composed(text), []).append((one, fact))
    return found


@lru_cache(maxsize=4096)
def _speaks_of(path: str, kind: str) -> bool:
    """Return whether a path is the property of an object of type `kind` that a fact stands for."""
    named, _, rest = path.partition(":")
    if named in _ADDRESSES:
        return kind in _ADDRESSES and rest == "value"
    return named == kind and (rest in {"value", "number"} or rest.startswith("hashes"))


def _holds(block: str, key: str) -> bool:
    family, prefix, number = parse_network_key(block)
    its, length, inside = parse_network_key(key)
    shift = BITS[family] - prefix
    return its == family and length >= prefix and inside >> shift << shift == number


def _suppressed(verdict: Verdict | None) -> bool:
    return verdict is not None and verdict.effect is Effect.SUPPRESS


def doubt(atom: Atom, verdict: Verdict | None) -> Doubt | None:
    """Return why what was seen of an atom, of which lists say so, is only possible."""
    if atom.kind is Kind.IP:
        family, prefix, _ = parse_network_key(atom.key)
        if prefix < WIDEST[family]:
            return Doubt.TOO_WIDE
    return Doubt.WARNING_LIST if verdict is not None and verdict.effect is Effect.DEMOTE else None


def _evaluated(
    pattern: str, atoms: Sequence[Atom], seen: Sequence[Seen], warned: WarningIndex, version: Version | None
) -> Meeting | None:
    """Return how the whole pattern was seen: by each observation that fulfils it alone, or once by several."""
    test = _matcher(pattern, version)
    found = _fulfilling(test, seen)
    atom, verdict = _by(atoms, found, warned)
    if not found or atom is None or _suppressed(verdict):
        return None
    days = _days(found)
    if not test.single:
        days = {min(days): replace(reduce(add, days.values()), count=1)}
    return Meeting(atom, days, len(found), doubt(atom, verdict), verdict)


def _fulfilling(test: Matcher, seen: Sequence[Seen]) -> list[Seen]:
    """Return the observations that fulfil a pattern, each alone or all together."""
    if test.single:
        return [one for one in seen if test.match([one.observation()])]
    observed = [one.observation() for one in seen]
    together = {id(one) for one in test.match(observed) or ()}
    return [one for one, whole in zip(seen, observed, strict=True) if id(whole) in together]


@lru_cache(maxsize=512)
def _matcher(pattern: str, version: Version | None) -> Matcher:
    return matcher(pattern, version)


def _by(atoms: Sequence[Atom], found: Iterable[Seen], warned: WarningIndex) -> tuple[Atom | None, Verdict | None]:
    """Return the first atom that speaks of something in `found`, and what warning lists say of that."""
    facts = {(fact.found.kind, fact.found.key) for one in found for fact in one.facts}
    for atom in atoms:
        key = atom.key if (atom.kind, atom.key) in facts else next(_inside(atom, facts), None)
        if key is not None:
            return atom, warned.verdict(atom, key) if warned else None
    return next(iter(atoms), None), None


def _inside(atom: Atom, facts: Iterable[tuple[Kind, str]]) -> Iterator[str]:
    if atom.kind is Kind.IP:
        yield from (key for kind, key in facts if kind is Kind.IP and _holds(atom.key, key))


def _days(found: Iterable[Seen]) -> dict[int, Tally]:
    days: dict[int, Tally] = {}
    for one in found:
        day, tally = one.first // _DAY, Tally(one.first, one.last, one.number)
        days[day] = days[day] + tally if day in days else tally
    return days
