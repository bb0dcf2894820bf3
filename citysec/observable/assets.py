"""What can be registered as an asset, in canonical form."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Final

from citysec.blocks import is_single
from citysec.errors import InvalidInput
from citysec.observable.digests import any_certificate
from citysec.observable.identifiers import autonomous_system, brand, software
from citysec.observable.kinds import AssetKind, Observable
from citysec.observable.places import domain_name, mailbox, network, url

LONGEST: Final = 2600
"""Bytes of a key (`citysec.tables.columns.LONGEST_KEY`)."""
_SHOWN: Final = 100


def registered(kind: AssetKind, text: str) -> Observable:
    """Return the canonical form of an asset's value.

    Raises:
        InvalidInput: `text` is not a value of that kind, or too long for an index.
    """
    found = _CANONICAL[kind](text)
    if len(found.key.encode(errors="replace")) > LONGEST:
        raise InvalidInput.at("", f"{text[:_SHOWN]!r}… is longer than {LONGEST:,} bytes")
    return found


def _registered_network(kind: AssetKind, text: str) -> Observable:
    found = network(text)
    single = AssetKind.IPV4 if found.key.startswith("4/") else AssetKind.IPV6
    if kind is AssetKind.CIDR or (kind is single and is_single(found.key)):
        return found
    raise InvalidInput.at("", f"{text!r} is not one {kind} address")


_CANONICAL: Final[Mapping[AssetKind, Callable[[str], Observable]]] = {
    AssetKind.IPV4: partial(_registered_network, AssetKind.IPV4),
    AssetKind.IPV6: partial(_registered_network, AssetKind.IPV6),
    AssetKind.CIDR: partial(_registered_network, AssetKind.CIDR),
    AssetKind.ASN: autonomous_system,
    AssetKind.DOMAIN: domain_name,
    AssetKind.HOST: domain_name,
    AssetKind.MAIL_DOMAIN: domain_name,
    AssetKind.EMAIL: mailbox,
    AssetKind.URL: lambda text: url(text)[0],
    AssetKind.CERTIFICATE: any_certificate,
    AssetKind.SOFTWARE: software,
    AssetKind.BRAND: brand,
}
