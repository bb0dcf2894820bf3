"""The signed link by which a contact answers without signing in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from citysec.access import keys
from citysec.errors import NotShared

_PURPOSE: Final = "advisory.acknowledge"
_SEPARATOR: Final = "\0"


@dataclass(frozen=True, slots=True)
class Link:
    """What a link says: who answers what."""

    advisory_id: str
    contact_id: str


@dataclass(frozen=True, slots=True)
class Links:
    """Makes and reads the links of one installation.

    Args:
        key: the installation's (`access.keys.signing_key`).
        base_url: where people reach the console, without a closing slash.
    """

    key: bytes
    base_url: str

    def url(self, link: Link) -> str:
        """Return the address that `link` is in a message."""
        return f"{self.base_url}/a/{self.token(link)}"

    def token(self, link: Link) -> str:
        """Return `link` as text for an address."""
        payload = _SEPARATOR.join((link.advisory_id, link.contact_id))
        return keys.sealed(self._derived(), payload.encode())

    def read(self, token: str) -> Link:
        """Return the link that `token` stands for.

        Raises:
            NotShared: we did not make it.
        """
        payload = keys.unsealed(self._derived(), token)
        if payload is None:
            raise NotShared("a link that was not made here")
        advisory_id, _, contact_id = payload.decode().partition(_SEPARATOR)
        return Link(advisory_id, contact_id)

    def _derived(self) -> bytes:
        return keys.derived(self.key, _PURPOSE)
