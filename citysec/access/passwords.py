"""Passwords: hashed and checked with argon2id, in threads, a few at a time."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import secrets
from collections import OrderedDict
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from argon2.profiles import RFC_9106_LOW_MEMORY as EFFORT

from citysec.errors import InvalidInput

LEAST: Final = 12
"""Characters that a new password must have."""
LONGEST: Final = 1024
_AT_ONCE: Final = 2
_REMEMBERED: Final = 1000
_HASHER: Final = PasswordHasher.from_parameters(EFFORT)


class Passwords:
    """Checks passwords in constant effort: an unknown name costs as much as a wrong password.

    What was right is remembered, because Basic authentication sends it with every request: as a keyed hash of the
    password and the stored hash, so that a changed password is forgotten by itself.
    """

    def __init__(self) -> None:
        self._key = secrets.token_bytes(32)
        self._decoy = decoy()
        self._turn = asyncio.Semaphore(_AT_ONCE)
        self._right: OrderedDict[bytes, None] = OrderedDict()

    def remembers(self, password: str, password_hash: str | None) -> bool:
        """Return whether `password` was found right for `password_hash` before."""
        return self._mark(password, password_hash) in self._right

    async def fits(self, password: str, password_hash: str | None) -> bool:
        """Return whether `password` is the one of `password_hash`; None, for want of an account, fits nothing."""
        async with self._turn:
            right = await asyncio.to_thread(_fits, password, password_hash or self._decoy)
        if not right or password_hash is None:
            return False
        self._right[self._mark(password, password_hash)] = None
        while len(self._right) > _REMEMBERED:
            self._right.popitem(last=False)
        return True

    def _mark(self, password: str, password_hash: str | None) -> bytes:
        return hmac.digest(self._key, f"{password_hash}\0{password}".encode(errors="surrogatepass"), hashlib.sha256)


async def hashed(password: str) -> str:
    """Return the argon2id hash of a new password.

    Raises:
        InvalidInput: it is too short or too long.
    """
    if not LEAST <= len(password) <= LONGEST:
        raise InvalidInput.at("password", f"must have {LEAST} to {LONGEST} characters")
    return await asyncio.to_thread(_HASHER.hash, password)


def decoy() -> str:
    """Return a hash that no password is known to fit, and that takes the effort of any other to check.

    It is drawn, not computed: the service starts without that effort.
    """
    salt, drawn = (_encoded(secrets.token_bytes(size)) for size in (EFFORT.salt_len, EFFORT.hash_len))
    costs = f"m={EFFORT.memory_cost},t={EFFORT.time_cost},p={EFFORT.parallelism}"
    return f"$argon2id$v={EFFORT.version}${costs}${salt}${drawn}"


def _encoded(drawn: bytes) -> str:
    return base64.b64encode(drawn).decode().rstrip("=")


def _fits(password: str, password_hash: str) -> bool:
    try:
        return len(password) <= LONGEST and _HASHER.verify(password_hash, password.encode(errors="surrogatepass"))
    except (VerificationError, InvalidHashError):
        return False
