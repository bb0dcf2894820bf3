"""Approval: a person of the team lets one exact version of a playbook run."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

import rfc8785
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from citysec.access import audit
from citysec.errors import Conflict, PlaybookRefused
from citysec.playbooks.cacao import Level, Playbook
from citysec.playbooks.check import Outcome, examine
from citysec.tables.columns import now
from citysec.tables.playbooks import Playbook as PlaybookRow


async def approve(db: AsyncSession, content: bytes, actor: str) -> PlaybookRow:
    """Keep the playbook in `content` and let it run; approving the same text again changes nothing.

    Raises:
        PlaybookRefused: it is rejected, or asks for what this service does not do.
        Conflict: another text is known by the same id and version.
    """
    playbook, digest = _fit(content), digest_of(content)
    known = await _version(db, playbook)
    if known is not None and known.digest != digest:
        raise Conflict(f"playbook {playbook.id} {playbook.version} is known with another text: give it a new version")
    if known is not None and known.approved_at is not None:
        return known
    row = known or PlaybookRow(
        playbook_id=playbook.id, version=playbook.version, name=playbook.name, digest=digest, text=content.decode()
    )
    row.approved_at, row.approved_by = now(), actor
    db.add(row)
    await audit.record(db, actor, "playbook.approve", f"{playbook.id} {playbook.version}", {"digest": digest})
    await db.flush()
    return row


async def approve_all(db: AsyncSession, contents: Iterable[bytes], actor: str) -> list[PlaybookRow]:
    """Approve each of `contents`, for instance what `read` gives."""
    return [await approve(db, content, actor) for content in contents]


def read(folder: Path) -> list[bytes]:
    """Return the text of every playbook in `folder`."""
    return [file.read_bytes() for file in sorted(folder.glob("*.json"))]


@lru_cache(maxsize=32)
def pinned(text: str) -> Playbook:
    """Return the playbook that was approved as `text`; read and checked once, for many incidents use the same.

    Raises:
        PlaybookRefused: this version of the service does not run it any more.
    """
    return _fit(text.encode())


def digest_of(content: bytes) -> str:
    """Return the SHA-256 of a playbook's canonical text: what is approved, however it is written.

    Source:
        RFC 8785, JSON Canonicalization Scheme.
    """
    return hashlib.sha256(rfc8785.dumps(json.loads(content))).hexdigest()


def _fit(content: bytes) -> Playbook:
    examination = examine(content)
    if examination.outcome is not Outcome.OK or examination.playbook is None:
        errors = [p.message for p in examination.problems if p.severity is Level.ERROR]
        raise PlaybookRefused("; ".join(errors))
    return examination.playbook


async def _version(db: AsyncSession, playbook: Playbook) -> PlaybookRow | None:
    query = select(PlaybookRow).where(
        col(PlaybookRow.playbook_id) == playbook.id, col(PlaybookRow.version) == playbook.version
    )
    return (await db.exec(query)).first()
