"""Turns a pattern into atoms: the facts that can be looked up in an index, and a residue that cannot.

An atom is `certain` where it alone fulfils the pattern; what is only part of an AND, of two observations, of a
repetition or of a time window makes a match no more than possible. A negated comparison is no fact about anything and
yields no atom.

Source:
    STIX 2.1 §9; which paths say something about an asset, and that a URL also says something about its host, are our
    rules (docs/decisions.md).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from enum import StrEnum
from functools import lru_cache, partial
from itertools import accumulate
from typing import Final

import msgspec

from citysec import observable
from citysec.errors import InvalidInput
from citysec.observable import Kind, Observable
from citysec.patterning import regex, shortcut
from citysec.patterning.contradictions import contradictions
from citysec.patterning.grammar import parse
from citysec.patterning.literals import unescaped
from citysec.patterning.shortcut import Test
from citysec.patterning.syntax import Between, Comparison, Instruction, Join, Literal, Mark, Op, Repeats, Within
from citysec.patterning.tokens import MAX_LENGTH, path_text


class Atom(msgspec.Struct, frozen=True, gc=False):
    """One fact of a pattern. `value` is the literal as the pattern has it, `key` its canonical form.

    The number of an autonomous system is `AS64496` whatever the pattern has: a bare one tells nobody what it is.
    """

    kind: Kind
    key: str
    path: str
    value: str
    certain: bool
    op: Op


def index_key(atom: Atom) -> str:
    """Return the key under which an index holds `atom`.

    Of expressions it begins with a label that everything that fits has (`regex.parts`), empty where none is known, and
    a space: an index cannot find them by what they say, but by that.
    """
    if atom.kind not in TRIED_ON:
        return atom.key
    return f"{max(expression(atom.kind, atom.key).labels, key=len, default='')} {atom.key}"


def expression(kind: Kind, key: str) -> regex.Expression:
    """Return what finds the values that an expression fits; kind and key are those of its atom."""
    return regex.like(key) if kind in _LIKES else regex.matches(key)


class Why(StrEnum):
    """Why a comparison yields no atom."""

    NEGATED = "negated"
    OPERATOR = "operator cannot be looked up"
    PATH = "property says nothing about an asset"
    VALUE = "value is not one that the property can have, or cannot be evaluated"
    UNSUPPORTED = "regular expression that RE2 does not know"
    CONTRADICTION = "nothing fulfils this together with another part"


FAULTS: Final = frozenset({Why.VALUE, Why.UNSUPPORTED, Why.CONTRADICTION})
"""What is wrong with a pattern, not only with looking it up."""


class Residue(msgspec.Struct, frozen=True, gc=False):
    """A comparison, or one value of it, that no index can answer."""

    path: str
    why: Why


class Compiled(msgspec.Struct, frozen=True, gc=False):
    """The atoms of a pattern, each fact once, in the pattern's order; and what is left of it."""

    atoms: tuple[Atom, ...]
    residue: tuple[Residue, ...] = ()


_Reader = Callable[[str], Observable | tuple[Observable, ...]]
_EQ: Final = Op.EQ  # Python looks a member up as slowly as it makes an atom
_LIKE: Final = Op.LIKE
_OF_ASN: Final = Kind.ASN
_MATCHES: Final = Op.MATCHES
TRIED_ON: Final = {
    Kind.NAME_LIKE: Kind.NAME,
    Kind.NAME_REGEX: Kind.NAME,
    Kind.URL_LIKE: Kind.URL,
    Kind.URL_REGEX: Kind.URL,
}
"""Kind of an expression -> kind of the values that it is tried on, each in canonical form as people write it."""
_LIKES: Final = frozenset({Kind.NAME_LIKE, Kind.URL_LIKE})
_HASHED: Final = re.compile(
    r"(file|artifact|x509-certificate|(?:process:|file:).*)(?::|\.)hashes\.'?([A-Za-z0-9_-]+)'?"
)


def compile(pattern: str) -> Compiled:  # noqa: A001
    """Return the atoms and the residue of `pattern`.

    Raises:
        InvalidInput: it is not a STIX pattern; such a pattern matches nothing.
    """
    one = shortcut.ONE.fullmatch(pattern)
    if one is not None and len(pattern) <= MAX_LENGTH and (found := _single(*one.groups())) is not None:
        return found
    flat = None if one else shortcut.flat(pattern)
    return _parsed(parse(pattern)) if flat is None else _compiled(flat)


def _parsed(program: Sequence[Instruction]) -> Compiled:
    compiled = _compiled(_tests(program))
    found = contradictions(program).contradictions
    residue = tuple(Residue(one.about, Why.CONTRADICTION) for one in found)
    return Compiled(compiled.atoms, compiled.residue + residue) if residue else compiled


def _single(path: str, text: str) -> Compiled | None:
    """Return what one value by `=` is compiled to, None where there is no such path."""
    read = _equal_reader(path)
    if read is None:
        return None if path_text(path) is None else Compiled((), (Residue(path, Why.PATH),))
    value = unescaped(text) if "\\" in text else text
    try:
        stated = read(value)
    except InvalidInput:
        return Compiled((), (Residue(path, Why.VALUE),))
    if isinstance(stated, Observable):
        return Compiled((Atom(stated.kind, stated.key, path, written(stated, value), certain=True, op=_EQ),))
    return Compiled(tuple([Atom(one.kind, one.key, path, value, certain=True, op=_EQ) for one in stated]))


def written(stated: Observable, literal: str) -> str:
    """Return the value of the atom that a literal states."""
    return stated.value if stated.kind is _OF_ASN else literal


def _tests(program: Sequence[Instruction]) -> Iterator[Test]:
    """Yield what each comparison tests, one by one where it names several values."""
    comparisons = [i for i in program if isinstance(i, Comparison)]
    for comparison, certain in zip(comparisons, _certainties(program), strict=True):
        path, op = comparison.path, comparison.op
        if comparison.negated:
            yield path, Op.NE, "", certain
        elif op is Op.EXISTS:
            yield path, op, "", certain
        else:
            yield from ((path, op, value, certain and op is not Op.ISSUPERSET) for value in comparison.values)


def _certainties(program: Sequence[Instruction]) -> list[bool]:
    """Return, for each comparison, whether it alone fulfils the pattern.

    Each operand on the stack is the index of its first comparison. What weakens an operand weakens all comparisons from
    there to the present one: written as +1 and -1 at the two ends and summed up once.
    """
    starts: list[int] = []
    weakened = [0]
    for instruction in program:
        match instruction:
            case Comparison():
                starts.append(len(weakened) - 1)
                weakened.append(0)
            case Join.OR | Join.OBSERVATION_OR:
                starts.pop()
            case Join.AND | Join.OBSERVATION_AND | Join.FOLLOWED_BY:
                starts.pop()
                _weaken(weakened, starts[-1])
            case Repeats(times) if times <= 1:
                pass
            case Repeats() | Between():
                _weaken(weakened, starts[-1])
            case Mark() | Within():
                pass
    return [depth == 0 for depth in accumulate(weakened[:-1])]


def _weaken(weakened: list[int], start: int) -> None:
    weakened[start] += 1
    weakened[-1] -= 1


def _compiled(tests: Iterable[Test]) -> Compiled:
    atoms: dict[tuple[str, str], Atom] = {}  # keys of different kinds differ, but for those of expressions
    residue: list[Residue] = []
    for path, op, value, certain in tests:
        found = _read(path, op, value)
        if isinstance(found, Why):
            residue.append(Residue(path, found))
            continue
        place = f"{path} {op}" if op is _LIKE or op is _MATCHES else path
        for one in found:
            known = atoms.get((one.key, place))
            if known is None or (certain and not known.certain):
                atoms[one.key, place] = Atom(one.kind, one.key, path, written(one, str(value)), certain, op)
    return Compiled(tuple(atoms.values()), tuple(residue))


def _read(path: str, op: Op, value: Literal) -> tuple[Observable, ...] | Why:
    """Return the facts that a test states, or why it states none."""
    if op is not _EQ and (why := _unreadable(op, value)):
        return why
    read = _equal_reader(path) if op is _EQ else _reader(path, op)
    if read is None:
        return Why.PATH if _equal_reader(path) is None else Why.OPERATOR
    if not isinstance(value, (str, int)):
        return Why.VALUE
    try:
        stated = read(str(value))
    except InvalidInput:
        return Why.VALUE
    return (stated,) if isinstance(stated, Observable) else stated


def _unreadable(op: Op, value: Literal) -> Why | None:
    if op is Op.NE:
        return Why.NEGATED
    return Why.UNSUPPORTED if op is Op.MATCHES and not _known_to_re2(str(value)) else None


@lru_cache(maxsize=1024)
def _known_to_re2(expression: str) -> bool:
    try:
        regex.matches(expression).check()
    except InvalidInput:
        return False
    return True


def _reader(path: str, op: Op) -> _Reader | None:
    """Return what reads a literal that an operator beside `=` compares with `path`; None where no asset is told."""
    read = _equal_reader(path)
    if op is Op.IN or read is None:
        return read
    if op is Op.ISSUBSET or op is Op.ISSUPERSET:
        return observable.network if read in {observable.network, _endpoint} else None
    return _EXPRESSIONS.get((path, op))


@lru_cache(maxsize=4096)
def _equal_reader(path: str) -> _Reader | None:
    return None if path_text(path) is None else _EQUAL.get(path) or _hash_reader(path)


def _hash_reader(path: str) -> _Reader | None:
    found = _HASHED.fullmatch(path)
    if found is None:
        return None
    make = observable.certificate if found[1] == "x509-certificate" else observable.file_hash
    return partial(make, found[2])


def _endpoint(text: str) -> Observable:
    """Read the value of an object of unknown type: an address or a name."""
    try:
        return observable.network(text)
    except InvalidInput:
        return observable.domain_name(text)


def _like(kind: Kind, text: str) -> Observable:
    regex.like(text).check()
    key = regex.composed(text)
    return Observable(kind, key.lower() if kind is Kind.NAME_LIKE else key, text)


def _regex(kind: Kind, text: str) -> Observable:
    key = regex.composed(text)
    if key != text:
        regex.matches(key).check()
    return Observable(kind, key, text)


NAME_PATH: Final = "domain-name:value"
URL_PATH: Final = "url:value"
_EXPRESSIONS: Final[dict[tuple[str, Op], _Reader]] = {
    (NAME_PATH, Op.LIKE): partial(_like, Kind.NAME_LIKE),
    (NAME_PATH, Op.MATCHES): partial(_regex, Kind.NAME_REGEX),
    (URL_PATH, Op.LIKE): partial(_like, Kind.URL_LIKE),
    (URL_PATH, Op.MATCHES): partial(_regex, Kind.URL_REGEX),
}
"""The paths on which expressions can be looked up."""
_EQUAL: Final[dict[str, _Reader]] = {
    "ipv4-addr:value": observable.network,
    "ipv6-addr:value": observable.network,
    "network-traffic:src_ref.value": _endpoint,
    "network-traffic:dst_ref.value": _endpoint,
    NAME_PATH: observable.domain_name,
    URL_PATH: observable.url,
    "email-addr:value": observable.mailbox,
    "email-message:from_ref.value": observable.mailbox,
    "email-message:sender_ref.value": observable.mailbox,
    "email-message:to_refs[*].value": observable.mailbox,
    "email-message:cc_refs[*].value": observable.mailbox,
    "email-message:bcc_refs[*].value": observable.mailbox,
    "autonomous-system:number": observable.autonomous_system,
    "x509-certificate:serial_number": observable.serial_number,
}
