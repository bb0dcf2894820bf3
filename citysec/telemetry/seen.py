"""One observation: its facts in canonical form, and itself as patterns look at it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

import msgspec

from citysec import observable
from citysec.errors import InvalidInput
from citysec.observable import Kind, Observable
from citysec.patterning.evaluation import Observation
from citysec.patterning.evaluation.paths import Json, Object

SOURCE: Final = "src_ref"
DESTINATION: Final = "dst_ref"
_VALUES: Final = {
    "ipv4-addr": observable.network,
    "ipv6-addr": observable.network,
    "domain-name": observable.domain_name,
    "email-addr": observable.mailbox,
}
_SPELT: Final = frozenset({"domain-name", "url"})
_HASHED: Final = frozenset({"file", "artifact"})
_CERTIFICATE: Final = "x509-certificate"


class Fact(msgspec.Struct, frozen=True, gc=False):
    """Something comparable in an observation: the STIX type of its object, and what it says.

    `role` is `SOURCE` or `DESTINATION` for an address of which a flat record says so.
    """

    type: str
    found: Observable
    role: str = ""


class Seen(msgspec.Struct, frozen=True, gc=False):
    """`number` equal observations, each at some instant from `first` to `last`, in microseconds since 1970.

    Args:
        at: its place in what was sent.
        whole: as it was sent, where that was STIX; else it is made from the facts.
    """

    at: str
    first: int
    last: int
    number: int
    facts: tuple[Fact, ...]
    whole: Observation | None = None

    def observation(self) -> Observation:
        """Return it as patterns look at it."""
        if self.whole is not None:
            return self.whole
        objects = dict(_objects(self.facts))
        return Observation(self.at, self.first, self.last, self.number, objects, tuple(objects.values()))


def facts_of(objects: Iterable[Object]) -> Iterator[Fact]:
    """Yield what the objects of an observed-data say; what is not as the standard has it says nothing."""
    for one in objects:
        kind = one.get("type")
        if isinstance(kind, str):
            yield from (Fact(kind, found) for found in _said(kind, one))


def as_written(one: Seen) -> Iterator[tuple[Fact, str]]:
    """Yield the names and URLs of an observation that was sent as STIX, each with what was written there.

    What has a line break in it, as the fragment of a URL may have, is left out.
    """
    for each in one.whole.roots if one.whole is not None else ():
        kind, value = each.get("type"), each.get("value")
        if isinstance(kind, str) and kind in _SPELT and isinstance(value, str) and "\n" not in value:
            yield from ((Fact(kind, found), value) for found in _said(kind, each))


def _said(kind: str, one: Object) -> Iterator[Observable]:
    value = one.get("value")
    try:
        if kind == "url" and isinstance(value, str):
            yield observable.url(value)[0]
        elif kind in _VALUES and isinstance(value, str):
            yield _VALUES[kind](value)
        elif kind == "autonomous-system":
            yield observable.autonomous_system(str(one.get("number")))
    except InvalidInput:
        return
    hashes = one.get("hashes")
    if isinstance(hashes, dict) and (kind in _HASHED or kind == _CERTIFICATE):
        yield from _hashes(kind, hashes)


def _hashes(kind: str, hashes: Object) -> Iterator[Observable]:
    make = observable.certificate if kind == _CERTIFICATE else observable.file_hash
    for name, text in hashes.items():
        try:
            if isinstance(text, str):
                yield make(name, text)
        except InvalidInput:
            continue


def _objects(facts: Iterable[Fact]) -> Iterator[tuple[str, Object]]:
    """Yield the objects that facts stand for, with their names; hashes are those of one file."""
    file: dict[str, Json] = {}
    traffic: dict[str, Json] = {}
    for number, fact in enumerate(facts):
        if fact.found.kind is Kind.HASH:
            algorithm, _, digits = fact.found.key.partition(":")
            file[algorithm.upper()] = digits
            continue
        if fact.role:
            traffic[fact.role] = str(number)
        yield str(number), {"type": fact.type, "value": fact.found.value}
    if file:
        yield "file", {"type": "file", "hashes": file}
    if traffic:
        yield "traffic", {"type": "network-traffic", **traffic}
