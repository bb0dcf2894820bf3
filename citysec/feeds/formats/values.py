"""Observables as lists, tables and texts write them, and the STIX patterns that stand for them."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from functools import partial
from typing import Final

import msgspec

from citysec import observable
from citysec.errors import InvalidInput
from citysec.observable import Kind, Observable

_PORT: Final = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[^\s:/\[\]]+):([0-9]+)")
_LAST_PORT: Final = 65535
_AUTHORITY: Final = re.compile(r"[^/?#:]*(?::([0-9]+))?")
_BLOCK: Final = re.compile(r"[0-9.]+/[0-9]+(?:/|:.*)?", re.DOTALL)
_BLUNT: Final = frozenset({"hxxp", "h**p", "meow"})
_MAILTO: Final = re.compile("mailto:", re.IGNORECASE)
HASHES: Final = {32: "md5", 40: "sha-1", 64: "sha-256", 128: "sha-512"}
"""Hexadecimal digits of a hash -> its algorithm."""
_STIX_HASHES: Final = {
    "md5": "MD5", "sha-1": "'SHA-1'", "sha-224": "'SHA-224'", "sha-256": "'SHA-256'", "sha-384": "'SHA-384'",
    "sha-512": "'SHA-512'", "sha3-256": "'SHA3-256'", "sha3-512": "'SHA3-512'", "ssdeep": "SSDEEP", "tlsh": "TLSH",
}  # fmt: skip
_HEX: Final = re.compile(r"[0-9A-Fa-f]+")
_OF_CVE: Final = Kind.CVE  # to read a member off its class takes Python 3.11 as long as a call
_OF_IP: Final = Kind.IP


class Value(msgspec.Struct, frozen=True, gc=False):
    """An observable that a text writes, the port where it names one beside an address or a name, a URL's host."""

    observable: Observable
    port: int | None = None
    host: Observable | None = None

    @property
    def observables(self) -> tuple[Observable, ...]:
        """What can be looked up of the pattern: the observable, and the host of a URL."""
        if self.observable.kind is _OF_CVE:
            return ()
        return (self.observable,) if self.host is None else (self.observable, self.host)

    @property
    def pattern(self) -> str:
        """The STIX pattern that stands for the observable, whatever the port."""
        return pattern(self.observable)


Reader = Callable[[str], Value]
"""Reads a text; raises `InvalidInput` when it does not write what it should."""


def value(text: str) -> Value:
    """Return the observable that `text` writes; its form says of what kind it is.

    Addresses, blocks, `address:port`, names with a dot, `name:port`, URLs with and without a scheme, mail addresses,
    hashes of a known length, CVE ids and `AS` numbers are known.

    Raises:
        InvalidInput: it is none of them.
    """
    text = text.strip()
    if "://" in text:
        return link(text)
    if len(text) in HASHES and _HEX.fullmatch(text):
        return Value(observable.file_hash(HASHES[len(text)], text))
    if ":" in text and (at := _PORT.fullmatch(text)):
        return Value(_first(at[1].strip("[]"), observable.network, _dotted), _port(at[2]))
    if "/" in text or "?" in text or "#" in text:
        return _network_or_link(text)
    return Value(_first(text, *_likely(text)))


def _port(digits: str) -> int:
    if len(digits) > 5 or int(digits) > _LAST_PORT:
        raise InvalidInput.at("", "there is no such port")
    return int(digits)


def _dotted(text: str) -> Observable:
    """Return a name that is more than a word or a top-level domain: publishers list no others, people write many."""
    _, dot, last = text.rstrip(".").rpartition(".")
    if not dot or not last[:1].isalpha():
        raise InvalidInput.at("", "no name below a top-level domain")
    return observable.domain_name(text)


def link(text: str) -> Value:
    """Return the URL that `text` writes.

    Raises:
        InvalidInput: it is none, or is defanged.
    """
    if text[:4].lower() in _BLUNT:
        raise InvalidInput.at("", "a URL that is defanged")
    found, host = observable.url(text)
    return Value(found, None, host)


def _bare_link(text: str) -> Value:
    """Return a URL without a scheme, which is not what was to be an address with a length or a port."""
    authority = _AUTHORITY.match(text)
    if authority and authority[1]:
        _port(authority[1])
    if _BLOCK.fullmatch(text):
        raise InvalidInput.at("", "no block of addresses")
    return link(text)


def _mailbox(text: str) -> Observable:
    found = observable.mailbox(text[len("mailto:") :] if _MAILTO.match(text) else text)
    _dotted(found.value.rpartition("@")[2])
    return found


def _network_or_link(text: str) -> Value:
    try:
        return Value(observable.network(text))
    except InvalidInput:
        return _bare_link(text)


def _likely(text: str) -> Iterator[Callable[[str], Observable]]:
    """Yield the readings that `text` has the look of: one that fails costs three times one that succeeds."""
    if text[-1:].isdigit() or ":" in text:
        yield observable.network
    if text[:2].upper() == "AS":
        yield observable.autonomous_system
    if text[:4].upper() == "CVE-":
        yield observable.cve
    yield _mailbox if "@" in text else _dotted


def _first(text: str, *readings: Callable[[str], Observable]) -> Observable:
    for reading in readings:
        try:
            return reading(text)
        except InvalidInput:
            continue
    raise InvalidInput.at("", "no address, name, URL, mail address, hash, CVE id or AS number")


def reader(kinds: Collection[Kind] = ()) -> Reader:
    """Return what reads texts of these kinds, whatever else they may look like; of any kind without `kinds`.

    Raises:
        InvalidInput: a feed can hold nothing of such a kind.
    """
    if strange := [kind for kind in kinds if kind not in _BY_KIND]:
        raise InvalidInput.at("", f"{', '.join(strange)}: the kinds are {', '.join(_BY_KIND)}")
    readings = [(reading, kind) for kind, reading in _BY_KIND.items() if kind in kinds]
    return partial(_read, readings) if readings else value


def _read(readings: Collection[tuple[Reader, Kind]], text: str) -> Value:
    text = text.strip()
    for reading, _ in readings:
        try:
            return reading(text)
        except InvalidInput:
            continue
    raise InvalidInput.at("", f"not of kind {' or '.join(kind for _, kind in readings)}")


def _hash(text: str) -> Value:
    return Value(observable.file_hash(_algorithm(text), text))


def _certificate(text: str) -> Value:
    digits = text.replace(":", "")
    return Value(observable.certificate(_algorithm(digits), digits.strip()))


def _algorithm(digits: str) -> str:
    if (name := HASHES.get(len(digits.strip()))) is None:
        raise InvalidInput.at("", "no hash of a known length")
    return name


def _address(text: str) -> Value:
    return _at_port(text, observable.network)


def _name(text: str) -> Value:
    return _at_port(text, _dotted)


def _at_port(text: str, reading: Callable[[str], Observable]) -> Value:
    if ":" in text and (at := _PORT.fullmatch(text)):
        return Value(reading(at[1].strip("[]")), _port(at[2]))
    return Value(reading(text))


def _plain(reading: Callable[[str], Observable]) -> Reader:
    return lambda text: Value(reading(text))


_BY_KIND: Final[Mapping[Kind, Reader]] = {
    Kind.IP: _address,
    Kind.HASH: _hash,
    Kind.CERTIFICATE: _certificate,
    Kind.CVE: _plain(observable.cve),
    Kind.ASN: _plain(observable.autonomous_system),
    Kind.MAILBOX: _plain(_mailbox),
    Kind.NAME: _name,
    Kind.URL: link,
}
"""Kinds that a feed can hold -> what reads them; of several, the first that can."""


_PATHS: Final = {
    Kind.NAME: "domain-name:value",
    Kind.URL: "url:value",
    Kind.MAILBOX: "email-addr:value",
    Kind.CVE: "vulnerability:name",
}
"""Kinds whose values are the literals of their patterns -> the path."""
_NUMBER: Final = "autonomous-system:number"


def term(found: Observable) -> tuple[str, str]:
    """Return the path and the literal of the pattern that stands for an observable.

    Raises:
        InvalidInput: an observable of that kind has no place in a pattern of STIX 2.1 §9.
    """
    kind = found.kind
    if (path := _PATHS.get(kind)) is not None:
        return path, found.value
    if kind is _OF_IP:
        return "ipv6-addr:value" if ":" in found.value else "ipv4-addr:value", found.value
    if kind is Kind.CERTIFICATE and observable.is_serial(found.key):
        return "x509-certificate:serial_number", found.key.partition(":")[2]
    if kind is Kind.HASH or kind is Kind.CERTIFICATE:
        algorithm, _, digits = found.key.partition(":")
        owner = "file" if kind is Kind.HASH else "x509-certificate"
        return f"{owner}:hashes.{_STIX_HASHES[algorithm]}", digits
    if kind is Kind.ASN:
        return _NUMBER, found.key
    raise InvalidInput.at("", f"a pattern cannot say {found.value!r}")


def pattern(found: Observable) -> str:
    """Return the STIX pattern that stands for an observable; equal observables have equal patterns.

    Raises:
        InvalidInput: an observable of that kind has no place in a pattern of STIX 2.1 §9.
    """
    path, literal = term(found)
    if path == _NUMBER:
        return f"[{path} = {literal}]"
    if "'" in literal or "\\" in literal:
        return f"[{path} = {quoted(literal)}]"
    return f"[{path} = '{literal}']"


def quoted(text: str) -> str:
    """Return `text` as a string literal of a pattern (STIX 2.1 §9.3)."""
    if "'" in text or "\\" in text:
        text = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{text}'"
