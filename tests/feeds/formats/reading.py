"""What formats make of a text or of bytes, in short form."""

from __future__ import annotations

from io import BytesIO
from typing import Any

from citysec.feeds import formats
from citysec.feeds.formats import Census, Entry, Item, Reject


def items(name: str, body: bytes | str, **options: Any) -> list[Item]:
    """Return all that format `name` finds in `body`."""
    return list(formats.read(name, BytesIO(body.encode() if isinstance(body, str) else body), options))


def entries(name: str, body: bytes | str, **options: Any) -> list[Entry]:
    """Return the entries alone."""
    return [item for item in items(name, body, **options) if isinstance(item, Entry)]


def keys(name: str, body: bytes | str, **options: Any) -> list[str]:
    """Return the entries' keys, patterns without their brackets."""
    return [entry.key.strip("[]") for entry in entries(name, body, **options)]


def rejects(name: str, body: bytes | str, **options: Any) -> list[tuple[str, str]]:
    """Return place and reason of what was refused."""
    return [(item.at, item.reason) for item in items(name, body, **options) if isinstance(item, Reject)]


def census(name: str, body: bytes | str, **options: Any) -> list[int]:
    """Return what the publisher counts."""
    return [item.records for item in items(name, body, **options) if isinstance(item, Census)]
