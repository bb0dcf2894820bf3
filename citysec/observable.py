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
    STIX 2.1 §6 for the observables; RFC 3986 §3 for URLs; RFC 5890 for A-labels; RFC 5280 §4.1.2.2 for serial numbers.
    That mailboxes are compared without regard to case, and an IPv4-mapped IPv6 address is its IPv4 address, are our
    rules.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from enum import StrEnum
from functools import lru_cache, partial
from typing import Final

import idna
import msgspec

from citysec.blocks import block, is_single, network_key, network_text, quad
from citysec.errors import InvalidInput
from citysec.software import product


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


_OF_IP: Final = Kind.IP  # read off the class, a member takes Python 3.11 as long as making all else of an `Observable`
_OF_NAME: Final = Kind.NAME
_OF_URL: Final = Kind.URL
_OF_HASH: Final = Kind.HASH
_OF_CVE: Final = Kind.CVE
_MAPPED: Final = 0xFFFF << 32
_LONGEST_NAME: Final = 253
_NAME: Final = re.compile(r"(?:[a-z0-9_-]{1,63}+\.)*+(?![0-9]++\Z)[a-z0-9_-]{1,63}+")
_URL: Final = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://([^/?#\\]*)([^#\x00-\x1f\x7f]*)(?:#.*)?", re.DOTALL)
_PLAIN_URL: Final = re.compile(
    r"(https?)://(?:((?:[a-z0-9_-]{1,63}+\.)*+(?![0-9]++(?:[:/]|\Z))[a-z0-9_-]{1,63}+)|([0-9.]++))"
    r"(?::([0-9]{1,5}+))?+(/[^#\x00-\x1f\x7f]*+)?+"
)
_BARE_URL: Final = re.compile(r"(?=[^/?#\\@:]+\.[^/?#\\@:])[^/?#\\@:]++(?::[0-9]+)?(?:[/?#].*)?", re.DOTALL)
_AUTHORITY: Final = re.compile(r"(?:.*@)?+(\[[^\[\]]*\]|[^:\[\]]*)(?::([0-9]{0,5}))?")
_PORTS: Final = {"http": "80", "https": "443", "ftp": "21", "ws": "80", "wss": "443"}
_LOCAL_PART: Final = re.compile(r"[^\s@\x00-\x1f\x7f]+|\"[^\x00-\x1f\x7f\"]+\"")
_CVE: Final = re.compile(r"[Cc][Vv][Ee]-[0-9]{4}-[0-9]{4,19}")
_ASN: Final = re.compile(r"(?:AS)?([0-9]{1,10})", re.IGNORECASE)
_HEX_DIGITS: Final = {
    "md5": 32,
    "sha-1": 40,
    "sha-224": 56,
    "sha-256": 64,
    "sha-384": 96,
    "sha-512": 128,
    "sha3-256": 64,
    "sha3-512": 128,
}
_WORD: Final = re.compile(r"[^\W_]+")
_JOINING: Final = re.compile(r"(?<=\w)['\u2019](?=\w)")
_SHORTEST_BRAND: Final = 3
_LONGEST_BRAND: Final = 40
_FUZZY: Final = frozenset({"ssdeep", "tlsh"})
_FINGERPRINTS: Final = {32: "md5", 40: "sha-1", 64: "sha-256"}
_SERIAL: Final = "serial"
_LONGEST_SERIAL: Final = 40  # digits: RFC 5280 §4.1.2.2 allows 20 octets
_OCTET_STRING: Final = re.compile(r"[0-9A-Fa-f]+|[0-9A-Fa-f]{2}(?:([: -])[0-9A-Fa-f]{2})(?:\1[0-9A-Fa-f]{2})*")
_CERTIFICATE: Final = re.compile(
    r"(serial|md5|sha[0-9_-]+)(?:[ _-]?(?:fingerprint|number))?\s*[:=]\s*(.*)", re.IGNORECASE | re.DOTALL
)
_ALGORITHMS: Final = {name.replace("-", ""): name for name in (*_HEX_DIGITS, *_FUZZY)}


def network(text: str) -> Observable:
    """Return the address or CIDR block that `text` writes; bits beyond the prefix are dropped.

    Only the forms of `inet_pton` count: no leading zeros, no missing or hexadecimal parts, no zone.

    Raises:
        InvalidInput: `text` is something else.
    """
    plain = quad(text)
    if plain is not None:  # nearly all that comes
        return Observable(_OF_IP, f"4/{plain}/32", text)
    family, prefix, number = block(text)
    if family == 6 and prefix >= 96 and number >> 32 == _MAPPED >> 32:
        family, prefix, number = 4, prefix - 96, number & 0xFFFFFFFF
    return Observable(_OF_IP, network_key(family, prefix, number), network_text(family, prefix, number))


def domain_name(text: str) -> Observable:
    """Return the DNS name that `text` writes: lower case, A-labels, without one closing dot.

    Underscores are legal, as in the DNS; a name that ends in a number is none, for it would be an address.

    Raises:
        InvalidInput: `text` is not a name.
    """
    if _NAME.fullmatch(text) is None or len(text) > _LONGEST_NAME:  # nearly all that comes is canonical
        text = _canonical_name(text)
    return Observable(_OF_NAME, ".".join(text.split(".")[::-1]), text)


def _canonical_name(text: str) -> str:
    name = text.lower().removesuffix(".")
    if not name.isascii():
        name = _a_labels(name)
    if len(name) > _LONGEST_NAME or _NAME.fullmatch(name) is None:
        raise InvalidInput.at("", f"{text!r} is not a domain name")
    return name


def _a_labels(name: str) -> str:
    try:
        return idna.encode(name, uts46=True).decode().lower()
    except UnicodeError as err:
        raise InvalidInput.at("", f"{name!r} is not a domain name: {err}") from err


def reverse_labels(name: str) -> str:
    """Return the key of a canonical name, and the name of its key."""
    return ".".join(name.split(".")[::-1])


def parents(key: str) -> Iterator[str]:
    """Yield the keys of the names above the name `key`, nearest first."""
    while (end := key.rfind(".")) > 0:
        key = key[:end]
        yield key


def below(key: str) -> tuple[str, str]:
    """Return the bounds, low included and high excluded, of the keys of all names below the name `key`."""
    return key + ".", key + "/"


def url(text: str) -> tuple[Observable, Observable]:
    """Return the URL that `text` writes, and its host: a name or an address.

    The scheme and the host are canonical; the user part, the scheme's own port and the fragment are left out; an empty
    path is `/`. A backslash ends the host, as it does in browsers. Feeds often leave the scheme out: it is `http` then.

    Raises:
        InvalidInput: `text` is not a URL with a host.
    """
    plain = _PLAIN_URL.fullmatch(text)
    if plain is None:
        return _any_url(text)
    scheme, name, address, port, rest = plain.groups()
    host = _plain_host(name, address)
    if host is None:
        return _any_url(text)
    if port or not rest:
        shown = f":{port}" if port and port != _PORTS[scheme] else ""
        text = f"{scheme}://{host.value}{shown}{rest or '/'}"
    return Observable(_OF_URL, text, text), host


def _plain_host(name: str | None, address: str) -> Observable | None:
    """Return a host in its usual form, None where it is in none."""
    if name is not None:
        return Observable(_OF_NAME, reverse_labels(name), name) if len(name) <= _LONGEST_NAME else None
    octets = quad(address)
    return None if octets is None else Observable(_OF_IP, f"4/{octets}/32", address)


def _any_url(text: str) -> tuple[Observable, Observable]:
    parts = _URL.fullmatch("http://" + text if _BARE_URL.fullmatch(text) else text)
    authority = _AUTHORITY.fullmatch(parts[2]) if parts else None
    if parts is None or authority is None:
        raise InvalidInput.at("", f"{text!r} is not a URL with a host")
    scheme, rest = parts[1].lower(), parts[3]
    host = _host(authority[1])
    written = f"[{host.value}]" if ":" in host.value else host.value
    port = "" if not authority[2] or authority[2] == _PORTS.get(scheme) else f":{authority[2]}"
    canonical = f"{scheme}://{written}{port}{rest if rest.startswith('/') else '/' + rest.removeprefix(chr(92))}"
    return Observable(_OF_URL, canonical, canonical), host


def _host(text: str) -> Observable:
    if text.startswith("["):
        return network(text[1:-1])
    return domain_name(text) if quad(text) is None else network(text)


def mailbox(text: str) -> Observable:
    """Return the mail address that `text` writes, in lower case.

    Raises:
        InvalidInput: `text` is not `local@domain`.
    """
    local, _, domain = text.rpartition("@")
    if _LOCAL_PART.fullmatch(local) is None:
        raise InvalidInput.at("", f"{text!r} is not a mail address")
    name = domain_name(domain)
    return Observable(Kind.MAILBOX, f"{name.key}@{local.lower()}", f"{local.lower()}@{name.value}")


def mailboxes_at(key: str) -> tuple[str, str]:
    """Return the bounds, low included and high excluded, of the keys of all mailboxes at the name `key`."""
    return key + "@", key + "A"


def file_hash(algorithm: str, text: str) -> Observable:
    """Return the hash `text` made by `algorithm`, whose name may be written in any of the usual ways (`SHA256`).

    Raises:
        InvalidInput: the algorithm is unknown, or `text` is none of its values.
    """
    name = _algorithm(algorithm)
    return _hash(_OF_HASH, name, text)


def certificate(algorithm: str, text: str) -> Observable:
    """Return the X.509 certificate with that fingerprint; as `file_hash`, and octets may be set apart, as by tools.

    Raises:
        InvalidInput: the algorithm is unknown, or `text` is none of its values.
    """
    name = _algorithm(algorithm)
    return _hash(Kind.CERTIFICATE, name, text if name in _FUZZY else _octets(text))


def serial_number(text: str) -> Observable:
    """Return the X.509 certificates of that serial number, in hexadecimal: each issuer may have one.

    Raises:
        InvalidInput: `text` is no number of up to 20 octets (RFC 5280 §4.1.2.2).
    """
    digits = _octets(text.lower().removeprefix("0x")).lstrip("0") or "0"
    if len(digits) > _LONGEST_SERIAL:
        raise InvalidInput.at("", f"{text!r} has more than 20 octets, no serial number has")
    return Observable(Kind.CERTIFICATE, f"{_SERIAL}:{digits}", f"{_SERIAL}:{digits}")


def is_serial(key: str) -> bool:
    """Return whether a key of kind `CERTIFICATE` is that of a serial number."""
    return key.startswith(f"{_SERIAL}:")


def _octets(text: str) -> str:
    """Return hexadecimal digits in lower case, without what stands between octets or, unseen, before the first."""
    plain = text.strip(" \t\u200e")  # Windows sets the mark before what people copy
    if _OCTET_STRING.fullmatch(plain) is None:
        raise InvalidInput.at("", f"{text!r} is not hexadecimal")
    return plain.translate({ord(apart): None for apart in ": -"}).lower()


def knows_hashes(algorithm: str) -> bool:
    """Return whether the values of `algorithm` can be told from other texts."""
    return algorithm.lower().replace("-", "").replace("_", "") in _ALGORITHMS


@lru_cache(maxsize=256)
def _algorithm(text: str) -> str:
    name = _ALGORITHMS.get(text.lower().replace("-", "").replace("_", ""))
    if name is None:
        raise InvalidInput.at("", f"hash algorithm {text!r} is unknown")
    return name


def _hash(kind: Kind, algorithm: str, text: str) -> Observable:
    if algorithm in _FUZZY:
        if "\0" in text:
            raise InvalidInput.at("", f"{text!r} is not a value of {algorithm}")
        return Observable(kind, f"{algorithm}:{text}", text)
    value = text.lower()
    if len(value) != _HEX_DIGITS[algorithm] or not _is_hexadecimal(value):
        raise InvalidInput.at("", f"{text!r} is not a value of {algorithm}")
    return Observable(kind, f"{algorithm}:{value}", value)


def _is_hexadecimal(text: str) -> bool:
    """Return whether `text` is pairs of hexadecimal digits; `fromhex` passes over spaces between them."""
    try:
        return len(bytes.fromhex(text)) * 2 == len(text)
    except ValueError:
        return False


def cve(text: str) -> Observable:
    """Return the vulnerability with that CVE id.

    Raises:
        InvalidInput: `text` is not a CVE id.
    """
    if _CVE.fullmatch(text) is None:
        raise InvalidInput.at("", f"{text!r} is not a CVE id")
    name = text.upper()
    return Observable(_OF_CVE, name, name)


def autonomous_system(text: str) -> Observable:
    """Return the autonomous system of number `text`, with or without `AS`.

    Raises:
        InvalidInput: `text` is not a number of 32 bits.
    """
    found = _ASN.fullmatch(text)
    if found is None or int(found[1]) >> 32:
        raise InvalidInput.at("", f"{text!r} is not the number of an autonomous system")
    return Observable(Kind.ASN, str(int(found[1])), f"AS{int(found[1])}")


def software(text: str) -> Observable:
    """Return the software that a CPE name or a package URL names, with its version.

    Raises:
        InvalidInput: `text` is neither, or names no single product.
    """
    canonical = str(product.parse(text))
    return Observable(Kind.SOFTWARE, canonical, canonical)


def brand(text: str) -> Observable:
    """Return the brand that `text` writes: its words in lower case, without accents, as names of hosts could hold them.

    An apostrophe joins what it stands between; whatever else is no letter or digit parts words.

    Raises:
        InvalidInput: nothing is left that a name could hold, or too little to know it by.
    """
    plain = "".join(c for c in unicodedata.normalize("NFKD", text.casefold()) if not unicodedata.combining(c))
    words = _WORD.findall(_JOINING.sub("", plain.replace("&", " and ")))
    letters = "".join(words)
    if not letters.isascii() or not _SHORTEST_BRAND <= len(letters) <= _LONGEST_BRAND or letters.isdigit():
        limits = f"{_SHORTEST_BRAND} to {_LONGEST_BRAND}"
        raise InvalidInput.at("", f"{text!r} is no brand: {limits} letters a to z and digits, not digits alone")
    shown = "".join(c if c.isprintable() else " " for c in text)  # of PostgreSQL's texts none holds a NUL
    return Observable(Kind.BRAND, " ".join(words), " ".join(shown.split()))


def registered(kind: AssetKind, text: str) -> Observable:
    """Return the canonical form of an asset's value.

    Raises:
        InvalidInput: `text` is not a value of that kind.
    """
    return _CANONICAL[kind](text)


def _registered_network(kind: AssetKind, text: str) -> Observable:
    found = network(text)
    single = AssetKind.IPV4 if found.key.startswith("4/") else AssetKind.IPV6
    if kind is AssetKind.CIDR or (kind is single and is_single(found.key)):
        return found
    raise InvalidInput.at("", f"{text!r} is not one {kind} address")


def _registered_certificate(text: str) -> Observable:
    """Read what names its algorithm or says that it is a serial number; else digits tell which by their number."""
    said = _CERTIFICATE.fullmatch(text.strip())
    name, digits = (said[1].lower(), said[2]) if said else ("", text)
    if not name:
        name = _SERIAL if text[:2] in {"0x", "0X"} else _FINGERPRINTS.get(len(_octets(text)), _SERIAL)
    found = serial_number(digits) if name == _SERIAL else certificate(name, digits)
    return Observable(found.kind, found.key, found.key)


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
    AssetKind.CERTIFICATE: _registered_certificate,
    AssetKind.SOFTWARE: software,
    AssetKind.BRAND: brand,
}
