"""Canonical forms: one comparable fact, always written the same way, with a key that an index can search.

Keys sort byte by byte so that "is part of" becomes an equality or one range of an ordinary index:

- addresses: the keys of `citysec.blocks`;
- names: labels in reverse, `uk.gov.camden.www`; what is below is one range (`below`);
- mailboxes: the key of the domain, then `@` and the local part;
- certificates: `sha-256:` and the digits of the fingerprint, or `serial:` and those of the serial number;
- brands: their words in small letters, with one space between;
- software: the canonical CPE name or package URL; what is said of a product is found by the keys of
  `citysec.software.product`.

Source:
    STIX 2.1 §6 for the observables.
"""

from citysec.observable.assets import registered
from citysec.observable.digests import certificate, file_hash, is_serial, knows_hashes, serial_number
from citysec.observable.identifiers import autonomous_system, brand, cve, software
from citysec.observable.kinds import AssetKind, Kind, Observable, Scope
from citysec.observable.places import below, domain_name, mailbox, mailboxes_at, network, parents, reverse_labels, url

__all__ = [
    "AssetKind",
    "Kind",
    "Observable",
    "Scope",
    "autonomous_system",
    "below",
    "brand",
    "certificate",
    "cve",
    "domain_name",
    "file_hash",
    "is_serial",
    "knows_hashes",
    "mailbox",
    "mailboxes_at",
    "network",
    "parents",
    "registered",
    "reverse_labels",
    "serial_number",
    "software",
    "url",
]
