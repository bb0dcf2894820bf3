# pyright: basic
"""TAXII 2.1 and 2.0 collections of others, page by page: the border to taxii2-client.

taxii2-client knows the addresses and the parameters; it is synchronous, so it runs in a thread. The connection it is
given is ours: it hands every request to the guarded client on the event loop and returns the answer's bytes, so that
limits hold and objects keep the text they came with. Its own paging is not used: it never falls back to dates, and
reads page one for ever where a server has `more` without `next`.

Source:
    TAXII 2.1 §3.4 to §3.7 and §5.4; TAXII 2.0 §3.4 and §5.3, whose pages are ranges of items: the number of the next
    item takes the place of `next`. What servers in the wild do wrong is accepted where nothing is lost by it.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import hashlib
import re
from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import msgspec
from yarl import URL

from citysec.errors import FeedMalformed
from citysec.feeds.body import spool
from citysec.feeds.fetch import Answer, Client, Request, StatusRefused
from citysec.feeds.formats import Reject
from citysec.feeds.formats.escapes import mended
from citysec.feeds.portion import Portion
from citysec.feeds.walk import Page, RepeatedPage, Walk, advanced, by_date, instant, resumed

_VERSIONLESS: Final = {"taxii-2.1": "application/taxii+json", "taxii-2.0": "application/vnd.oasis.stix+json"}
_RANGE: Final = re.compile(r"items (\d+)-(\d+)/(\d+|\*)")
_BEYOND_THE_LAST: Final = 416
_UNKNOWN_NEXT: Final = frozenset({400, 404, 410, 422})


@dataclass(frozen=True, slots=True)
class Source:
    """The collection to read, `request.url` being the API root, and how."""

    kind: str
    request: Request
    collection: str
    page_limit: int
    overlap_s: float


class _Envelope(msgspec.Struct):
    """The part of an envelope that steers paging; `objects` are for whoever reads the bytes."""

    more: bool | None = None
    next: str | int | None = None


class _Connection:
    """What taxii2-client takes for its HTTP connection; `get` is called in a thread."""

    def __init__(self, client: Client, source: Source) -> None:
        self._client, self._request, self._kind = client, source.request, source.kind
        self._loop = asyncio.get_running_loop()
        self._asked: concurrent.futures.Future[Answer] | None = None
        self._closed = False

    def get(self, url: str, headers: Mapping[str, str], params: Mapping[str, Any]) -> Answer:
        """Return the answer's bytes; taxii2-client passes them through."""
        if self._closed:
            raise concurrent.futures.CancelledError
        query = {name: value[0] if isinstance(value, tuple) else value for name, value in params.items()}
        request = replace(self._request, url=URL(url).update_query(query), headers=headers)
        self._asked = asyncio.run_coroutine_threadsafe(self._ask(request), self._loop)
        return self._asked.result()

    async def _ask(self, request: Request) -> Answer:
        try:
            return await self._client.get(request)
        except StatusRefused as err:
            if err.status != 406:
                raise
        return await self._client.get(replace(request, headers={**request.headers, "Accept": _VERSIONLESS[self._kind]}))

    def close(self) -> None:
        """Let go of the thread that waits, if any."""
        self._closed = True
        if self._asked is not None:
            self._asked.cancel()


async def pages(client: Client, source: Source, cursor: dict[str, Any]) -> AsyncGenerator[Portion]:
    """Yield the pages of `source` that `cursor` has not seen, each with the cursor that stands after it.

    A server that answers the `next` it gave with an error, or with the page before, is asked by dates from then on.

    Raises:
        FeedError: as `Client.get`; or a page is no envelope, or does not lead on.
    """
    walk = resumed(cursor, source.overlap_s)
    while True:
        try:
            answer, walk = await _page(client, source, walk)
        except (StatusRefused, RepeatedPage) as err:
            detour = by_date(walk)
            if detour is None or (isinstance(err, StatusRefused) and err.status not in _UNKNOWN_NEXT):
                raise
            walk = detour
            continue
        yield Portion(answer.body, walk.cursor(), _lost(walk))
        if not walk.under_way:
            return


async def _page(client: Client, source: Source, walk: Walk) -> tuple[Answer, Walk]:
    connection = _Connection(client, source)
    ask = _ask_for if source.kind == "taxii-2.1" else _ask_for_range
    try:
        answer: Answer = await asyncio.to_thread(ask, connection, source, walk)
    finally:
        connection.close()
    try:
        page = _read(answer)
        return answer, advanced(walk, page if source.kind == "taxii-2.1" else _by_range(page, answer, source, walk))
    except BaseException:
        answer.body.close()
        raise


def _ask_for(connection: _Connection, source: Source, walk: Walk) -> Any:
    from taxii2client.v21 import Collection  # here: it brings `requests`, which most processes never need

    collection = Collection(_address(source), conn=connection, collection_info=_known(source))
    return collection.get_objects(limit=source.page_limit * walk.wide, added_after=walk.after, next=walk.next)


def _ask_for_range(connection: _Connection, source: Source, walk: Walk) -> Any:
    from taxii2client.v20 import Collection

    collection = Collection(_address(source), conn=connection, collection_info=_known(source))
    start, since = int(walk.next or 0), {"added_after": walk.after} if walk.after else {}
    try:
        return collection.get_objects(start=start, per_request=source.page_limit, **since)
    except StatusRefused as err:
        if err.status != _BEYOND_THE_LAST:
            raise
        return Answer(err.status, {}, spool())


def _lost(walk: Walk) -> Sequence[Reject]:
    if walk.passed is None:
        return ()
    return (Reject("", "more objects bear one date than the server gives at a time: some are missing", walk.passed),)


def _address(source: Source) -> str:
    return f"{str(source.request.url).rstrip('/')}/collections/{source.collection}/"


def _known(source: Source) -> dict[str, Any]:
    return {"id": source.collection, "title": source.collection, "can_read": True, "can_write": False}


def _by_range(page: Page, answer: Answer, source: Source, walk: Walk) -> Page:
    """Return what a page of TAXII 2.0 says about paging: where its items end, and whether others follow."""
    found = _RANGE.fullmatch(answer.headers.get("content-range", ""))
    if found is None or int(found[2]) < int(walk.next or 0):
        return replace(page, more=False, next=None)
    first, last = int(found[1]), int(found[2])
    more = last + 1 < int(found[3]) if found[3] != "*" else last + 1 - first >= source.page_limit
    return replace(page, more=more, next=str(last + 1))


def _read(answer: Answer) -> Page:
    content = answer.body.read()
    try:
        envelope = msgspec.json.decode(mended(content) or b"{}", type=_Envelope, strict=False)
    except (msgspec.DecodeError, RecursionError) as err:
        raise FeedMalformed(f"no TAXII envelope: {err}") from err
    last = answer.headers.get("x-taxii-date-added-last")
    return Page(
        more=bool(envelope.more),
        next=str(envelope.next) if envelope.next is not None else None,
        last=last if instant(last) else None,
        digest=hashlib.sha256(content).hexdigest(),
    )
