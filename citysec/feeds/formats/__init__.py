"""The formats we read: bytes in, drafts, entries and rejects out, one module per format, all pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO, Final

from citysec.feeds.formats import (
    csaf,
    cve,
    epss,
    free_text,
    kev,
    lines,
    misp,
    news,
    nvd,
    records,
    spamhaus,
    stix,
    table,
    warninglist,
)
from citysec.feeds.formats.draft import Census, Draft, Entry, Item, Reject, Subject
from citysec.feeds.formats.format import Format
from citysec.feeds.formats.markings import marking_level

FORMATS: Final[Mapping[str, Format]] = {
    "adblock": lines.ADBLOCK,
    "csaf": csaf.FORMAT,
    "csv": table.FORMAT,
    "cve": cve.FORMAT,
    "epss": epss.FORMAT,
    "hosts": lines.HOSTS,
    "json": records.FORMAT,
    "kev": kev.FORMAT,
    "list": lines.LIST,
    "misp": misp.FORMAT,
    "news": news.FORMAT,
    "nvd": nvd.FORMAT,
    "spamhaus": spamhaus.FORMAT,
    "stix": stix.FORMAT,
    "text": free_text.FORMAT,
    "warninglist": warninglist.FORMAT,
}
"""Name of a format -> what reads it."""


def read(name: str, file: BinaryIO, options: Mapping[str, Any] | None = None) -> Iterator[Item]:
    """Yield what `file` holds, read as format `name` tuned by `options`.

    Raises:
        InvalidInput: the file as a whole is none of it, or an option is wrong.
    """
    found = FORMATS[name]
    return found.read(file, found.tuned(options or {}))


__all__ = ["FORMATS", "Census", "Draft", "Entry", "Format", "Item", "Reject", "Subject", "marking_level", "read"]
