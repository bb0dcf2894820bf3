"""What was refused is tried again: after a feed's definition, or citysec itself, has been mended."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO

from sqlmodel import col, delete, select
from sqlmodel.ext.asyncio.session import AsyncSession

from citysec.errors import InvalidInput
from citysec.feeds import formats, markings
from citysec.feeds.definition import Definition
from citysec.feeds.formats import Draft, Entry, Item
from citysec.feeds.ingest import Batch, Outcome, ingest
from citysec.tables import Reject


async def replay(db: AsyncSession, feed: Definition) -> Outcome:
    """Try the kept rejects of `feed` again, in the caller's transaction, and return what they came to.

    What is taken now, or is refused for another reason, is no longer kept as it was.
    """
    kept = select(Reject).where(Reject.feed == feed.name, col(Reject.raw) != b"").order_by(col(Reject.id))
    rows = (await db.exec(kept)).all()
    items = [item for row in rows for item in _again(feed, row)]
    await db.exec(delete(Reject).where(col(Reject.id).in_([row.id for row in rows])))
    drafts = [item for item in items if isinstance(item, Draft)]
    return await ingest(
        db,
        feed,
        Batch(
            drafts=drafts,
            entries=[item for item in items if isinstance(item, Entry)],
            rejects=[item for item in items if isinstance(item, formats.Reject)],
            markings=markings.of_page(drafts),
        ),
    )


def _again(feed: Definition, row: Reject) -> Sequence[Item]:
    try:
        found = list(feed.format.read(BytesIO(row.raw)))
    except InvalidInput as err:
        reason = "; ".join(problem.message for problem in err.problems)  # their places are in the part
        found = [formats.Reject(row.at, reason, row.excerpt, row.raw)]
    return [formats.Reject(row.at, i.reason, i.excerpt, i.raw) if isinstance(i, formats.Reject) else i for i in found]
