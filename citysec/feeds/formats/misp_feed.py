"""The two indexes of a MISP feed: which events there are and since when, and which values they hold.

Source:
    MISP core format (draft-dulaunoy-misp-core-format) §4 (manifest); the feed generator of MISP for `hashes.csv`: the
    MD5 of each value, a comma, the event.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from typing import BinaryIO, Final

import msgspec
from msgspec import Raw

from citysec.errors import InvalidInput
from citysec.feeds.formats.documents import MALFORMED, bounded_lines, excerpt
from citysec.feeds.formats.draft import Reject
from citysec.feeds.formats.members import mapping, text
from citysec.feeds.formats.misp_tags import Tags, tags
from citysec.feeds.formats.times import instant

_UUID: Final = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_ROW: Final = re.compile(rb"\s*\"?([0-9a-fA-F]{32})\"?\s*,\s*\"?([0-9a-fA-F-]{36})\"?\s*")
_MAX_LINE: Final = 1000
_manifest: Final = msgspec.json.Decoder(dict[str, Raw])
_anything: Final = msgspec.json.Decoder()


class Listed(msgspec.Struct, frozen=True):
    """An event that a manifest lists; its body is `{uuid}.json` beside the manifest.

    Args:
        uuid: in lower case.
        changed: when the event was last changed; events changed since the last poll are to be fetched again.
        info: its title.
        publisher: the organisation that wrote it.
        tags: what its tags say.
    """

    uuid: str
    changed: datetime
    info: str | None
    publisher: str | None
    tags: Tags


def manifest(body: bytes) -> Iterator[Listed | Reject]:
    """Yield the events that `manifest.json` lists, in its order.

    Raises:
        InvalidInput: the body as a whole is no manifest.
    """
    try:
        events = _manifest.decode(body.removeprefix(b"\xef\xbb\xbf"))
    except MALFORMED as err:
        raise InvalidInput.at("", f"this is no manifest: {err}") from err
    for uuid, raw in events.items():
        yield _listed(uuid, raw)


def _listed(uuid: str, raw: Raw) -> Listed | Reject:
    try:
        event = mapping(_anything.decode(raw))
    except MALFORMED as err:
        return Reject(f"/{uuid[:40]}", str(err), excerpt(raw))
    changed = instant(event.get("timestamp"))
    if not _UUID.fullmatch(uuid):
        return Reject(f"/{uuid[:40]}", "the name is no UUID", excerpt(raw))
    if changed is None:
        return Reject(f"/{uuid}", "the timestamp is missing or absurd", excerpt(raw))
    publisher = text(mapping(event.get("Orgc")).get("name"))
    return Listed(uuid.lower(), changed, text(event.get("info")), publisher, tags(event.get("Tag"), None))


def hashes(file: BinaryIO) -> Iterator[tuple[str, str] | Reject]:
    """Yield, for each line of `hashes.csv`, the MD5 of a value and the event that holds it, both in lower case."""
    for number, line in bounded_lines(file, _MAX_LINE):
        if found := _ROW.fullmatch(line):
            yield found[1].decode().lower(), found[2].decode().lower()
        elif line.strip():
            yield Reject(f"line {number}", "no MD5 and event", excerpt(line))
