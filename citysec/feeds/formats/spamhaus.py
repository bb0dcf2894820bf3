"""Spamhaus DROP lists: one JSON record a line, and one at the end that counts them.

Source:
    Spamhaus, "DROP in JSON": `cidr` (drop_v4, drop_v6) or `asn` (asndrop), then `{"type": "metadata", "records": n}`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, BinaryIO, Final

import msgspec
from msgspec import Raw

from citysec import observable
from citysec.errors import InvalidInput
from citysec.feeds.formats import members
from citysec.feeds.formats.documents import MALFORMED, documents
from citysec.feeds.formats.draft import Census, Entry, Item, Reject, rejected
from citysec.feeds.formats.format import Format, NoOptions
from citysec.feeds.formats.refusal import readable
from citysec.feeds.formats.values import pattern


class _Line(msgspec.Struct, gc=False):
    type: str | None = None
    records: int | None = None
    cidr: str | None = None
    asn: int | None = None
    sblid: str | None = None
    rir: str | None = None
    asname: str | None = None
    domain: str | None = None
    cc: str | None = None


_line: Final = msgspec.json.Decoder(_Line)
_FACTS: Final = ("sblid", "rir", "asname", "domain", "cc")


def _read(file: BinaryIO, _: NoOptions) -> Iterator[Item]:
    return readable(_items(file))


def _items(file: BinaryIO) -> Iterator[Item]:
    for document in documents(file):
        if isinstance(document, Reject):
            yield document
            continue
        try:
            yield _item(document.at, document.raw)
        except (*MALFORMED, InvalidInput) as err:
            yield rejected(document.at, err, bytes(document.raw))


def _item(at: str, raw: Raw) -> Entry | Census:
    said = _line.decode(raw)
    if said.type == "metadata" and said.records is not None:
        return Census(said.records)
    facts: dict[str, Any] = {name: fact for name in _FACTS if (fact := members.text(getattr(said, name)))}
    if said.cidr is not None:
        found = observable.network(said.cidr)
    elif said.asn is not None:
        found = observable.autonomous_system(str(said.asn))
    else:
        raise InvalidInput.at("", "neither cidr nor asn")
    return Entry(at=at, key=pattern(found), facts=facts, observables=(found,))


FORMAT: Final = Format("Spamhaus DROP, as JSON lines", _read)
