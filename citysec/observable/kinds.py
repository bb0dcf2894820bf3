"""What can be compared and registered, and the form in which it is: a fact with a key."""

from __future__ import annotations

from enum import StrEnum

import msgspec


class Kind(StrEnum):
    """What a key is about."""

    IP = "ip"
    NAME = "name"
    NAME_LIKE = "name-like"
    NAME_REGEX = "name-regex"
    URL = "url"
    URL_LIKE = "url-like"
    URL_REGEX = "url-regex"
    MAILBOX = "mailbox"
    HASH = "hash"
    CERTIFICATE = "certificate"
    ASN = "asn"
    CVE = "cve"
    SOFTWARE = "software"
    PRODUCT = "product"
    BRAND = "brand"


class AssetKind(StrEnum):
    """What can be registered as an asset."""

    IPV4 = "ipv4"
    IPV6 = "ipv6"
    CIDR = "cidr"
    ASN = "asn"
    DOMAIN = "domain"
    HOST = "host"
    MAIL_DOMAIN = "mail-domain"
    EMAIL = "email"
    URL = "url"
    CERTIFICATE = "certificate"
    SOFTWARE = "software"
    BRAND = "brand"


class Scope(StrEnum):
    """How far an asset reaches: itself, or a name with everything below it."""

    EXACT = "exact"
    TREE = "tree"


class Observable(msgspec.Struct, frozen=True, gc=False):
    """One fact in canonical form: equal facts have equal `kind` and `key`; `value` is for people.

    A `msgspec.Struct`, as all that is made for every object of every feed: a frozen dataclass takes four times as long.
    """

    kind: Kind
    key: str
    value: str
