"""The register's exchange form: CSV text and the lines it holds, each asset in canonical form. Pure."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from ipaddress import IPv4Network, IPv6Network, ip_network
from itertools import combinations
from typing import Final, TypeVar

from citysec import observable
from citysec.constituency.records import NOTHING, Record, collect, records
from citysec.constituency.records import cells as named
from citysec.errors import InvalidInput
from citysec.observable import AssetKind, Kind, Observable, Scope
from citysec.suffixes import is_public

COLUMNS: Final = ("asset_id", "organisation", "sector", "kind", "value", "scope", "criticality")
SERVICE: Final = "service"
"""A further column that a file may have: the slug of the service that the asset carries."""
EXPOSED: Final = "exposed"
"""Another: `yes` where the asset can be reached from the internet, `no` where it cannot."""
VERIFIED: Final = "verified"
"""Another: `no` where nobody has made sure yet that the asset is the organisation's."""
FURTHER: Final = (SERVICE, EXPOSED, VERIFIED)
"""The further columns that a file may have, any of them, in this order."""
INVENTORY: Final = "sbom:"
"""Begins the ids of software that an inventory brought."""

CRITICALITY: Final[Mapping[str, int]] = {"low": 2, "medium": 3, "high": 4, "critical": 5}
_WORDS: Final = {number: word for word, number in CRITICALITY.items()}
_LEVELS: Final = CRITICALITY | {str(number): number for number in range(1, 6)}

_HEADERS: Final = {(*COLUMNS, *more) for size in range(len(FURTHER) + 1) for more in combinations(FURTHER, size)}
_YES_NO: Final[Mapping[str, bool | None]] = {"yes": True, "no": False, "": None}

_REF: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/-]{0,63}")
_WIDEST: Final = {4: 8, 6: 16}
_NOBODYS: Final = tuple(
    map(ip_network, ("0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "224.0.0.0/3", "::/127", "fe80::/10", "ff00::/8"))
)
"""Unspecified, loopback, link-local, multicast and reserved addresses."""

_E = TypeVar("_E", bound=StrEnum)


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One organisation owns one asset.

    Args:
        ref: the id by which the organisation knows the asset; no two lines of the register have the same.
        sector: of the organisation; empty where the file does not say.
        asset: canonical form (`citysec.observable`).
        criticality: 1 least … 5 most.
        service: slug, empty for an asset that carries none, None where the file does not say.
        exposed: whether it can be reached from the internet, None where the file does not say.
        verified: whether somebody has made sure that it is the organisation's, None where the file does not say.
        number: line of the file that it stands on; no part of its identity.
    """

    ref: str
    organisation: str
    sector: str
    kind: AssetKind
    scope: Scope
    asset: Observable
    criticality: int
    service: str | None = None
    exposed: bool | None = None
    verified: bool | None = None
    number: int = field(default=0, compare=False)

    @property
    def place(self) -> str:
        """Where the line stands, for messages."""
        return f"line {self.number}"

    @property
    def identity(self) -> tuple[str, ...]:
        """What may be in the register once: whose asset, and which; of software for each service that it carries."""
        service = (self.service or "",) if self.kind is AssetKind.SOFTWARE else ()
        return (folded(self.organisation), self.kind, self.scope, self.asset.key, *service)


def folded(name: str) -> str:
    """Return an organisation's name as names are compared: without regard to case and spacing."""
    return " ".join(name.split()).casefold()


def parse(text: str) -> tuple[Line, ...]:
    """Return the lines of a CSV file (RFC 4180; any line ends): `COLUMNS`, then any of `FURTHER`.

    Raises:
        InvalidInput: the header is another one, or lines are wrong or repeat one another: every bad line is named.
    """
    rest = records(text)
    header = _header(next(rest, NOTHING))
    seen = _Seen({}, {})
    return collect(rest, lambda number, record: seen.once(_line(number, named(header, record))))


def render(lines: Iterable[Line], columns: Iterable[str] = COLUMNS) -> str:
    """Return CSV text of `lines` with a header and the given columns; what `parse` reads back."""
    chosen = tuple(columns)
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(chosen)
    writer.writerows([cells(line)[column] for column in chosen] for line in lines)
    return out.getvalue()


def cells(line: Line) -> dict[str, str]:
    """Return what each column of a file says of `line`."""
    return {
        "asset_id": line.ref,
        "organisation": line.organisation,
        "sector": line.sector,
        "kind": line.kind,
        "value": line.asset.value,
        "scope": line.scope,
        "criticality": level(line.criticality),
        SERVICE: line.service or "",
        EXPOSED: "yes" if line.exposed else "no",
        VERIFIED: "no" if line.verified is False else "yes",
    }


def level(number: int) -> str:
    """Return how files write a criticality: as a word, or as the number where there is no word for it."""
    return _WORDS.get(number, str(number))


def _header(record: Record) -> tuple[str, ...]:
    number, names = record
    header = tuple(name.lower() for name in names)
    if header not in _HEADERS:
        raise InvalidInput.at(f"line {number}", f"the header must be `{','.join(COLUMNS)}`, not `{','.join(names)}`")
    return header


def _line(number: int, cell: Mapping[str, str]) -> Line:
    kind = _choice(AssetKind, "kind", cell["kind"])
    scope = _choice(Scope, "scope", cell["scope"] or Scope.EXACT)
    return Line(
        ref=_ref(cell["asset_id"]),
        organisation=cell["organisation"],
        sector=cell["sector"],
        kind=kind,
        scope=scope,
        asset=_asset(kind, scope, cell["value"]),
        criticality=criticality(cell["criticality"]),
        service=cell.get(SERVICE),
        exposed=_yes_no(EXPOSED, cell),
        verified=_yes_no(VERIFIED, cell),
        number=number,
    )


def _yes_no(column: str, cell: Mapping[str, str]) -> bool | None:
    text = cell.get(column, "")
    if text.lower() not in _YES_NO:
        raise InvalidInput.at(column, f"{text!r} is neither yes nor no")
    return _YES_NO[text.lower()]


def _choice(choices: type[_E], column: str, text: str) -> _E:
    try:
        return choices(text.lower())
    except ValueError:
        raise InvalidInput.at(column, f"{text!r} is none of {', '.join(choices)}") from None


def _ref(text: str) -> str:
    if _REF.fullmatch(text) is None:
        raise InvalidInput.at("asset_id", f"{text!r} is not an id of 1 to 64 letters, digits and . _ : / -")
    return text


def criticality(text: str) -> int:
    """Return the number of a level: 1 least … 5 most, or a word of `CRITICALITY`.

    Raises:
        InvalidInput: `text` is neither.
    """
    if text.lower() not in _LEVELS:
        raise InvalidInput.at("criticality", f"{text!r} is none of {', '.join(CRITICALITY)}, nor 1 to 5")
    return _LEVELS[text.lower()]


def _asset(kind: AssetKind, scope: Scope, text: str) -> Observable:
    try:
        asset = observable.registered(kind, text)
    except InvalidInput as err:
        raise InvalidInput.at("value", err.problems[0].message) from err
    if scope is Scope.TREE and kind is not AssetKind.DOMAIN:
        raise InvalidInput.at("scope", f"only a domain has anything below it, not a value of kind {kind}")
    if scope is Scope.TREE and is_public(asset.value):
        raise InvalidInput.at("value", f"{asset.value} is a public suffix: what is below it has many owners")
    if asset.kind is Kind.IP:
        _check_network(asset)
    return asset


def _check_network(asset: Observable) -> None:
    network = ip_network(asset.value)
    if network.prefixlen < _WIDEST[network.version]:
        raise InvalidInput.at("value", f"{asset.value} is wider than /{_WIDEST[network.version]}: nobody owns as much")
    if any(_overlap(network, reserved) for reserved in _NOBODYS):
        raise InvalidInput.at("value", f"{asset.value} is loopback, link-local, multicast or reserved: nobody owns it")


def _overlap(one: IPv4Network | IPv6Network, other: IPv4Network | IPv6Network) -> bool:
    return one.version == other.version and one.overlaps(other)


@dataclass(frozen=True, slots=True)
class _Seen:
    """The lines so far, by id and by what they say."""

    refs: dict[str, Line]
    identities: dict[tuple[str, ...], Line]

    def once(self, line: Line) -> Line:
        """Return `line`.

        Raises:
            InvalidInput: an earlier line has its id, or says the same.
        """
        if (first := self.refs.setdefault(line.ref, line)) is not line:
            raise InvalidInput.at("asset_id", f"{line.ref} is on {first.place} already")
        if (first := self.identities.setdefault(line.identity, line)) is not line:
            raise InvalidInput.at("value", f"{line.asset.value} of {line.organisation} is on {first.place} already")
        return line
