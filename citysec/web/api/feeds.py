"""Feeds: how each stands, how its polls went, what it sent that was refused, and what people have done with it."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import Field
from sqlmodel import col, select

from citysec.errors import NotShared
from citysec.feeds import orders
from citysec.feeds.definition import Definition
from citysec.tables.feeds import Feed, PollRun, Reject
from citysec.web.api.operation import Call, Nothing
from citysec.web.api.paging import Keyset, page
from citysec.web.api.values import Out, Page, Paging


class FeedOut(Out):
    """One feed and how its polls went."""

    name: str
    enabled: bool
    attempted_at: datetime | None
    succeeded_at: datetime | None
    next_at: datetime | None
    stale_since: Annotated[datetime | None, Field(description="It has been silent for too long since then.")]
    failures: int
    error: str | None
    held: Annotated[str | None, Field(description="Why its last list was not believed; `accept` believes the next.")]
    objects: int
    rejects: int


class WorkOut(Out):
    """Work that will be done soon."""

    id: str


class PollOut(Out):
    """One poll and what it came to; it is going on while `ended_at` is null."""

    started_at: datetime
    ended_at: datetime | None
    stored: int
    known: int
    refused: int
    gone: int
    error: str | None


class RejectOut(Out):
    """One thing that was refused."""

    at: str
    reason: str
    excerpt: str
    received_at: datetime


class ReplayOut(Out):
    """What trying again came to, object by object."""

    stored: int
    known: int
    refused: int


_FEEDS: Keyset[Feed] = Keyset((col(Feed.name),), lambda row: (row.name,))
_POLLS: Keyset[PollRun] = Keyset((col(PollRun.id),), lambda row: (row.id or 0,))
_REJECTS: Keyset[Reject] = Keyset((col(Reject.id),), lambda row: (row.id or 0,))


async def list_feeds(call: Call[Paging, Nothing]) -> Page[FeedOut]:
    """List feeds, by name."""
    return await page(call, select(Feed), _FEEDS, FeedOut.model_validate)


async def get_feed(call: Call[Nothing, Nothing]) -> FeedOut:
    """One feed."""
    return FeedOut.model_validate(await _row(call))


async def list_polls(call: Call[Paging, Nothing]) -> Page[PollOut]:
    """List the last polls of a feed, the oldest that is kept first."""
    feed = await _row(call)
    return await page(call, select(PollRun).where(PollRun.feed == feed.name), _POLLS, PollOut.model_validate)


async def list_rejects(call: Call[Paging, Nothing]) -> Page[RejectOut]:
    """List what of a feed was refused and is kept, the oldest first."""
    feed = await _row(call)
    return await page(call, select(Reject).where(Reject.feed == feed.name), _REJECTS, RejectOut.model_validate)


async def poll_feed(call: Call[Nothing, Nothing]) -> WorkOut:
    """Have a feed polled now; the answer does not wait for it."""
    feed = await _row(call)
    return WorkOut(id=await orders.poll(call.db, feed.name, call.principal.name))


async def enable_feed(call: Call[Nothing, Nothing]) -> FeedOut:
    """Have a feed polled by its schedule, the first time at once."""
    feed = await _row(call)
    await orders.enable(call.db, _definition(call), call.principal.name)
    return FeedOut.model_validate(feed)


async def disable_feed(call: Call[Nothing, Nothing]) -> FeedOut:
    """Have a feed polled no more; what it brought stays."""
    feed = await _row(call)
    await orders.disable(call.db, feed.name, call.principal.name)
    return FeedOut.model_validate(feed)


async def accept_list(call: Call[Nothing, Nothing]) -> FeedOut:
    """Believe a feed's next list, although it lacks most of what it had; what it lacks is delisted."""
    feed = await _row(call)
    await orders.accept(call.db, feed.name, call.principal.name)
    return FeedOut.model_validate(feed)


async def replay_feed(call: Call[Nothing, Nothing]) -> ReplayOut:
    """Try again what of a feed was refused, after its definition or citysec has been mended."""
    await _row(call)
    outcome = await orders.replay(call.db, _definition(call), call.principal.name)
    return ReplayOut.model_validate(outcome)


async def _row(call: Call[Paging, Nothing] | Call[Nothing, Nothing]) -> Feed:
    feed = await call.db.get(Feed, call.path["feed"])
    if feed is None:
        raise NotShared
    return feed


def _definition(call: Call[Nothing, Nothing]) -> Definition:
    found = call.app.feeds.get(call.path["feed"])
    if found is None:
        raise NotShared
    return found
