"""Durable hand-over between stages: work is written in the transaction of the fact that causes it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlmodel.ext.asyncio.session import AsyncSession

from citysec.tables.columns import new_id, now
from citysec.tables.work import Change, Outbox


def add(
    db: AsyncSession,
    kind: str,
    payload: Mapping[str, Any],
    *,
    due_at: datetime | None = None,
    work_id: str | None = None,
) -> str:
    """Put work of `kind` into the caller's transaction and return its id.

    Args:
        db: the session of the caller; it commits.
        kind: a name of `pipeline.STAGES`.
        payload: ids, not objects; JSON.
        due_at: not before then; None is at once.
        work_id: for work that must exist once whatever happens; adding it twice is a conflict of keys.
    """
    work = Outbox(id=work_id or new_id(), kind=kind, payload=dict(payload), created_at=now(), due_at=due_at)
    db.add(work)
    return work.id


def announce(db: AsyncSession, subject: str, subject_id: str, constituent_id: str | None = None) -> None:
    """Tell live views, when the caller's transaction commits, that `subject` has changed."""
    db.add(Change(at=now(), subject=subject, subject_id=subject_id, constituent_id=constituent_id))
