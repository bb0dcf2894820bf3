"""CISA's catalogue of known exploited vulnerabilities, as JSON and as CSV.

The catalogue names products in words and says nothing of versions: that some of them are affected, not which.

Source:
    The catalogue's own JSON schema (`known_exploited_vulnerabilities_schema.json`); the CSV has the same members as
    columns. CISA's Binding Operational Directive 22-01 for what `dueDate` means.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from functools import lru_cache
from typing import Any, BinaryIO, Final

import msgspec
from msgspec import Raw

from citysec import observable
from citysec.errors import InvalidInput
from citysec.feeds.formats.cells import Dialect, Lines
from citysec.feeds.formats.documents import MALFORMED, Document, decoded, documents, frame, listed
from citysec.feeds.formats.draft import Census, Entry, Item, Reject, Subject, rejected
from citysec.feeds.formats.format import Format, NoOptions
from citysec.feeds.formats.members import MOST_LINKS, NO_LINK, text, texts
from citysec.feeds.formats.text import lines
from citysec.feeds.formats.times import instant

_JSON: Final = re.compile(rb"(?:\xef\xbb\xbf)?\s*[\[{]")
_LINK: Final = re.compile(rf"https?://[^;{NO_LINK}]{{1,2000}}+(?![^\s;])")
_COLUMN: Final = "cveID"
_VULNERABILITY: Final = Subject.VULNERABILITY


class _Catalogue(msgspec.Struct):
    cve: Raw | msgspec.UnsetType = msgspec.field(name=_COLUMN, default=msgspec.UNSET)
    vulnerabilities: Raw = Raw(b"null")
    count: Raw = Raw(b"null")


class _Listed(msgspec.Struct, gc=False):
    """What is read of a vulnerability; a string by the schema, but nobody promises it."""

    cve: Any = msgspec.field(name=_COLUMN, default=None)
    vendor: Any = msgspec.field(name="vendorProject", default=None)
    product: Any = None
    name: Any = msgspec.field(name="vulnerabilityName", default=None)
    added: Any = msgspec.field(name="dateAdded", default=None)
    description: Any = msgspec.field(name="shortDescription", default=None)
    action: Any = msgspec.field(name="requiredAction", default=None)
    due: Any = msgspec.field(name="dueDate", default=None)
    ransomware: Any = msgspec.field(name="knownRansomwareCampaignUse", default=None)
    notes: Any = None
    cwes: Any = None


_catalogue: Final = msgspec.json.Decoder(_Catalogue)
_listed: Final = msgspec.json.Decoder(_Listed)


def read(file: BinaryIO, _: NoOptions) -> Iterator[Item]:
    """Yield how many vulnerabilities the catalogue declares (JSON only), and an entry or a reject for each.

    Raises:
        InvalidInput: the file as a whole is no such catalogue.
    """
    start = file.read(64)
    file.seek(0)
    return _of_json(file) if _JSON.match(start) else _of_csv(file)


def _of_json(file: BinaryIO) -> Iterator[Item]:
    declared, in_parts = frame(file, "vulnerabilities").get("count"), False
    for document in documents(file, "vulnerabilities"):
        if isinstance(document, Reject):
            yield document
        elif document.at:
            in_parts = document.within == "/vulnerabilities/"
            yield _vulnerability(document)
        else:
            yield from _of_catalogue(document)
    if in_parts and isinstance(declared, int):
        yield Census(declared)


def _of_catalogue(document: Document) -> Iterator[Item]:
    try:
        catalogue = _catalogue.decode(document.raw)
        if catalogue.cve is not msgspec.UNSET:
            yield _vulnerability(document)
            return
        found, count = listed(catalogue.vulnerabilities, "/vulnerabilities"), decoded(catalogue.count)
    except MALFORMED as err:
        raise InvalidInput.at("", f"this is no catalogue of KEV: {err}") from err
    if isinstance(count, int):
        yield Census(count)
    for one in found:
        yield one if isinstance(one, Reject) else _vulnerability(one)


def _vulnerability(document: Document) -> Entry | Reject:
    try:
        str(document.raw, "utf-8")  # the decoder passes over names that it does not know, damaged ones included
        return _entry(decoded(document.raw, _listed), document.at)
    except (*MALFORMED, InvalidInput) as err:
        return rejected(document.at, err, bytes(document.raw))


def _of_csv(file: BinaryIO) -> Iterator[Item]:
    dialect, following = Dialect(",", '"'), Lines((at, line) for at, line in lines(file) if line.strip())
    rows = iter(following)
    names = _header(next(rows, (0, ""))[1], dialect)
    for number, line in rows:
        row = [line.rstrip("\r\n")]
        try:
            row = dialect.cells(line, following)
            yield _entry(msgspec.convert(dict(zip(names, row, strict=False)), _Listed), f"line {number}")
        except InvalidInput as err:
            yield rejected(f"line {number}", err, dialect.written(names, row), dialect.shown(row))


def _header(line: str, dialect: Dialect) -> list[str]:
    names = [name.strip() for name in dialect.cells(line, Lines(iter(())))]
    if _COLUMN not in names:
        raise InvalidInput.at("line 1", f"there is no column {_COLUMN!r}")
    return names


def _entry(found: _Listed, at: str) -> Entry:
    key = observable.cve(text(found.cve) or "").value
    added = instant(found.added)
    is_ransomware = (text(found.ransomware) or "").lower() == "known"
    return Entry(
        at=at,
        subject=_VULNERABILITY,
        key=key,
        name=text(found.name),
        labels=("ransomware",) if is_ransomware else (),
        since=added,
        description=text(found.description),
        references=tuple(dict.fromkeys(_LINK.findall(text(found.notes) or "")))[:MOST_LINKS],
        facts=_facts(found, added, is_ransomware=is_ransomware),
    )


def _facts(found: _Listed, added: datetime | None, *, is_ransomware: bool) -> dict[str, Any]:
    """Return what `Vulnerability.facts` makes of what is listed, without the way through JSON."""
    product: dict[str, Any] = {}
    if vendor := text(found.vendor):
        product["vendor"] = vendor
    if name := text(found.product):
        product["product"] = name
    product["by"] = "CISA"
    listing: dict[str, Any] = {}
    if added:
        listing["added"] = _day(added)
    if isinstance(found.due, str) and (due := instant(found.due)):
        listing["due"] = _day(due)
    if is_ransomware:
        listing["ransomware"] = True
    if action := text(found.action):
        listing["action"] = action
    if cwes := _cwes(found.cwes):
        return {"affected": [product], "cwes": [*cwes], "kev": listing}
    return {"affected": [product], "kev": listing}


@lru_cache(maxsize=1024)
def _day(at: datetime) -> str:
    return at.date().isoformat()


def _cwes(value: object) -> tuple[str, ...]:
    """Return the kinds of weakness: a list in JSON, one cell in CSV."""
    return texts(value.split(",")) if isinstance(value, str) else texts(value)


FORMAT: Final = Format("CISA KEV: known exploited vulnerabilities, JSON or CSV", read)
