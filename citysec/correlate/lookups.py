"""Which keys of the indicator index can touch an asset: the rules turned round. Pure.

What is found by them may turn out to be no match, for instance under a narrower rule; nothing that is one is missed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

from citysec.correlate.rules import RegisteredAsset
from citysec.observable import AssetKind, Kind, Scope, around, below, inside, is_single, mailboxes_at, url
from citysec.software import product

EXPRESSIONS: Final = (Kind.NAME_LIKE, Kind.NAME_REGEX)
_ALONE: Final = {
    AssetKind.ASN: Kind.ASN,
    AssetKind.EMAIL: Kind.MAILBOX,
    AssetKind.CERTIFICATE: Kind.CERTIFICATE,
}
_NAMED: Final = (AssetKind.DOMAIN, AssetKind.HOST)


@dataclass(slots=True)
class Lookups:
    """What to ask the index for.

    Args:
        equal: kind -> keys.
        ranges: (kind, low included, high excluded).
        expressions: whether every LIKE and MATCHES on names has to be looked at.
    """

    equal: dict[Kind, set[str]] = field(default_factory=dict[Kind, set[str]])
    ranges: set[tuple[Kind, str, str]] = field(default_factory=set[tuple[Kind, str, str]])
    expressions: bool = False


def lookups(assets: Iterable[RegisteredAsset[int]]) -> Lookups:
    """Return what to ask the index for, for all of `assets` together."""
    wanted = Lookups()
    for asset in assets:
        wanted.expressions = wanted.expressions or asset.kind in _NAMED
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


def _ranges(asset: RegisteredAsset[int]) -> Iterator[tuple[Kind, str, str]]:
    match asset.kind:
        case AssetKind.IPV4 | AssetKind.IPV6 | AssetKind.CIDR:
            if not is_single(asset.key):
                yield Kind.IP, *inside(asset.key)
        case AssetKind.DOMAIN | AssetKind.HOST | AssetKind.MAIL_DOMAIN:
            yield Kind.MAILBOX, *mailboxes_at(asset.key)
            if asset.kind is AssetKind.DOMAIN and asset.scope is Scope.TREE:
                yield Kind.NAME, *below(asset.key)
                yield Kind.MAILBOX, *below(asset.key)
        case (
            AssetKind.ASN
            | AssetKind.EMAIL
            | AssetKind.URL
            | AssetKind.CERTIFICATE
            | AssetKind.SOFTWARE
            | AssetKind.BRAND
        ):
            return
