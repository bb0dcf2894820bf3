"""CISA's catalogue of known exploited vulnerabilities, as JSON and as CSV.

The catalogue names products in words and says nothing of versions: that some of them are affected, not which.

Source:
    The catalogue's own JSON schema (`known_exploited_vulnerabilities_schema.json`); the CSV has the same members as
    columns. CISA's Binding Operational Directive 22-01 for what `dueDate` means.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO, Final

import msgspec
from msgspec import Raw

from citysec import observable
from citysec.errors import InvalidInput
from citysec.feeds.formats.cells import Dialect, Lines
from citysec.feeds.formats.documents import MALFORMED, Document, decoded, documents, frame, listed
from citysec.feeds.formats.draft import Census, Entry, Item, Reject, Subject, rejected
from citysec.feeds.formats.format import Format, NoOptions
from citysec.feeds.formats.members import links, mapping, text, texts
from citysec.feeds.formats.text import lines
from citysec.feeds.formats.times import day, instant
from citysec.software.records import KEV, Affected, Vulnerability

_JSON: Final = re.compile(rb"(?:\xef\xbb\xbf)?\s*[\[{]")
_LINK: Final = re.compile(r"https?://[^\s;]+")
_COLUMN: Final = "cveID"


class _Catalogue(msgspec.Struct):
    cve: Raw | msgspec.UnsetType = msgspec.field(name=_COLUMN, default=msgspec.UNSET)
    vulnerabilities: Raw = Raw(b"null")
    count: Raw = Raw(b"null")


_catalogue: Final = msgspec.json.Decoder(_Catalogue)


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
        return _entry(mapping(decoded(document.raw)), document.at)
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
            yield _entry(dict(zip(names, row, strict=False)), f"line {number}")
        except InvalidInput as err:
            yield rejected(f"line {number}", err, dialect.written(names, row), dialect.shown(row))


def _header(line: str, dialect: Dialect) -> list[str]:
    names = [name.strip() for name in dialect.cells(line, Lines(iter(())))]
    if _COLUMN not in names:
        raise InvalidInput.at("line 1", f"there is no column {_COLUMN!r}")
    return names


def _entry(found: Mapping[str, Any], at: str) -> Entry:
    key = observable.cve(text(found.get(_COLUMN)) or "").value
    added = instant(found.get("dateAdded"))
    listing = KEV(
        added=added.date() if added else None,
        due=day(found.get("dueDate")),
        ransomware=(text(found.get("knownRansomwareCampaignUse")) or "").lower() == "known",
        action=text(found.get("requiredAction")),
    )
    product = Affected(vendor=text(found.get("vendorProject")), product=text(found.get("product")), by="CISA")
    return Entry(
        at=at,
        subject=Subject.VULNERABILITY,
        key=key,
        name=text(found.get("vulnerabilityName")),
        labels=("ransomware",) if listing.ransomware else (),
        since=added,
        description=text(found.get("shortDescription")),
        references=links(_LINK.findall(text(found.get("notes")) or "")),
        facts=Vulnerability(affected=(product,), cwes=_cwes(found.get("cwes")), kev=listing).facts(),
    )


def _cwes(value: object) -> tuple[str, ...]:
    """Return the kinds of weakness: a list in JSON, one cell in CSV."""
    return texts(value.split(",")) if isinstance(value, str) else texts(value)


FORMAT: Final = Format("CISA KEV: known exploited vulnerabilities, JSON or CSV", read)
