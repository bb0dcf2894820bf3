"""Tokens: credentials of machines, shown once, kept as a digest."""

from __future__ import annotations

import secrets
from collections.abc import Collection
from datetime import timedelta
from typing import Final

from sqlmodel import col, or_, select, update
from sqlmodel.ext.asyncio.session import AsyncSession

from citysec.access import accounts, audit
from citysec.access.policy import Principal, Scope
from citysec.access.sessions import digest
from citysec.db import Database
from citysec.errors import InvalidInput
from citysec.tables.access import Account, Token
from citysec.tables.columns import now

_PREFIX: Final = "cs_"
_USE_NOTED_EVERY: Final = timedelta(hours=1)


async def issue(db: AsyncSession, account: str, scopes: Collection[Scope], *, actor: str) -> str:
    """Return a new token for `account`, good for `scopes`; nobody can read it again.

    Raises:
        NotShared: there is no such account.
        InvalidInput: no scope is given.
    """
    if not scopes:
        raise InvalidInput.at("scope", f"give at least one of {', '.join(Scope)}")
    holder = await accounts.named(db, account)
    token = _PREFIX + secrets.token_urlsafe(32)
    db.add(Token(account_id=holder.id, digest=digest(token), scopes=sorted(scopes), created_at=now()))
    await audit.record(db, actor, "token.issue", f"account:{account}", {"scopes": sorted(scopes)})
    return token


async def find(database: Database, token: str) -> Principal | None:
    """Return whose `token` this is, with its scopes; None where it is unknown, expired, or its account disabled.

    That it was used is noted once an hour: enough to find tokens that nobody needs.
    """
    at = now()
    valid = (col(Token.digest) == digest(token), or_(col(Token.expires_at).is_(None), col(Token.expires_at) > at))
    async with database.reading() as db:
        row = (await db.exec(select(Token, Account).join(Account).where(*valid))).first()
        principal = row and await accounts.principal(db, row[1], frozenset(map(Scope, row[0].scopes)))
    if row and (row[0].used_at is None or row[0].used_at < at - _USE_NOTED_EVERY):
        async with database.writing() as db:
            await db.exec(update(Token).where(col(Token.id) == row[0].id).values(used_at=at))
    return principal
