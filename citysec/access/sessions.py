"""Sign-ins of people: a cookie's random value, of which the database has the digest only."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlmodel import col, delete, select
from sqlmodel.ext.asyncio.session import AsyncSession

from citysec.access import accounts
from citysec.access.policy import Principal, Scope
from citysec.tables.access import Account, Session
from citysec.tables.columns import now


@dataclass(frozen=True, slots=True)
class Opened:
    """A new sign-in: `cookie` is the value for the browser, known to nobody else."""

    cookie: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A valid sign-in; `csrf` is the token that forms must carry."""

    principal: Principal
    csrf: str


def digest(secret: str) -> str:
    """Return the form in which the database keeps a random secret."""
    return hashlib.sha256(secret.encode(errors="surrogatepass")).hexdigest()


async def begin(db: AsyncSession, account_id: str, hours: float) -> Opened:
    """Sign an account in for `hours`, however it is used; old sign-ins that have ended are removed."""
    at = now()
    await db.exec(delete(Session).where(col(Session.expires_at) <= at))
    opened = Opened(secrets.token_urlsafe(32), at + timedelta(hours=hours))
    db.add(
        Session(
            id=digest(opened.cookie),
            account_id=account_id,
            csrf=secrets.token_urlsafe(32),
            created_at=at,
            expires_at=opened.expires_at,
        )
    )
    return opened


async def find(db: AsyncSession, cookie: str) -> SignedIn | None:
    """Return the sign-in that `cookie` stands for; None where it has ended or never was."""
    valid = (col(Session.id) == digest(cookie), col(Session.expires_at) > now())
    row = (await db.exec(select(Session, Account).join(Account).where(*valid))).first()
    if row is None:
        return None
    session, account = row
    principal = await accounts.principal(db, account, frozenset(Scope))
    return SignedIn(principal, session.csrf) if principal else None


async def end(db: AsyncSession, cookie: str) -> None:
    """Sign out: the cookie is worth nothing afterwards."""
    await db.exec(delete(Session).where(col(Session.id) == digest(cookie)))
