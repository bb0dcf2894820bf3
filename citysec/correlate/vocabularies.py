"""The vocabulary of lookalikes that stored forms were made with, in a `Meta` row."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

import msgspec
from sqlmodel.ext.asyncio.session import AsyncSession

from citysec.lookalikes.vocabulary import Vocabulary
from citysec.tables.work import Meta

NAME: Final = "lookalikes.vocabulary"


async def current(db: AsyncSession) -> Vocabulary:
    """Return the vocabulary that counts; an empty one where none was ever stored."""
    row = await db.get(Meta, NAME, populate_existing=True)
    return _decoded(row.value) if row else Vocabulary()


async def store(db: AsyncSession, vocabulary: Vocabulary, made_with: str = "") -> bool:
    """Have another vocabulary count, and return whether it, or what else forms are made with, is another one."""
    text = msgspec.json.encode(_Made(vocabulary, made_with)).decode()
    row = await db.get(Meta, NAME, with_for_update=True)
    if row is not None and row.value == text:
        return False
    await db.merge(Meta(name=NAME, value=text))
    return True


@lru_cache(maxsize=2)
def _decoded(text: str) -> Vocabulary:
    return msgspec.json.decode(text, type=_Made).vocabulary


class _Made(msgspec.Struct, frozen=True):
    vocabulary: Vocabulary
    made_with: str
