"""What the service may connect to: the public internet, and what the operator names.

Addresses of publishers and of webhooks come from outside. Without the guard one of them could point at the service's
own network. The check sits where sockets are made: a name that resolves to an inner address is refused as is the
address itself, and nothing can change between check and connection.
"""

from __future__ import annotations

import errno
import ipaddress
import socket
from dataclasses import dataclass
from typing import Any, Final

import aiohttp
from yarl import URL

from citysec.errors import SettingsError

_Address = ipaddress.IPv4Address | ipaddress.IPv6Address
_NAT64: Final = ipaddress.ip_network("64:ff9b::/96")


@dataclass(frozen=True, slots=True)
class Guard:
    """The hosts that the operator allows on any address, as `(host, port)`; a port of None is every port."""

    allowed: frozenset[tuple[str, int | None]] = frozenset()

    @classmethod
    def of(cls, hosts: str) -> Guard:
        """Return the guard for the settings `feed_allow_hosts` and `webhook_allow_hosts`.

        Args:
            hosts: comma-separated `host` or `host:port`; IPv6 addresses in brackets.

        Raises:
            SettingsError: an entry is neither.
        """
        return cls(frozenset(_entry(text) for part in hosts.split(",") if (text := part.strip())))

    def names(self, url: URL) -> bool:
        """Return whether the operator allows the host of `url`, whatever its address."""
        host = (url.host or "").lower()
        return (host, None) in self.allowed or (host, url.port) in self.allowed

    def connector(self, url: URL) -> aiohttp.TCPConnector:
        """Return a connector for requests to the host of `url`; follow no redirect to another host with it."""
        return aiohttp.TCPConnector(socket_factory=socket_of if self.names(url) else public_socket)


def refused(err: OSError) -> bool:
    """Return whether a connection failed because the address is not public."""
    return err.errno == errno.EACCES


def public_socket(info: tuple[Any, ...]) -> socket.socket:
    """Return a socket for the address `info`, an entry as `getaddrinfo` gives it.

    Raises:
        PermissionError: the address is not public.
    """
    address = info[4][0]
    if not is_public(address):
        raise PermissionError(errno.EACCES, f"{address} is not a public address")
    return socket_of(info)


def socket_of(info: tuple[Any, ...]) -> socket.socket:
    """Return a socket for the address `info`, whatever it is."""
    return socket.socket(family=info[0], type=info[1], proto=info[2])


def is_public(address: str) -> bool:
    """Return whether `address` is a unicast address of the public internet, also inside IPv6."""
    inner = _unwrapped(ipaddress.ip_address(address.partition("%")[0]))
    return inner.is_global and not inner.is_multicast and not inner.is_reserved


def _unwrapped(address: _Address) -> _Address:
    """Return the IPv4 address that an IPv4-mapped, NAT64, 6to4 or Teredo address leads to, else `address`."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else address)


def _entry(text: str) -> tuple[str, int | None]:
    try:
        url = URL(f"//{text}")
        host, port = url.host, url.explicit_port
    except ValueError as err:
        raise SettingsError(f"{text!r} is not a host or host:port: {err}") from err
    if not host or url.path not in ("", "/") or url.user or url.query_string:
        raise SettingsError(f"{text!r} is not a host or host:port")
    return host.lower(), port
