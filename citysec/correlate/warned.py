"""The warning lists in memory: asked which of them the value lies on by which an indicator touches an asset. Pure.

The rules:

- networks are compared by what indicator and asset have in common: the smaller of two blocks. If that lies in a listed
  network, it is listed; if it only holds one, it is listed in part, and a list that suppresses makes it possible;
- a listed address stands for itself wherever it is written, as host of a URL, too;
- a name lists itself, and the URLs and mailboxes on it where the list speaks of URLs and mailboxes; a tree lists all
  names below it, too, at label boundaries;
- texts and expressions are looked for in the value in canonical form, a URL's host in the whole URL.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from citysec.blocks import BITS, network_text, parse_network_key
from citysec.correlate.listing import Effect, Entry, EntryKind
from citysec.correlate.networks import Networks
from citysec.correlate.rules import RegisteredAsset, Relation
from citysec.observable import AssetKind, Kind, Scope, parents, reverse_labels, url
from citysec.patterning import TRIED_ON, URL_PATH, Atom, regex

_STRENGTH: Final = {effect: rank for rank, effect in enumerate(Effect)}


@dataclass(frozen=True, slots=True)
class Warner:
    """A list: its name, what it does to matches, and the kinds of values that it speaks of."""

    name: str
    effect: Effect
    concerns: frozenset[Kind]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What becomes of a touch, and the names of the lists that say so, the strongest first."""

    effect: Effect
    lists: tuple[str, ...]


class WarningIndex:
    """Warning lists by canonical key; false while there is none."""

    def __init__(self) -> None:
        self._lists: list[Warner] = []
        self._networks: dict[int, Networks[int]] = {family: Networks(family) for family in BITS}
        self._keys: dict[EntryKind, dict[str, tuple[int, ...]]] = {kind: {} for kind in EntryKind}
        self._tests: list[tuple[int, Callable[[str], bool]]] = []

    def __bool__(self) -> bool:
        return bool(self._lists)

    def add(self, warner: Warner, entries: Iterable[Entry]) -> None:
        """Add a list, or more entries of the list added last."""
        if not self._lists or self._lists[-1] != warner:
            self._lists.append(warner)
        number = len(self._lists) - 1
        alone = (number,)
        for entry in entries:
            match entry.kind:
                case EntryKind.IP:
                    family, prefix, start = parse_network_key(entry.key)
                    self._networks[family].add(prefix, start, number)
                case EntryKind.SUBSTRING:
                    self._tests.append((number, _holds(entry.key)))
                case EntryKind.REGEX:
                    self._tests.append((number, regex.searching(entry.key)))
                case _:
                    known = self._keys[entry.kind]
                    known[entry.key] = (*known[entry.key], number) if entry.key in known else alone

    def verdict(self, atom: Atom, shared: str | None = None) -> Verdict | None:
        """Return what the lists say of a touch; None where they say nothing.

        Args:
            atom: by which an indicator touches an asset.
            shared: `Hit.shared`.
        """
        if shared is None and atom.kind in TRIED_ON:
            return None  # what an expression fits is listed, not itself
        found: dict[str, Effect] = {}
        for number, whole in self._listing(atom, shared or atom.key):
            warner = self._lists[number]
            effect = Effect.DEMOTE if warner.effect is Effect.SUPPRESS and not whole else warner.effect
            found[warner.name] = min(effect, found.get(warner.name, effect), key=_STRENGTH.__getitem__)
        if not found:
            return None
        ordered = sorted(found.items(), key=lambda one: (_STRENGTH[one[1]], one[0]))
        return Verdict(ordered[0][1], tuple(name for name, _ in ordered))

    def judges_alike(self, atom: Atom) -> bool:
        """Return whether they say the same of whatever is seen of an atom: no list has only a part of its block."""
        return all(whole for _, whole in self._listing(atom, atom.key))

    def _listing(self, atom: Atom, key: str) -> Iterator[tuple[int, bool]]:
        """Yield the lists that the value is on, and whether the whole of it is."""
        kind = TRIED_ON.get(atom.kind, atom.kind)
        if kind is Kind.IP:
            yield from self._overlapping(key)
        for number in self._naming(kind, key, Kind.URL if atom.path == URL_PATH else kind):
            yield number, True
        if atom.path == URL_PATH and kind is not Kind.URL:
            kind, key = Kind.URL, url(atom.value)[0].key
            yield from ((number, True) for number in self._keys[EntryKind.URL].get(key, ()))
        for number in self._tested(kind, key):
            yield number, True

    def _overlapping(self, key: str) -> Iterator[tuple[int, bool]]:
        family, prefix, start = parse_network_key(key)
        for number, relation, _ in self._networks[family].overlapping(prefix, start):
            yield number, relation is not Relation.CONTAINS

    def _naming(self, kind: Kind, key: str, concern: Kind) -> Iterator[int]:
        """Yield the lists that hold the key itself, or the name that it is or stands on."""
        match kind:
            case Kind.NAME:
                yield from self._of_name(key, concern)
            case Kind.URL:
                yield from self._keys[EntryKind.URL].get(key, ())
                host = url(key)[1]
                if host.kind is Kind.IP:
                    yield from (number for number, whole in self._overlapping(host.key) if whole)
                else:
                    yield from self._of_name(host.key, concern)
            case Kind.MAILBOX:
                yield from self._keys[EntryKind.MAILBOX].get(key, ())
                yield from self._of_name(key.partition("@")[0], concern)
            case Kind.CERTIFICATE | Kind.ASN:
                yield from self._keys[EntryKind(kind.value)].get(key, ())
            case _:
                return

    def _of_name(self, key: str, concern: Kind) -> Iterator[int]:
        trees = self._keys[EntryKind.TREE]
        found = [*self._keys[EntryKind.NAME].get(key, ()), *trees.get(key, ())]
        for name in parents(key):
            found += trees.get(name, ())
        return (number for number in found if concern in self._lists[number].concerns)

    def _tested(self, kind: Kind, key: str) -> Iterator[int]:
        if not self._tests:
            return
        text = _written(kind, key)
        for number, test in self._tests:
            if kind in self._lists[number].concerns and test(text):
                yield number


NOTHING_WARNED: Final = WarningIndex()
"""No list at all; nothing is added to it."""


class Reach:
    """Which assets some indicator may touch by a value that is among the entries: those whose matches they change."""

    def __init__(self, entries: Iterable[Entry]) -> None:
        self._networks: dict[int, Networks[int]] = {family: Networks(family) for family in BITS}
        self._names: set[str] = set()
        self._trees: set[str] = set()
        self._values: set[tuple[str, str]] = set()
        self._everything = False
        for entry in entries:
            self._add(entry)
        self._above = {above for name in self._names | self._trees for above in parents(name)}

    def includes(self, asset: RegisteredAsset[int]) -> bool:
        """Return whether it is one of them; one too many costs time only."""
        if self._everything:
            return True
        match asset.kind:
            case AssetKind.IPV4 | AssetKind.IPV6 | AssetKind.CIDR:
                return self._overlaps(asset.key)
            case AssetKind.ASN | AssetKind.CERTIFICATE:
                listed = (asset.kind.value, asset.key) in self._values
                return listed or any(self._overlaps(share.prefix) for share in asset.shares)
            case AssetKind.DOMAIN | AssetKind.HOST | AssetKind.MAIL_DOMAIN:
                above = asset.scope is Scope.TREE and asset.key in self._above
                return above or self._names_it(asset.key)
            case AssetKind.EMAIL:
                return self._names_it(asset.key.partition("@")[0])
            case AssetKind.URL:
                host = url(asset.key)[1]
                return self._overlaps(host.key) if host.kind is Kind.IP else self._names_it(host.key)
            case AssetKind.SOFTWARE | AssetKind.BRAND:
                return False  # no warning list names products or brands

    def _add(self, entry: Entry) -> None:
        match entry.kind:
            case EntryKind.IP:
                family, prefix, start = parse_network_key(entry.key)
                self._networks[family].add(prefix, start, 0)
            case EntryKind.NAME:
                self._names.add(entry.key)
            case EntryKind.TREE:
                self._trees.add(entry.key)
            case EntryKind.MAILBOX:
                self._names.add(entry.key.partition("@")[0])
            case EntryKind.URL:
                host = url(entry.key)[1]
                self._add(Entry(EntryKind(host.kind.value), host.key))
            case EntryKind.SUBSTRING | EntryKind.REGEX:
                self._everything = True
            case EntryKind.HASH | EntryKind.CERTIFICATE | EntryKind.ASN:
                self._values.add((entry.kind.value, entry.key))

    def _overlaps(self, key: str) -> bool:
        family, prefix, start = parse_network_key(key)
        return any(self._networks[family].overlapping(prefix, start))

    def _names_it(self, key: str) -> bool:
        return key in self._names or key in self._trees or any(name in self._trees for name in parents(key))


def _holds(part: str) -> Callable[[str], bool]:
    return lambda text: part in text.lower()


def _written(kind: Kind, key: str) -> str:
    """Return a key as people write the value."""
    match kind:
        case Kind.NAME:
            return reverse_labels(key)
        case Kind.MAILBOX:
            domain, _, local = key.partition("@")
            return f"{local}@{reverse_labels(domain)}"
        case Kind.IP:
            return network_text(*parse_network_key(key))
        case _:
            return key
