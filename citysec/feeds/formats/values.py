"""Observables as lists, tables and texts write them, and the STIX patterns that stand for them."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

import msgspec

from citysec import observable
from citysec.errors import InvalidInput
from citysec.observable import Kind, Observable

_PORT: Final = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[^\s:/\[\]]+):([0-9]{1,5})")
_HASHES: Final = {32: "md5", 40: "sha-1", 64: "sha-256", 128: "sha-512"}
_STIX_HASHES: Final = {
    "md5": "MD5", "sha-1": "'SHA-1'", "sha-224": "'SHA-224'", "sha-256": "'SHA-256'", "sha-384": "'SHA-384'",
    "sha-512": "'SHA-512'", "sha3-256": "'SHA3-256'", "sha3-512": "'SHA3-512'", "ssdeep": "SSDEEP", "tlsh": "TLSH",
}  # fmt: skip
_HEX: Final = re.compile(r"[0-9A-Fa-f]+")


class Value(msgspec.Struct, frozen=True, gc=False):
    """An observable that a text writes, and the port where it names one."""

    observable: Observable
    port: int | None = None

    @property
    def pattern(self) -> str:
        """The STIX pattern that stands for the observable, whatever the port."""
        return pattern(self.observable)


def value(text: str) -> Value:
    """Return the observable that `text` writes; its form says of what kind it is.

    Addresses, blocks, `address:port`, names, `name:port`, URLs with and without a scheme, mail addresses, hashes of a
    known length, CVE ids and `AS` numbers are known.

    Raises:
        InvalidInput: it is none of them.
    """
    text = text.strip()
    if len(text) in _HASHES and _HEX.fullmatch(text):
        return Value(observable.file_hash(_HASHES[len(text)], text))
    if (at := _PORT.fullmatch(text)) and int(at[2]) < 65536:
        return Value(_first(at[1].strip("[]"), observable.network, observable.domain_name), int(at[2]))
    if "://" in text:
        return Value(observable.url(text)[0])
    if "@" in text and "/" not in text:
        return Value(observable.mailbox(text))
    return Value(_first(text, *_PLAIN))


def _link(text: str) -> Observable:
    return observable.url(text)[0]


def _as_number(text: str) -> Observable:
    if not text[:2].upper() == "AS":
        raise InvalidInput.at("", f"{text!r} is no AS number")
    return observable.autonomous_system(text)


_PLAIN: Final = (observable.network, _as_number, observable.cve, observable.domain_name, _link)


def _first(text: str, *readings: Callable[[str], Observable]) -> Observable:
    for reading in readings:
        try:
            return reading(text)
        except InvalidInput:
            continue
    raise InvalidInput.at("", f"{text[:100]!r} is no address, name, URL, mail address, hash, CVE id or AS number")


def pattern(found: Observable) -> str:
    """Return the STIX pattern that stands for an observable; equal observables have equal patterns.

    Raises:
        InvalidInput: an observable of that kind has no place in a pattern of STIX 2.1 §9.
    """
    match found.kind:
        case Kind.IP:
            return _equals("ipv6-addr:value" if ":" in found.value else "ipv4-addr:value", found.value)
        case Kind.NAME:
            return _equals("domain-name:value", found.value)
        case Kind.URL:
            return _equals("url:value", found.value)
        case Kind.MAILBOX:
            return _equals("email-addr:value", found.value)
        case Kind.HASH | Kind.CERTIFICATE:
            algorithm, _, digits = found.key.partition(":")
            owner = "file" if found.kind is Kind.HASH else "x509-certificate"
            return _equals(f"{owner}:hashes.{_STIX_HASHES[algorithm]}", digits)
        case Kind.ASN:
            return f"[autonomous-system:number = {found.key}]"
        case Kind.CVE:
            return _equals("vulnerability:name", found.value)
        case _:
            raise InvalidInput.at("", f"a pattern cannot say {found.value!r}")


def _equals(path: str, text: str) -> str:
    return f"[{path} = {quoted(text)}]"


def quoted(text: str) -> str:
    """Return `text` as a string literal of a pattern (STIX 2.1 §9.3)."""
    return "'{}'".format(text.replace("\\", "\\\\").replace("'", "\\'"))
