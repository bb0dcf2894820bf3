"""MISP warning lists: values that are well known and mostly harmless.

They are no feed: what is on one is not bad. `citysec warnings import` reads them.

Source:
    MISP/misp-warninglists, `schema.json`: `name`, `version`, `description`, `type`, `list`, `matching_attributes`.
"""

from __future__ import annotations

from collections.abc import Iterator
from io import BytesIO
from typing import Any, BinaryIO, Final

import msgspec

from citysec.errors import InvalidInput
from citysec.feeds.formats.documents import MALFORMED, MAX_DOCUMENT_BYTES, decoded, whole
from citysec.feeds.formats.draft import Entry, Item, Reject, Subject
from citysec.feeds.formats.format import Format, NoOptions
from citysec.feeds.formats.members import mapping, number, sequence, text, texts
from citysec.feeds.formats.refusal import in_memory

_DEFAULT_TYPE: Final = "string"


class WarningList(msgspec.Struct, frozen=True, kw_only=True):
    """A list as its publisher wrote it.

    Args:
        title: what it calls itself.
        version: most often a day or a number that counts up; empty where it states none.
        type: how its values are meant, for instance `cidr`.
        matching_attributes: types of MISP attributes that it speaks of; empty is all.
        values: each once, in its order.
        rejects: what in its list is no value.
    """

    title: str
    version: str
    description: str
    type: str
    matching_attributes: tuple[str, ...]
    values: tuple[str, ...]
    rejects: tuple[Reject, ...] = ()


def parse(body: bytes) -> WarningList:
    """Return the warning list that `body` holds.

    Raises:
        InvalidInput: it holds none.
    """
    try:
        found = mapping(decoded(whole(BytesIO(body))))
    except MALFORMED as err:
        raise InvalidInput.at("", f"this is no JSON: {err}") from err
    title = text(found.get("name"))
    if title is None or not isinstance(found.get("list"), list):
        raise InvalidInput.at("", "this is no warning list: it has no name, or no list")
    items = list(_items(found.get("list")))
    return WarningList(
        title=title,
        version=_version(found.get("version")),
        description=text(found.get("description")) or "",
        type=text(found.get("type")) or _DEFAULT_TYPE,
        matching_attributes=texts(found.get("matching_attributes")),
        values=tuple(dict.fromkeys(item for item in items if isinstance(item, str))),
        rejects=tuple(item for item in items if isinstance(item, Reject)),
    )


def read(file: BinaryIO, _: NoOptions) -> Iterator[Item]:
    """Yield the values of the list.

    Raises:
        InvalidInput: the file is no warning list.
    """
    found = parse(in_memory(file, MAX_DOCUMENT_BYTES))
    for position, value in enumerate(found.values):
        yield Entry(at=f"value {position}", subject=Subject.WARNING, key=value)
    yield from found.rejects


def _items(listed: object) -> Iterator[str | Reject]:
    for position, item in enumerate(sequence(listed)):
        value = str(item) if isinstance(item, int) and not isinstance(item, bool) else text(item)
        yield value or Reject(f"/list/{position}", "this is no value", repr(item)[:200])


def _version(value: Any) -> str:
    written = text(value)
    if written is not None:
        return written[:100]
    found = number(value)
    return f"{found:.0f}" if found is not None and abs(found) < 1e15 else ""


FORMAT: Final = Format("MISP warning lists, for `citysec warnings import`", read, of_feeds=False)
