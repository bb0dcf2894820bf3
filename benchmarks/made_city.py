"""A made-up register and feed for the benchmark of correlation: what touches what is known by construction.

No two assets share an address or a name, and what is not planted touches none, so each planted indicator touches the
one asset that it was made for.
"""

from __future__ import annotations

import hashlib
import ipaddress
import json
from collections.abc import Callable, Iterator
from typing import Any, Final

from citysec.correlate.rules import RegisteredAsset, registered
from citysec.observable import AssetKind, Observable, Scope, domain_name, file_hash, mailbox, network, url

AT: Final = "2026-05-18T07:30:00.000Z"
PLANTED_EVERY: Final = 100

_STARTS: Final = {
    "ipv4": "10.0.0.0",
    "ipv6": "2001:db8::",
    "/26": "172.16.0.0",
    "/48": "2001:db9::",
    "harmless": "20.0.0.0",
}
_KINDS: Final = ("name",) * 5 + ("tree",) * 2 + ("ipv4",) * 6 + ("ipv6",) * 2 + ("/26", "/48", "url", "mail", "mailbox")


def asset(number: int) -> tuple[AssetKind, str, Scope]:
    """Return kind, value and scope of an asset."""
    makers: dict[str, tuple[AssetKind, Callable[[int], str]]] = {
        "name": (AssetKind.DOMAIN, lambda n: f"www{n}.borough{n % 500}.example"),
        "tree": (AssetKind.DOMAIN, lambda n: f"service{n}.borough{n % 500}.example"),
        "ipv4": (AssetKind.IPV4, lambda n: _address("ipv4", n)),
        "ipv6": (AssetKind.IPV6, lambda n: _address("ipv6", n << 64)),
        "/26": (AssetKind.CIDR, lambda n: _address("/26", n // len(_KINDS) << 6) + "/26"),
        "/48": (AssetKind.CIDR, lambda n: _address("/48", n // len(_KINDS) << 80) + "/48"),
        "url": (AssetKind.URL, lambda n: f"https://pay{n}.borough{n % 500}.example/rent"),
        "mail": (AssetKind.MAIL_DOMAIN, lambda n: f"mail{n}.borough{n % 500}.example"),
        "mailbox": (AssetKind.EMAIL, lambda n: f"info{n}@office.borough{n % 500}.example"),
    }
    name = _KINDS[number % len(_KINDS)]
    kind, write = makers[name]
    return kind, write(number), Scope.TREE if name == "tree" else Scope.EXACT


def _address(start: str, number: int) -> str:
    return str(ipaddress.ip_address(_STARTS[start]) + number)


def touching(number: int) -> tuple[str, Observable]:
    """Return path and value of what touches that asset and no other."""
    kind, value, scope = asset(number)
    match kind:
        case AssetKind.DOMAIN:
            name = f"x{number}.{value}" if scope is Scope.TREE else value
            return "domain-name:value", domain_name(name)
        case AssetKind.CIDR:
            block = ipaddress.ip_network(value)
            return f"ipv{block.version}-addr:value", network(str(block[number % 64]))
        case AssetKind.URL:
            return "url:value", url(value)[0]
        case AssetKind.MAIL_DOMAIN:
            return "email-addr:value", mailbox(f"x{number}@{value}")
        case AssetKind.EMAIL:
            return "email-addr:value", mailbox(value)
        case _:
            return f"{kind}-addr:value", network(value)


def harmless(number: int) -> tuple[str, Observable]:
    """Return path and value of what touches nothing: half addresses, a quarter names, the rest URLs and hashes."""
    match number % 16:
        case 0 | 1 | 2 | 3 | 4 | 5 | 6:
            return "ipv4-addr:value", network(_address("harmless", number))
        case 7:
            return "ipv6-addr:value", network(f"2a00::{number >> 16:x}:{number & 0xFFFF:x}")
        case 8 | 9 | 10 | 11:
            return "domain-name:value", domain_name(f"login{number}.host{number % 9973}.test")
        case 12 | 13:
            return "url:value", url(f"http://cdn{number}.host{number % 9973}.test/update/{number % 77}.exe")[0]
        case _:
            digest = hashlib.sha256(str(number).encode()).hexdigest()
            return "file:hashes.'SHA-256'", file_hash("SHA-256", digest)


def register(assets: int) -> Iterator[RegisteredAsset[int]]:
    """Yield the assets as correlation sees them."""
    return (registered(number, *asset(number)) for number in range(assets))


def planted(number: int, assets: int) -> int | None:
    """Return which asset the object of that number touches; None where it touches none."""
    return number // PLANTED_EVERY * 7919 % assets if number % PLANTED_EVERY == 0 else None


def is_indicator(number: int) -> bool:
    """Return whether the object of that number is one: seven of ten are."""
    return number % 10 not in {3, 6, 9}


def objects(number: int, assets: int) -> Iterator[str]:
    """Yield the JSON text of each object of a feed: seven of ten are indicators, the others point at those."""
    before = stix_id("indicator", 0)
    for each in range(number):
        if not is_indicator(each):
            yield _relationship(each, before)
        else:
            target = planted(each, assets)
            path, said = harmless(each) if target is None else touching(target)
            before = stix_id("indicator", each)
            yield _indicator(before, path, said.value)


def stix_id(kind: str, number: int) -> str:
    """Return the id of the object of that number."""
    return f"{kind}--{number:08x}-0000-4000-8000-{number:012x}"


def pattern(path: str, value: str) -> str:
    """Return the pattern that says so."""
    return f"[{path} = '{value}']"


def _indicator(name: str, path: str, value: str) -> str:
    about: dict[str, Any] = {
        "type": "indicator", "spec_version": "2.1", "id": name, "created": AT, "modified": AT, "valid_from": AT,
        "name": "made up", "pattern": pattern(path, value), "pattern_type": "stix", "confidence": 75,
        "indicator_types": ["malicious-activity"], "labels": ["c2"],
        "object_marking_refs": ["marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb"],
    }  # fmt: skip
    return json.dumps(about)


def _relationship(number: int, source: str) -> str:
    about = {
        "type": "relationship", "spec_version": "2.1", "id": stix_id("relationship", number), "created": AT,
        "modified": AT, "relationship_type": "indicates", "source_ref": source,
        "target_ref": stix_id("malware", number % 100),
    }  # fmt: skip
    return json.dumps(about)
