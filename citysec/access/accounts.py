"""Accounts: people and machines that may sign in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sqlmodel import col, delete, select
from sqlmodel.ext.asyncio.session import AsyncSession

from citysec.access import audit
from citysec.access.policy import CITY_ROLES, CONSTITUENT_ROLES, SERVICE, Principal, Role, Scope
from citysec.errors import Conflict, InvalidInput, NotShared
from citysec.tables.access import Account, Session
from citysec.tables.columns import now
from citysec.tables.register import Constituent
from citysec.tlp import TLP

HIGHEST: Final = TLP.AMBER_STRICT
"""The most that a constituent's account may see: TLP:RED is for whom the publisher named (see `advisories.gate`)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewAccount:
    """What an account is made of.

    Args:
        constituent: slug; None for the city's own team.
        password_hash: of `passwords.hashed`; None for an account that signs in by token only.
    """

    name: str
    role: Role
    clearance: TLP
    constituent: str | None = None
    password_hash: str | None = None


@dataclass(frozen=True, slots=True)
class Listed:
    """An account, with the slug of its constituent."""

    account: Account
    constituent: str | None


async def add(db: AsyncSession, new: NewAccount, *, actor: str) -> Account:
    """Add an account.

    Raises:
        InvalidInput: the role does not go with having, or not having, a constituent, or there is no such constituent.
        Conflict: the name is taken.
    """
    constituent_id = await _constituent_id(db, new)
    if (await db.exec(select(Account.id).where(Account.name == new.name))).first():
        raise Conflict(f"there is an account {new.name!r} already")
    account = Account(
        name=new.name,
        role=new.role,
        constituent_id=constituent_id,
        clearance=new.clearance,
        password_hash=new.password_hash,
        created_at=now(),
    )
    db.add(account)
    data = {"role": new.role, "constituent": new.constituent, "clearance": new.clearance.label}
    await audit.record(db, actor, "account.add", f"account:{new.name}", data)
    return account


async def disable(db: AsyncSession, name: str, *, actor: str) -> None:
    """Shut an account out at once, its sessions and tokens too; it stays in the records.

    Raises:
        NotShared: there is no such account.
    """
    account = await named(db, name)
    if account.disabled_at is None:
        account.disabled_at = now()
        db.add(account)
        await audit.record(db, actor, "account.disable", f"account:{name}")
    await db.exec(delete(Session).where(col(Session.account_id) == account.id))


async def named(db: AsyncSession, name: str) -> Account:
    """Return the account `name`.

    Raises:
        NotShared: there is none.
    """
    account = (await db.exec(select(Account).where(Account.name == name))).first()
    if account is None:
        raise NotShared(f"there is no account {name!r}")
    return account


async def listed(db: AsyncSession) -> Sequence[Listed]:
    """Return every account, by name."""
    rows = select(Account, Constituent.slug).outerjoin(Constituent).order_by(Account.name)
    return [Listed(account, slug) for account, slug in await db.exec(rows)]


async def principal(db: AsyncSession, account: Account, scopes: frozenset[Scope]) -> Principal | None:
    """Return who `account` is now; None where it is disabled. It may see no more than its constituent may."""
    if account.disabled_at is not None:
        return None
    clearance = TLP(account.clearance)
    if account.constituent_id is not None:
        of_constituent = select(Constituent.clearance).where(Constituent.id == account.constituent_id)
        clearance = min(clearance, TLP((await db.exec(of_constituent)).one()), HIGHEST)
    return Principal(
        account_id=account.id,
        name=account.name,
        role=Role(account.role),
        constituent_id=account.constituent_id,
        clearance=clearance,
        scopes=scopes,
    )


async def _constituent_id(db: AsyncSession, new: NewAccount) -> str | None:
    if not new.name.strip() or ":" in new.name or not new.name.isprintable():
        raise InvalidInput.at("name", "must be printable, not empty, and without a colon")
    if new.name.casefold() == SERVICE:
        raise InvalidInput.at("name", "is that of the service itself")
    if new.role not in (CITY_ROLES if new.constituent is None else CONSTITUENT_ROLES):
        fault = "needs a constituent" if new.constituent is None else "belongs to the city, not to a constituent"
        raise InvalidInput.at("role", f"{new.role} {fault}")
    if new.constituent is None:
        return None
    found = (await db.exec(select(Constituent.id).where(Constituent.slug == new.constituent))).first()
    if found is None:
        raise InvalidInput.at("constituent", f"there is no constituent {new.constituent!r}")
    return found
