"""`Idempotency-Key`: a request sent again because its answer was lost is answered again, and done once.

Source:
    draft-ietf-httpapi-idempotency-key-header for the header and the codes; keys are kept for a day.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from aiohttp import web
from sqlmodel import col, delete
from sqlmodel.ext.asyncio.session import AsyncSession

from citysec.access.policy import Principal
from citysec.errors import InvalidInput
from citysec.tables.access import Answer
from citysec.tables.columns import now

HEADER: Final = "Idempotency-Key"
_KEPT: Final = timedelta(days=1)
KEY: Final = "[!-~]{1,255}"
"""A regular expression."""


@dataclass(frozen=True, slots=True)
class Once:
    """One request that must be done once: whose, under which key, and what it says."""

    account_id: str
    key: str
    request: str

    async def answered(self, db: AsyncSession) -> Answer | None:
        """Return what was answered before; None where it was not asked yet.

        Raises:
            InvalidInput: under this key something else was asked.
        """
        found = await db.get(Answer, (self.account_id, self.key))
        if found is not None and found.request != self.request:
            raise InvalidInput.at(HEADER, "was used for another request")
        return found

    async def keep(self, db: AsyncSession, status: int, body: str) -> None:
        """Keep the answer in the transaction of what was done, and forget those of yesterday."""
        await db.exec(delete(Answer).where(col(Answer.at) < now() - _KEPT))
        db.add(
            Answer(account_id=self.account_id, key=self.key, request=self.request, status=status, body=body, at=now())
        )


async def of(request: web.Request, principal: Principal) -> Once | None:
    """Return what `request` says about doing it once; None where it says nothing.

    Raises:
        InvalidInput: the key is empty, too long, or of other characters than ASCII's visible ones.
    """
    key = request.headers.get(HEADER)
    if key is None:
        return None
    if re.fullmatch(KEY, key) is None:
        raise InvalidInput.at(HEADER, "must be 1 to 255 visible characters of ASCII")
    said = b"\0".join([request.method.encode(), request.raw_path.encode(), await request.read()])
    return Once(principal.account_id, key, hashlib.sha256(said).hexdigest())
