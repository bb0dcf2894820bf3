"""MISP feeds: a manifest of events, and a file for each; what has changed since it was last read is read again.

Source:
    MISP core format (draft-dulaunoy-misp-core-format) §4 (manifest). That an event is new when its timestamp is another
    one, and not only when it is later, is our rule: publishers add older events late, and set clocks back.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from dataclasses import replace
from typing import Any, BinaryIO, Final

from citysec import log
from citysec.errors import FeedMalformed, InvalidInput
from citysec.feeds.fetch import Answer, Client, Request, StatusRefused
from citysec.feeds.formats.misp import Options
from citysec.feeds.formats.misp import read as events
from citysec.feeds.formats.misp_feed import Listed, manifest

_NAMED: Final = 3  # events that an error names
_log: Final = log.get(__name__)


async def pages(
    client: Client, folder: Request, cursor: Mapping[str, Any]
) -> AsyncGenerator[tuple[BinaryIO, dict[str, Any]]]:
    """Yield each event that has changed since `cursor`, the oldest first, with the cursor that stands after it.

    An event that cannot be had, or is none, costs itself: the others come, and it is asked for again next time.

    Raises:
        FeedError: as `Client.get` for the manifest; or some events could not be had.
    """
    seen: dict[str, int] = dict(cursor.get("events", {}))
    lost: list[str] = []
    for event in await _listed(client, folder):
        changed = int(event.changed.timestamp())
        if seen.get(event.uuid) == changed:
            continue
        body = await _event(client, folder, event)
        if body is None:
            lost.append(event.uuid)
            continue
        seen = {**seen, event.uuid: changed}
        yield body, {"events": seen}
    if lost:
        names = ", ".join(lost[:_NAMED]) + (", …" if len(lost) > _NAMED else "")
        raise FeedMalformed(f"{len(lost)} events of the manifest cannot be read: {names}")


async def _listed(client: Client, folder: Request) -> list[Listed]:
    answer = await client.get(_at(folder, "manifest.json"))
    try:
        found = list(manifest(_content(answer)))
    except InvalidInput as err:
        raise FeedMalformed(str(err)) from err
    events = [one for one in found if isinstance(one, Listed)]
    if len(events) < len(found):
        _log.warning("misp.manifest", feed=str(folder.url), refused=len(found) - len(events))
    return sorted(events, key=lambda event: (event.changed, event.uuid))


async def _event(client: Client, folder: Request, event: Listed) -> BinaryIO | None:
    """Return the body of an event, None if it cannot be had."""
    try:
        answer = await client.get(_at(folder, f"{event.uuid}.json"))
    except (StatusRefused, FeedMalformed):
        return None
    try:
        next(events(answer.body, Options()), None)  # what is wrong with the whole is said before the first item
    except InvalidInput:
        answer.body.close()
        return None
    return answer.body


def _at(folder: Request, name: str) -> Request:
    return replace(folder, url=folder.url / name)


def _content(answer: Answer) -> bytes:
    with answer.body:
        return answer.body.read()
