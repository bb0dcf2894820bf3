"""The audit chain: every change is an entry that covers the entry before it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any, Final

import rfc8785
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from citysec.db import alone, append
from citysec.tables.access import AuditEntry
from citysec.tables.columns import now

GENESIS: Final = "0" * 64
_LAST: Final = "audit.last"  # a session is one transaction (db.Database.writing): its own last entry stays the last


_CONTENT: Final = ("seq", "at", "actor", "action", "subject", "data", "previous")


def digest(content: Mapping[str, Any]) -> str:
    """Return the SHA-256 (hexadecimal) over the columns of an entry but this one, in canonical JSON (RFC 8785)."""
    written = {**content, "at": content["at"].isoformat(timespec="microseconds")}
    return hashlib.sha256(rfc8785.dumps(written)).hexdigest()


async def record(
    db: AsyncSession, actor: str, action: str, subject: str, data: Mapping[str, Any] | None = None
) -> None:
    """Append one entry in the caller's transaction.

    Args:
        db: a writing session; on PostgreSQL the chain stays locked until it ends.
        actor: account name, or `citysec` for what the service does by itself.
        action: dotted verb, for instance `incident.close`.
        subject: what it was done to, for instance `incident:4f…`.
        data: JSON; no secrets, no indicator values.
    """
    seq, previous = db.info.get(_LAST) or await _newest(db)
    content = {
        "seq": seq + 1,
        "at": now(),
        "actor": actor,
        "action": action,
        "subject": subject,
        "data": dict(data or {}),
        "previous": previous,
    }
    own = digest(content)
    append(db, AuditEntry, {**content, "digest": own})
    db.info[_LAST] = seq + 1, own


async def _newest(db: AsyncSession) -> tuple[int, str]:
    """Take the chain's end for the rest of the transaction: nobody else may append meanwhile."""
    await alone(db, "audit")
    last = (await db.exec(select(AuditEntry).order_by(col(AuditEntry.seq).desc()).limit(1))).first()
    return (last.seq, last.digest) if last else (0, GENESIS)


async def first_broken(db: AsyncSession) -> tuple[int, int | None]:
    """Return how many entries there are, and the `seq` of the first that does not fit, None when all do."""
    previous, expected = GENESIS, 1
    entries = await db.stream_scalars(select(AuditEntry).order_by(col(AuditEntry.seq)).execution_options(yield_per=500))
    async for entry in entries:
        if entry.seq != expected or entry.previous != previous or entry.digest != digest(_content(entry)):
            return expected - 1, entry.seq
        previous, expected = entry.digest, expected + 1
    return expected - 1, None


def _content(entry: AuditEntry) -> dict[str, Any]:
    return {name: getattr(entry, name) for name in _CONTENT}
