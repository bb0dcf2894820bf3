"""Signing in by name and password, with the brakes on."""

from __future__ import annotations

import ipaddress
import time
from dataclasses import dataclass, field

from sqlmodel import select

from citysec.access import accounts
from citysec.access.passwords import Passwords
from citysec.access.policy import Principal, Scope
from citysec.access.throttle import Throttle
from citysec.db import Database
from citysec.errors import TooManyAttempts, Unauthenticated
from citysec.tables.access import Account


@dataclass(frozen=True, slots=True)
class Door:
    """Where names and passwords are checked, one per process.

    Wrong attempts are limited per name, so that one account cannot be guessed at, and per address, so that many cannot.
    """

    passwords: Passwords = field(default_factory=Passwords)
    by_name: Throttle = field(default_factory=lambda: Throttle(burst=10, refill_s=30))
    by_address: Throttle = field(default_factory=lambda: Throttle(burst=30, refill_s=10))

    async def enter(self, database: Database, name: str, password: str, address: str) -> Principal:
        """Return who `name` is.

        Raises:
            TooManyAttempts: of this name, or from this address.
            Unauthenticated: the name is unknown, the account disabled or the password wrong; which, nobody learns.
        """
        async with database.reading() as db:
            account = (await db.exec(select(Account).where(Account.name == name))).first()
            principal = account and await accounts.principal(db, account, frozenset(Scope))
        password_hash = account.password_hash if account and principal else None
        right = self.passwords.remembers(password, password_hash)
        if not right:
            right = await self._check(name, password, password_hash, network(address))
        if not right or principal is None:
            raise Unauthenticated("name or password is wrong")
        return principal

    async def _check(self, name: str, password: str, password_hash: str | None, address: str) -> bool:
        at = time.monotonic()
        buckets = ((self.by_name, name), (self.by_address, address))
        if wait := max(throttle.wait_s(key, at) for throttle, key in buckets):
            raise TooManyAttempts(wait)
        for throttle, key in buckets:
            throttle.use(key, at)  # before the check, which takes its time: attempts side by side count too
        right = await self.passwords.fits(password, password_hash)
        for throttle, key in buckets if right else ():
            throttle.give_back(key)
        return right


def network(address: str) -> str:
    """Return whom to count `address` for: an IPv6 host has a whole /64 to itself."""
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    return str(ipaddress.ip_network((ip, 64), strict=False)) if ip.version == 6 else str(ip)
