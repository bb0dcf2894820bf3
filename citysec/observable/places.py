"""Where something is: addresses, names, URLs, mailboxes, each in the form in which it is compared.

Source:
    RFC 3986 §3 for URLs; RFC 5890 for A-labels. That mailboxes are compared without regard to case, and an IPv4-mapped
    IPv6 address is its IPv4 address, are our rules.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

import idna

from citysec.blocks import block, network_key, network_text, quad
from citysec.errors import InvalidInput
from citysec.observable.kinds import Kind, Observable

_OF_IP: Final = Kind.IP  # read off the class, a member takes Python 3.11 as long as making all else of an `Observable`
_OF_NAME: Final = Kind.NAME
_OF_URL: Final = Kind.URL
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
