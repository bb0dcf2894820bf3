"""The audit chain: every change is an entry that covers the entry before it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any, Final

import rfc8785
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from citysec.bulk import insert_many
from citysec.db import alone, at_the_end
from citysec.tables.access import AuditEntry
from citysec.tables.columns import now

GENESIS: Final = "0" * 64
_WAITING: Final = "audit"
_CONTENT: Final = ("seq", "at", "actor", "action", "subject", "data", "previous")


def digest(content: Mapping[str, Any]) -> str:
    """Return the SHA-256 (hexadecimal) over the columns of an entry but this one, in canonical JSON (RFC 8785)."""
    written = {**content, "at": content["at"].isoformat(timespec="microseconds")}
    return hashlib.sha256(rfc8785.dumps(written)).hexdigest()


async def record(
    db: AsyncSession, actor: str, action: str, subject: str, data: Mapping[str, Any] | None = None
) -> None:
    """Append one entry when the caller's transaction ends.

    Args:
        db: a writing session.
        actor: account name, or `citysec` for what the service does by itself.
        action: dotted verb, for instance `incident.close`.
        subject: what it was done to, for instance `incident:4f…`.
        data: JSON; no secrets, no indicator values.
    """
    entry = {"at": now(), "actor": actor, "action": action, "subject": subject, "data": dict(data or {})}
    db.info.setdefault(_WAITING, []).append(entry)
    at_the_end(db, _chain)


async def _chain(db: AsyncSession) -> None:
    """Put the entries of this transaction behind the newest one; nobody else may append until it is committed."""
    await alone(db, "audit")
    newest = select(AuditEntry.seq, AuditEntry.digest).order_by(col(AuditEntry.seq).desc()).limit(1)
    last, previous = (await db.exec(newest)).first() or (0, GENESIS)
    rows: list[dict[str, Any]] = []
    for seq, entry in enumerate(db.info.pop(_WAITING), last + 1):
        content = {"seq": seq, **entry, "previous": previous}
        previous = digest(content)
        rows.append({**content, "digest": previous})
    await insert_many(db, AuditEntry, rows)


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
