"""Which keys of the indicator index can touch an asset: the rules turned round. Pure.

What is found by them may turn out to be no match, for instance under a narrower rule; nothing that is one is missed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

from citysec.blocks import around, inside, is_single
from citysec.correlate.rules import RegisteredAsset
from citysec.observable import AssetKind, Kind, Scope, below, mailboxes_at, url
from citysec.patterning import TRIED_ON, regex
from citysec.routing import outermost
from citysec.software import product

_ALONE: Final = {
    AssetKind.ASN: Kind.ASN,
    AssetKind.EMAIL: Kind.MAILBOX,
    AssetKind.CERTIFICATE: Kind.CERTIFICATE,
}
_TRIED: Final = {AssetKind.DOMAIN: Kind.NAME, AssetKind.HOST: Kind.NAME, AssetKind.URL: Kind.URL}
Span = tuple[Kind, str, str]
"""A range of keys: kind, low included, high excluded."""


@dataclass(slots=True)
class Lookups:
    """What to ask the index for.

    Args:
        equal: kind -> keys.
        ranges: of keys.
        expressions: ranges of keys of expressions, each of which has to be tried (`patterning.index_key`).
    """

    equal: dict[Kind, set[str]] = field(default_factory=dict[Kind, set[str]])
    ranges: set[Span] = field(default_factory=set[Span])
    expressions: set[Span] = field(default_factory=set[Span])


def lookups(assets: Iterable[RegisteredAsset[int]]) -> Lookups:
    """Return what to ask the index for, for all of `assets` together."""
    wanted = Lookups()
    for asset in assets:
        if asset.kind in _TRIED:
            wanted.expressions.update(expressions(_TRIED[asset.kind], asset.key))
        for kind, key in _equal(asset):
            wanted.equal.setdefault(kind, set()).add(key)
        wanted.ranges.update(_ranges(asset))
    return wanted


def _equal(asset: RegisteredAsset[int]) -> Iterator[tuple[Kind, str]]:
    match asset.kind:
        case AssetKind.IPV4 | AssetKind.IPV6 | AssetKind.CIDR:
            yield from ((Kind.IP, key) for key in around(asset.key))
        case AssetKind.ASN | AssetKind.EMAIL | AssetKind.CERTIFICATE:
            yield _ALONE[asset.kind], asset.key
            yield from ((Kind.IP, key) for prefix in _announced(asset) for key in around(prefix))
        case AssetKind.DOMAIN | AssetKind.HOST | AssetKind.MAIL_DOMAIN:
            yield Kind.NAME, asset.key
        case AssetKind.URL:
            host = url(asset.key)[1]
            yield Kind.URL, asset.key
            yield host.kind, host.key
        case AssetKind.SOFTWARE:
            yield from ((Kind.PRODUCT, key) for key in product.keys(product.parse(asset.key)))
        case AssetKind.BRAND:
            return


def expressions(kind: Kind, key: str) -> Iterator[Span]:
    """Yield where expressions are that may fit a name or URL: those that need one of its labels, or none at all."""
    for label in ("", *regex.parts(regex.composed(key))):
        yield from ((each, f"{label} ", f"{label}!") for each, tried_on in TRIED_ON.items() if tried_on is kind)


def _ranges(asset: RegisteredAsset[int]) -> Iterator[Span]:
    match asset.kind:
        case AssetKind.IPV4 | AssetKind.IPV6 | AssetKind.CIDR:
            if not is_single(asset.key):
                yield Kind.IP, *inside(asset.key)
        case AssetKind.DOMAIN | AssetKind.HOST | AssetKind.MAIL_DOMAIN:
            yield Kind.MAILBOX, *mailboxes_at(asset.key)
            if asset.kind is AssetKind.DOMAIN and asset.scope is Scope.TREE:
                yield Kind.NAME, *below(asset.key)
                yield Kind.MAILBOX, *below(asset.key)
        case AssetKind.ASN:
            yield from ((Kind.IP, *inside(prefix)) for prefix in _announced(asset) if not is_single(prefix))
        case AssetKind.EMAIL | AssetKind.URL | AssetKind.CERTIFICATE | AssetKind.SOFTWARE | AssetKind.BRAND:
            return


def _announced(asset: RegisteredAsset[int]) -> list[str]:
    """Return prefixes that hold all that is left to a system, and may hold more: they are fewer than its blocks."""
    return outermost(share.prefix for share in asset.shares)
