"""Objects that partners post to a collection (TAXII 2.1 §5.5): read as a feed, answered object by object.

Who posts is a publisher like any other. What it posts to the collection `reports` comes in as the feed `reports`,
whose definition says how far to believe it; without such a definition nobody can write to the collection.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from io import BytesIO
from typing import Any, Final

import msgspec
from aiohttp import web
from sqlmodel import col, delete, select
from sqlmodel.ext.asyncio.session import AsyncSession

from citysec.access import audit
from citysec.access.policy import Principal
from citysec.feeds import poll, standing
from citysec.feeds.definition import BundleFeed, Definition, Layout
from citysec.feeds.formats import Draft, Reject
from citysec.feeds.ingest import Batch, ingest
from citysec.feeds.portion import Portion
from citysec.share import collections
from citysec.share.filters import written
from citysec.tables.columns import now
from citysec.tables.feeds import StixObject
from citysec.tables.share import Collection, Receipt
from citysec.web.context import AppContext

_STIX: Final = Layout(name=poll.STIX)
KEPT: Final = timedelta(hours=24)
LISTED: Final = 10_000
"""Objects that a status names one by one; its numbers are exact."""


_CLASH: Final = "not stored: this version is here already with different content, or it holds the character U+0000"


class _Envelope(msgspec.Struct):
    objects: list[msgspec.Raw] = msgspec.field(default_factory=list[msgspec.Raw])


class _Named(msgspec.Struct):
    id: str = ""


@dataclass(slots=True)
class _Outcome:
    """What came of each object so far: TAXII's `status-details`."""

    successes: list[dict[str, str]]
    failures: list[dict[str, str]]


def inlets(feeds: Mapping[str, Definition]) -> frozenset[str]:
    """Return the feeds that objects may be posted to: those that are neither fetched nor read from a file."""
    return frozenset(n for n, d in feeds.items() if isinstance(d, BundleFeed) and d.by_hand)


async def accept(app: AppContext, principal: Principal, collection: Collection, body: bytes) -> dict[str, Any]:
    """Store the objects of an envelope, and return the status resource that tells what came of each (§4.3).

    It is complete at once. An object that is here already with the same content is a success.

    Raises:
        web.HTTPBadRequest: `body` is no JSON object.
        web.HTTPUnprocessableEntity: it holds no list of objects.
    """
    names, batches = await asyncio.to_thread(_read, body)
    feed, outcome, asked_at = app.feeds[collection.slug], _Outcome([], []), now()
    for batch in batches:
        async with app.database.writing() as db:
            await standing.enrol(db, {feed.name: feed}, asked_at)
            await ingest(db, feed, batch)
            await _settle(db, batch, names, outcome)
    receipt = Receipt(account_id=principal.account_id, at=asked_at)
    receipt.resource = _resource(receipt, outcome)
    async with app.database.writing() as db:
        await db.exec(delete(Receipt).where(col(Receipt.at) < asked_at - KEPT))
        db.add(receipt)
        facts = {"feed": feed.name, "added": len(outcome.successes), "refused": len(outcome.failures)}
        await audit.record(db, principal.name, "collection.post", f"collection:{collection.id}", facts)
    return receipt.resource


async def receipt(db: AsyncSession, principal: Principal, receipt_id: str) -> dict[str, Any] | None:
    """Return the status resource, for whoever posted; None for others, and when it is too old."""
    found = select(Receipt).where(Receipt.id == receipt_id, Receipt.account_id == principal.account_id)
    kept = (await db.exec(found.where(col(Receipt.at) >= now() - KEPT))).first()
    return kept.resource if kept else None


def _read(body: bytes) -> tuple[list[str], list[Batch]]:
    """Return the ids that the objects claim, in their order, and the objects as batches to ingest."""
    try:
        msgspec.json.decode(body, type=dict[str, msgspec.Raw])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as err:
        raise web.HTTPBadRequest(text="the body must be a JSON object") from err
    try:
        envelope = msgspec.json.decode(body, type=_Envelope)
    except msgspec.ValidationError as err:
        raise web.HTTPUnprocessableEntity(text=f"this is no envelope: {err}") from err
    if not envelope.objects:
        raise web.HTTPUnprocessableEntity(text="`objects` must be a list that is not empty")
    names = [_name(raw, number) for number, raw in enumerate(envelope.objects)]
    return names, list(poll.batches(_STIX, Portion(BytesIO(msgspec.json.encode(envelope)))))


def _name(raw: msgspec.Raw, number: int) -> str:
    try:
        claimed = msgspec.json.decode(raw, type=_Named).id
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        claimed = ""
    return claimed or f"unknown--{number}"


async def _settle(db: AsyncSession, batch: Batch, names: Sequence[str], outcome: _Outcome) -> None:
    """Say what became of a batch, and let what was stored into the collections before the answer is sent."""
    stored = await _stored(db, batch.drafts)
    await collections.admit(db, {"objects": sorted(stored.values())})
    for draft in batch.drafts:
        if (draft.stix_id, draft.content_hash) in stored:
            outcome.successes.append(_details(draft))
        else:
            outcome.failures.append(_details(draft) | {"message": _CLASH})
    outcome.failures.extend(_refused(batch.rejects, names))


async def _stored(db: AsyncSession, drafts: Iterable[Draft]) -> dict[tuple[str, str], int]:
    """Return the row of each object version that is here with the very content that was posted."""
    posted = {(draft.stix_id, draft.content_hash) for draft in drafts}
    rows = select(StixObject.stix_id, StixObject.content_hash, StixObject.id)
    found = await db.exec(rows.where(col(StixObject.stix_id).in_({stix_id for stix_id, _ in posted})))
    return {(stix_id, content): row or 0 for stix_id, content, row in found if (stix_id, content) in posted}


def _details(draft: Draft) -> dict[str, str]:
    return {"id": draft.stix_id, "version": written(draft.version or now())}


def _refused(rejects: Iterable[Reject], names: Sequence[str]) -> Iterable[dict[str, str]]:
    for reject in rejects:
        number = int(reject.at.rpartition("/")[2])
        yield {"id": names[number], "version": written(now()), "message": reject.reason}


def _resource(receipt: Receipt, outcome: _Outcome) -> dict[str, Any]:
    resource: dict[str, Any] = {
        "id": receipt.id,
        "status": "complete",
        "request_timestamp": written(receipt.at),
        "total_count": len(outcome.successes) + len(outcome.failures),
        "success_count": len(outcome.successes),
        "failure_count": len(outcome.failures),
        "pending_count": 0,
    }
    lists = {"successes": outcome.successes[:LISTED], "failures": outcome.failures[:LISTED]}
    return resource | {name: listed for name, listed in lists.items() if listed}
