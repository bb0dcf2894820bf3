"""MISP feeds: a manifest of events, and a file for each; what has changed since it was last read is read again.

Source:
    MISP core format (draft-dulaunoy-misp-core-format) §4 (manifest). That an event is new when its timestamp is another
    one, and not only when it is later, is our rule: publishers add older events late, and set clocks back.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from dataclasses import replace
from typing import Any, BinaryIO, Final

from citysec.errors import FeedMalformed, FeedUnreachable, InvalidInput
from citysec.feeds.body import spool
from citysec.feeds.fetch import Answer, Client, Request, StatusRefused
from citysec.feeds.formats import Reject
from citysec.feeds.formats.misp import Options
from citysec.feeds.formats.misp import read as events
from citysec.feeds.formats.misp_feed import Listed, manifest
from citysec.feeds.portion import Portion

PATIENCE: Final = 3
"""So many events in a row that do not come at all are a publisher that is away."""
_SHARE: Final = 100  # of how many known events one more is noted by itself: writing them all costs their number


async def pages(client: Client, folder: Request, cursor: Mapping[str, Any]) -> AsyncGenerator[Portion]:
    """Yield each event that has changed since `cursor`, the oldest first, with the cursor that stands after it.

    An event that cannot be had, or is none, costs itself: the others come, it is refused with the last page, and it is
    asked for again next time. Of many events the cursor moves after some of them only, which costs asking again for
    those after a crash.

    Raises:
        FeedError: as `Client.get` for the manifest; events do not come one after the other; or none can be read.
    """
    seen: dict[str, int] = dict(cursor.get("events", {}))
    listed, lost = await _listed(client, folder)
    away = unnoted = 0
    for event in listed:
        changed = int(event.changed.timestamp())
        if seen.get(event.uuid) == changed:
            continue
        try:
            body = await _event(client, folder, event)
        except (StatusRefused, FeedMalformed, FeedUnreachable) as err:
            away = away + 1 if isinstance(err, FeedUnreachable) else 0
            if away == PATIENCE or (isinstance(err, FeedUnreachable) and err.retry_after_s is not None):
                raise
            lost.append(Reject(f"{event.uuid}.json", str(err), event.uuid))
            continue
        seen[event.uuid], away, unnoted = changed, 0, unnoted + 1
        is_noted = unnoted > len(seen) // _SHARE
        yield Portion(body, {"events": dict(seen)} if is_noted else None)
        unnoted = 0 if is_noted else unnoted
    if lost and not seen:
        raise FeedMalformed(f"none of {len(lost)} events can be read: {lost[0].reason}")
    if lost or unnoted:
        yield Portion(spool(), {"events": seen}, tuple(lost))


async def _listed(client: Client, folder: Request) -> tuple[list[Listed], list[Reject]]:
    """Return the events that the manifest lists, the oldest first, and what in it is none."""
    answer = await client.get(_at(folder, "manifest.json"))
    try:
        found = list(manifest(_content(answer)))
    except InvalidInput as err:
        raise FeedMalformed(str(err)) from err
    listed = [one for one in found if isinstance(one, Listed)]
    broken = [one for one in found if isinstance(one, Reject)]
    return sorted(listed, key=lambda event: (event.changed, event.uuid)), broken


async def _event(client: Client, folder: Request, event: Listed) -> BinaryIO:
    """Return the body of an event.

    Raises:
        FeedError: as `Client.get`; or it is no event.
    """
    answer = await client.get(_at(folder, f"{event.uuid}.json"))
    try:
        next(events(answer.body, Options()), None)  # what is wrong with the whole is said before the first item
    except InvalidInput as err:
        answer.body.close()
        raise FeedMalformed(str(err)) from err
    return answer.body


def _at(folder: Request, name: str) -> Request:
    return replace(folder, url=folder.url / name)


def _content(answer: Answer) -> bytes:
    with answer.body:
        return answer.body.read()
