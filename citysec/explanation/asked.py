"""What people paste: an observable however it is written, or the id of a STIX object; and where it would be indexed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from citysec import blocks
from citysec.errors import InvalidInput
from citysec.feeds.formats import defang, values
from citysec.observable import AssetKind, Kind, Observable, registered

LONGEST: Final = 2000
"""Characters of one value."""
_STIX_ID: Final = re.compile(r"[a-z][a-z0-9-]{0,63}--[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_CERTIFICATE: Final = re.compile(
    r"(serial|md5|sha[-_]?[0-9]+)([ _-]?(fingerprint|number))?\s*[:=]|[0-9a-f]{2}([: -][0-9a-f]{2}){15,31}$",
    re.IGNORECASE,
)
_FINGERPRINTS: Final = ("md5:", "sha-1:", "sha-256:")
_NOT_READ: Final = (
    "This is no address, name, web address, mailbox, hash, certificate, CVE id, network number or STIX id."
)


@dataclass(frozen=True, slots=True)
class Asked:
    """One thing that was asked for.

    Args:
        text: as it was written.
        found: what it is; None for a STIX id, and for what is neither.
        host: of a URL.
        stix_id: empty where it is none.

    What has the length of a hash may be a file's, or a certificate's fingerprint (`observables`).
    """

    text: str
    found: Observable | None = None
    host: Observable | None = None
    stix_id: str = ""

    @property
    def observables(self) -> tuple[Observable, ...]:
        """What it may be, the likelier first."""
        if self.found is None:
            return ()
        if self.found.kind is Kind.HASH and self.found.key.startswith(_FINGERPRINTS):
            return self.found, Observable(Kind.CERTIFICATE, self.found.key, self.found.value)
        return (self.found,)

    @property
    def problem(self) -> str:
        """Why nothing can be looked up; empty where something can."""
        return "" if self.found or self.stix_id else _NOT_READ


@dataclass(frozen=True, slots=True)
class Place:
    """One key of the indicator index, and how what stands there is related to what was asked for.

    Args:
        kind: of the key.
        key: in canonical form.
        relation: `equal`, `contains` (a block around it), `host` (of a URL).
        whole: only what speaks of the host itself, not of one URL on it.
    """

    kind: Kind
    key: str
    relation: str
    whole: bool = False


def read(text: str) -> Asked:
    """Return what `text` writes, made sharp first where it was made harmless."""
    text = text.strip()
    if _STIX_ID.fullmatch(text):
        return Asked(text, stix_id=text.lower())
    try:
        value = _value(defang.sharp(text).text.strip("<>\"' \t,;")) if len(text) <= LONGEST else None
    except InvalidInput:
        value = None
    return Asked(text, value.observable, value.host) if value else Asked(text)


def _value(text: str) -> values.Value:
    return values.Value(registered(AssetKind.CERTIFICATE, text)) if _CERTIFICATE.match(text) else values.value(text)


def places(asked: Asked) -> Iterator[Place]:
    """Yield where the index holds what says something of it, the closest first."""
    found = asked.found
    if found is None:
        return
    yield from (Place(one.kind, one.key, "equal") for one in asked.observables)
    if found.kind is Kind.IP:
        around = reversed(list(blocks.around(found.key)))
        yield from (Place(Kind.IP, key, "contains") for key in around if key != found.key)
    if asked.host is not None:
        yield Place(asked.host.kind, asked.host.key, "host", whole=True)


def span(asked: Asked) -> tuple[str, str] | None:
    """Return the bounds, low included and high excluded, of the keys of what lies inside a block of addresses."""
    if asked.found is None or asked.found.kind is not Kind.IP or blocks.is_single(asked.found.key):
        return None
    return blocks.inside(asked.found.key)
