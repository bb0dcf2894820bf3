"""The effect `poll`: fetch, read and store a feed page by page; and the same for a file that a person hands in."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncGenerator, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, BinaryIO, Final

import msgspec

from citysec import log
from citysec.db import Database
from citysec.errors import FeedError, FeedMalformed, InvalidInput
from citysec.feeds import history, listing, markings, standing
from citysec.feeds.body import opened
from citysec.feeds.definition import Definition, FileFeed, Layout
from citysec.feeds.formats import Census, Draft, Entry, Item, Reject
from citysec.feeds.ingest import BATCH, Batch, Outcome, ingest
from citysec.feeds.portion import Portion
from citysec.feeds.publishers import Publishers
from citysec.feeds.reading import Extent, Reading
from citysec.tables import Feed
from citysec.tables.columns import now
from citysec.tlp import TLP

STIX: Final = "stix"
_MARKING: Final = b'"marking-definition"'
_CHUNK: Final = 1 << 20
_LARGE: Final = 8 << 20  # bytes of a batch
_UNFOLDED: Final = 4  # bytes in memory for each of the JSON
SAY_EVERY: Final = 5
"""Batches after which a poll that goes on says how far it has come."""
_log: Final = log.get(__name__)
_chance: Final = random.SystemRandom()
_Taken = Draft | Entry | Reject
"""What a batch holds."""


async def poll(database: Database, payload: Mapping[str, Any], publishers: Publishers) -> None:
    """Bring the feed `payload["feed"]` up to date.

    A failing feed is a fact on its row, not an exception: what it brought before it failed is kept, and its schedule
    tries again. Of two polls of one list at a time, only the first to end is judged by what it lacks; what the other
    says is kept, and the next poll reads all again.
    """
    feed = publishers.definitions.get(payload["feed"])
    if feed is None:
        async with database.writing() as db:
            await standing.orphaned(db, payload["feed"])
        _log.warning("feed.undefined", feed=payload["feed"])
        return
    with suppress(FeedError):  # noted on the row
        async for _ in attempt(database, feed, publishers):
            pass


async def attempt(database: Database, feed: Definition, publishers: Publishers) -> AsyncGenerator[Outcome, None]:
    """Bring `feed` up to date and note on its row how that went; yield what each batch came to.

    Raises:
        FeedError: the feed failed, which is noted.
    """
    started, total, batch = now(), Outcome(), 0
    async with database.writing() as db:
        run = await history.begin(db, feed.name, started)
    try:
        async for outcome in read(database, feed, publishers):
            total, batch = total + outcome, batch + 1
            if batch % SAY_EVERY == 0:
                async with database.writing() as db:
                    await history.progress(db, run, feed.name, total)
            yield outcome
    except FeedError as err:
        async with database.writing() as db:
            row = await standing.failed(db, feed, err, at=now(), jitter=_chance.random())
            await history.end(db, run, total, now(), error=str(err))
        _log.info("feed.failed", feed=feed.name, error=type(err).__name__, reason=str(err), failures=row.failures)
        raise
    async with database.writing() as db:
        await standing.succeeded(db, feed, started, now())
        await history.end(db, run, total, now())
    _log.info("feed.polled", feed=feed.name, **asdict(total))


async def read(database: Database, feed: Definition, publishers: Publishers) -> AsyncGenerator[Outcome, None]:
    """Fetch and store what the feed has new, one transaction a batch; yield what each came to.

    A definition that names another place or another way to read it begins anew: what was refused or left out comes.

    Raises:
        FeedError: the feed failed; the batches before are kept, and the cursor stands behind the last whole page.
    """
    async with database.reading() as db:
        cursor = (await db.get_one(Feed, feed.name)).cursor
    origin, extent = feed.origin, Extent.WHOLE if isinstance(feed, FileFeed) else Extent.PART
    known = cursor if cursor.get("origin", origin) == origin else {}
    began, changed = now(), False
    async for portion in publishers.pages(feed, known):
        changed = True
        after = None if portion.cursor is None else {**portion.cursor, "origin": origin}
        async for outcome in _stored(database, feed, portion._replace(cursor=after), Reading(began, extent)):
            yield outcome
    if extent is Extent.WHOLE and not changed:
        async with database.writing() as db:
            gone = await listing.unchanged(db, feed, began)
        yield Outcome(gone=gone)


async def import_file(
    database: Database, feed: Definition, path: Path, max_bytes: int
) -> AsyncGenerator[Outcome, None]:
    """Store the file `path` as if `feed` had sent it, without moving its cursor; yield what each batch came to.

    Raises:
        FeedError: the file cannot be read as what the feed is.
    """
    body = await asyncio.to_thread(opened, path, max_bytes)
    by_hand = isinstance(feed, FileFeed) and feed.by_hand
    reading = Reading(now(), Extent.HANDED_IN if by_hand else Extent.PART)
    async for outcome in _stored(database, feed, Portion(body), reading):
        yield outcome


async def _stored(
    database: Database, feed: Definition, portion: Portion, reading: Reading
) -> AsyncGenerator[Outcome, None]:
    with portion.body:
        cut = batches(feed.format, portion)
        while (batch := await asyncio.to_thread(next, cut, None)) is not None:
            if reading.extent is Extent.WHOLE and batch.cursor is not None:
                yield await _last(database, feed, batch, reading)
                return
            async with database.writing() as db:
                outcome = await ingest(db, feed, batch, reading)
            del batch  # before the next one is read
            yield outcome


async def _last(database: Database, feed: Definition, batch: Batch, reading: Reading) -> Outcome:
    """Store the last batch of a whole reading, and judge in the same transaction what the reading has not brought."""
    async with database.reading() as db:
        missing = await listing.lacking(db, feed.name, reading)
    async with database.writing() as db:
        outcome = await ingest(db, feed, batch, reading)
        return replace(outcome, gone=await listing.close(db, feed, reading, missing))


def batches(layout: Layout, portion: Portion) -> Iterator[Batch]:
    """Yield a page cut into batches; the cursor moves with the last one.

    A page that defines markings is read twice, first for those, so that only one batch is in memory at a time.

    Raises:
        FeedMalformed: the page as a whole is not of the format, or ends too early; what came before is yielded.
    """
    labels = markings.of_page(_definitions(layout, portion.body))
    part: list[_Taken] = []
    size = 0
    found = _Counted(_read(layout, portion.body))
    try:
        for item in found:
            if len(part) == BATCH or size >= _LARGE:  # and it was not the last
                yield _batch(part, labels, None)
                part, size = [], 0
            part.append(item)
            size += _size(item)
    except InvalidInput as err:
        if part:
            yield _batch(part, labels, None)
        raise FeedMalformed(str(err)) from err
    found.check()
    yield _batch([*part, *portion.lost], labels, portion.cursor)


def _size(item: _Taken) -> int:
    """Return about how many bytes an item keeps in memory; what all items have does not count."""
    match item:
        case Draft():
            return len(item.text)
        case Entry():
            words = len(item.description or "") + sum(map(len, item.references))
            return words + (_UNFOLDED * len(msgspec.json.encode(item.facts)) if item.facts else 0)
        case Reject():
            return len(item.raw)


class _Counted:
    """Passes items on, and compares how many records came with how many the publisher says there are."""

    def __init__(self, items: Iterator[Item]) -> None:
        self._items, self._came, self._at, self._census = items, 0, "", None

    def __iter__(self) -> Iterator[_Taken]:
        for item in self._items:
            if isinstance(item, Census):
                self._census = item.records
                continue
            place = item.stix_id if isinstance(item, Draft) else item.at
            self._came += place != self._at  # a record may give several entries
            self._at = place
            yield item

    def check(self) -> None:
        """Refuse a page that is not whole.

        Raises:
            FeedMalformed: another number came than is said to be there.
        """
        if self._census not in {None, self._came}:
            raise FeedMalformed(f"the list says that it holds {self._census:,} records, and {self._came:,} came")


def _definitions(layout: Layout, body: BinaryIO) -> Iterator[Draft]:
    """Yield the objects of a page that defines markings; most define none, and need not be read twice."""
    if layout.name == STIX and _holds(body, _MARKING):
        with suppress(InvalidInput):  # raised again when the page is read for what it holds
            yield from (item for item in _read(layout, body) if isinstance(item, Draft))


def _holds(body: BinaryIO, text: bytes) -> bool:
    body.seek(0)
    before = b""
    while chunk := body.read(_CHUNK):
        if text in before + chunk:
            return True
        before = chunk[-len(text) :]
    return False


def _read(layout: Layout, body: BinaryIO) -> Iterator[Item]:
    body.seek(0)
    if not body.read(1):
        return iter(())
    body.seek(0)
    return layout.read(body)


def _batch(part: Sequence[Item], labels: Mapping[str, TLP | None], cursor: Mapping[str, Any] | None) -> Batch:
    return Batch(
        drafts=[one for one in part if isinstance(one, Draft)],
        entries=[one for one in part if isinstance(one, Entry)],
        rejects=[one for one in part if isinstance(one, Reject)],
        markings=labels,
        cursor=cursor,
    )
