"""What a MISP attribute says, type by type, as STIX patterns.

Source:
    MISP core format (draft-dulaunoy-misp-core-format) §2.4.2 for the types; STIX 2.1 §6 and §9 for the properties that
    patterns name. An attribute of two values, each of which is bad by itself, stands for two patterns (`domain|ip`); a
    second value that only describes the first is a fact about it (`filename|sha256`, `ip-dst|port`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import msgspec

from citysec import observable
from citysec.errors import InvalidInput
from citysec.feeds.formats.spellings import refanged, several
from citysec.feeds.formats.values import link, pattern, quoted
from citysec.observable import Observable


class Said(msgspec.Struct, frozen=True, gc=False):
    """One thing that an attribute says: the STIX pattern, what describes it, and the observables that it states."""

    key: str
    facts: Mapping[str, Any]
    observables: tuple[Observable, ...] = ()


_Reader = Callable[[str], Sequence[Said]]
_NOTHING: Final[Mapping[str, Any]] = {}


def said(type_: str, value: str) -> Sequence[Said]:
    """Return what an attribute says.

    Raises:
        InvalidInput: the value is none of its type, or no pattern can say what the type means.
    """
    read = _READERS.get(type_)
    if read is None:
        raise InvalidInput.at("", f"no pattern can say what type {type_[:40]!r} means")
    return read(value)


def _stated(found: Observable, facts: Mapping[str, Any] = _NOTHING) -> Said:
    return Said(pattern(found), facts, (found,))


def _plain(read: Callable[[str], Observable]) -> _Reader:
    def reader(value: str) -> Sequence[Said]:
        try:
            return (_stated(read(value)),)
        except InvalidInput:
            if (sharp := refanged(value)) == value:
                raise
            return (_stated(read(sharp)),)

    return reader


def _with_port(read: Callable[[str], Observable]) -> _Reader:
    def reader(value: str) -> Sequence[Said]:
        host, _, port = value.rpartition("|")
        if not (port.isascii() and port.isdigit() and int(port[:6]) < 65536):
            raise InvalidInput.at("", f"{value[:100]!r} names no port")
        return (_stated(read(host), {"port": int(port)}),)

    return reader


def _named_file(algorithm: str) -> _Reader:
    def reader(value: str) -> Sequence[Said]:
        name, _, digits = value.rpartition("|")
        return (_stated(observable.file_hash(algorithm, digits), {"filename": name} if name else _NOTHING),)

    return reader


def _property(path: str) -> _Reader:
    """Read a text that a property of an object equals."""
    return lambda value: (Said(f"[{path} = {quoted(value)}]", _NOTHING),)


def _domain_and_address(value: str) -> Sequence[Said]:
    name, _, address = value.partition("|")
    found, resolved = observable.domain_name(name), observable.network(address)
    return _stated(found, {"resolves_to": resolved.value}), _stated(resolved, {"resolved_from": found.value})


def _registry_value(value: str) -> Sequence[Said]:
    key, _, data = value.partition("|")
    stored = f"windows-registry-key:values[*].data = {quoted(data)}"
    return (Said(f"[windows-registry-key:key = {quoted(key)} AND {stored}]", _NOTHING),)


def _url(value: str) -> Sequence[Said]:
    return [Said(found.pattern, _NOTHING, found.observables) for found in several(value, link)]


def _hash(algorithm: str) -> Callable[[str], Observable]:
    return lambda digits: observable.file_hash(algorithm, digits)


def _certificate(algorithm: str) -> Callable[[str], Observable]:
    return lambda digits: observable.certificate(algorithm, digits.replace(":", ""))


_HASHES: Final = {
    "md5": "md5", "sha1": "sha-1", "sha224": "sha-224", "sha256": "sha-256", "sha384": "sha-384", "sha512": "sha-512",
    "sha3-256": "sha3-256", "sha3-512": "sha3-512", "ssdeep": "ssdeep", "tlsh": "tlsh",
}  # fmt: skip
_USER_AGENT: Final = "network-traffic:extensions.'http-request-ext'.request_header.'User-Agent'"

_READERS: Final[Mapping[str, _Reader]] = {
    **{type_: _plain(observable.network) for type_ in ("ip-src", "ip-dst")},
    **{type_: _with_port(observable.network) for type_ in ("ip-src|port", "ip-dst|port")},
    **{type_: _plain(observable.domain_name) for type_ in ("domain", "hostname")},
    "hostname|port": _with_port(observable.domain_name),
    "domain|ip": _domain_and_address,
    **dict.fromkeys(("url", "uri", "link"), _url),
    **{
        type_: _plain(observable.mailbox)
        for type_ in (
            "email", "email-src", "email-dst", "email-reply-to", "dns-soa-email", "target-email",
            "whois-registrant-email",
        )
    },
    "email-subject": _property("email-message:subject"),
    "AS": _plain(observable.autonomous_system),
    "mac-address": _property("mac-addr:value"),
    **{type_: _plain(_hash(algorithm)) for type_, algorithm in _HASHES.items()},
    **{f"filename|{type_}": _named_file(algorithm) for type_, algorithm in _HASHES.items()},
    "malware-sample": _named_file("md5"),
    "imphash": _property("file:extensions.'windows-pebinary-ext'.imphash"),
    **{f"x509-fingerprint-{type_}": _plain(_certificate(type_)) for type_ in ("md5", "sha1", "sha256")},
    **{type_: _property("file:name") for type_ in ("filename", "email-attachment")},
    "mutex": _property("mutex:name"),
    "regkey": _property("windows-registry-key:key"),
    "regkey|value": _registry_value,
    "user-agent": _property(_USER_AGENT),
}  # fmt: skip

TYPES: Final = frozenset(_READERS)
"""The types that a pattern can say."""
