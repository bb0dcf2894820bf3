"""Hashes of files, and certificates by fingerprint or serial number, in the forms in which they are compared.

Source:
    RFC 5280 §4.1.2.2 for serial numbers.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from citysec.errors import InvalidInput
from citysec.observable.kinds import Kind, Observable

_OF_HASH: Final = Kind.HASH
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
_FUZZY: Final = frozenset({"ssdeep", "tlsh"})
_ALGORITHMS: Final = {name.replace("-", ""): name for name in (*_HEX_DIGITS, *_FUZZY)}
_FINGERPRINTS: Final = {32: "md5", 40: "sha-1", 64: "sha-256"}
_SERIAL: Final = "serial"
_LONGEST_SERIAL: Final = 40  # digits: RFC 5280 §4.1.2.2 allows 20 octets
_OCTET_STRING: Final = re.compile(r"[0-9A-Fa-f]+|[0-9A-Fa-f]{2}(?:([: -])[0-9A-Fa-f]{2})(?:\1[0-9A-Fa-f]{2})*")
_CERTIFICATE: Final = re.compile(
    r"(serial|md5|sha[0-9_-]+)(?:[ _-]?(?:fingerprint|number))?\s*[:=]\s*(.*)", re.IGNORECASE | re.DOTALL
)


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


def any_certificate(text: str) -> Observable:
    """Return the certificates that `text` tells of: where it names neither an algorithm nor `serial`, by its length.

    Raises:
        InvalidInput: `text` is neither a fingerprint nor a serial number.
    """
    said = _CERTIFICATE.fullmatch(text.strip())
    name, digits = (said[1].lower(), said[2]) if said else ("", text)
    if not name:
        name = _SERIAL if text[:2] in {"0x", "0X"} else _FINGERPRINTS.get(len(_octets(text)), _SERIAL)
    found = serial_number(digits) if name == _SERIAL else certificate(name, digits)
    return Observable(found.kind, found.key, found.key)


def knows_hashes(algorithm: str) -> bool:
    """Return whether the values of `algorithm` can be told from other texts."""
    return algorithm.lower().replace("-", "").replace("_", "") in _ALGORITHMS


def _octets(text: str) -> str:
    """Return hexadecimal digits in lower case, without what stands between octets or, unseen, before the first."""
    plain = text.strip(" \t\u200e")  # Windows sets the mark before what people copy
    if _OCTET_STRING.fullmatch(plain) is None:
        raise InvalidInput.at("", f"{text!r} is not hexadecimal")
    return plain.translate({ord(apart): None for apart in ": -"}).lower()


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
