"""The words of correlation: what an asset is to it, how an indicator may touch one, and which touch says most.

The rules (`docs/decisions.md` gives the reasons):

- addresses and blocks match where they overlap; a block wider than /8 (IPv4) or /16 (IPv6) is never certain;
- a name matches an equal name, and a `tree` asset above it; never an asset below it;
- a URL matches by its host, more closely if it is itself registered;
- a mailbox matches an equal mailbox and the mail domain behind its `@`;
- an address or block matches an autonomous system to which it is announced (`citysec.routing`);
- the number of an autonomous system and a fingerprint match equal ones; a serial number an equal one, but is possible;
- a name on a mail domain, a mailbox on a name, and a URL on a host of which only another URL is registered, are
  possible, and so is whatever rests on a part of a pattern only.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Generic, TypeVar

from citysec import observable
from citysec.observable import AssetKind, Observable, Scope
from citysec.routing import Share

Id = TypeVar("Id", int, str)

WIDEST: Final = {4: 8, 6: 16}
"""Family -> prefix length below which a block says too little about any one asset."""


class Relation(StrEnum):
    """How an indicator touches an asset, the closest first."""

    EQUAL = "equal"
    WITHIN = "within"
    CONTAINS = "contains"
    BELOW = "below"
    MAILBOX = "mailbox"
    PATTERN = "pattern"
    HOST = "host"
    NAME = "name"
    ANNOUNCED = "announced"
    AFFECTED = "affected"
    SIGHTED = "sighted"
    POSSIBLE = "possible"
    LOOKALIKE = "lookalike"


CLOSENESS: Final = {relation: rank for rank, relation in enumerate(Relation)}


class Doubt(StrEnum):
    """Why a touch is no more than possible."""

    PART = "part"
    TOO_WIDE = "too-wide"
    NAME = "name"
    OTHER_URL = "other-url"
    ANONYMIZATION = "anonymization"
    WARNING_LIST = "warning-list"
    VERSION = "version"
    SERIAL = "serial"
    LIKENESS = "likeness"
    AS_SET = "as-set"


@dataclass(frozen=True, slots=True)
class RegisteredAsset(Generic[Id]):
    """An asset as correlation sees it; `key` is the canonical form of its value.

    `shares` are the prefixes that an autonomous system announces.
    """

    id: Id
    kind: AssetKind
    key: str
    scope: Scope
    shares: tuple[Share, ...] = ()


@dataclass(frozen=True, slots=True)
class Hit(Generic[Id]):
    """An atom touches an asset; without a doubt it does so certainly.

    `shared` is the key of what the two have in common, where that is not the atom's own: the asset's block inside a
    wider one, the name that an expression fits. `prefix` is what an autonomous system announces, as people write it.
    """

    asset_id: Id
    relation: Relation
    doubt: Doubt | None = None
    shared: str | None = None
    prefix: str | None = None

    @property
    def certain(self) -> bool:
        """Whether nothing speaks against it."""
        return self.doubt is None


def registered(asset_id: Id, kind: AssetKind, value: str, scope: Scope) -> RegisteredAsset[Id]:
    """Return the asset with its canonical key.

    Raises:
        InvalidInput: `value` is not a value of that kind.
    """
    found: Observable = observable.registered(kind, value)
    return RegisteredAsset(asset_id, kind, found.key, scope)
