"""NVD: vulnerabilities as the CVE API 2.0 answers them, and as files of that form.

Source:
    NVD CVE API 2.0 JSON schema (`cve_api_json_2.0.schema`). Its times are UTC without saying so.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO, Final

import msgspec
from msgspec import Raw

from citysec import observable
from citysec.errors import InvalidInput
from citysec.feeds.formats import applicability
from citysec.feeds.formats.documents import MALFORMED, Document, decoded, documents, frame, listed
from citysec.feeds.formats.draft import Census, Entry, Item, Reject, Subject, rejected
from citysec.feeds.formats.format import Format, NoOptions
from citysec.feeds.formats.members import english, links, mapping, mappings, text
from citysec.feeds.formats.times import day, instant
from citysec.feeds.formats.vulnerability import score
from citysec.software.records import KEV, Score, Vulnerability

_ABSENT: Final = Raw(b"null")
_REJECTED: Final = "rejected"
_ITEMS: Final = re.compile(rb'"cve_items"\s*:')
_HEAD: Final = 4096


class _Page(msgspec.Struct):
    vulnerabilities: Raw = _ABSENT
    cve_items: Raw = _ABSENT
    results: Raw = msgspec.field(name="resultsPerPage", default=_ABSENT)
    start: Raw = msgspec.field(name="startIndex", default=_ABSENT)
    total: Raw = msgspec.field(name="totalResults", default=_ABSENT)
    id: Raw = _ABSENT


_page: Final = msgspec.json.Decoder(_Page)


def read(file: BinaryIO, _: NoOptions) -> Iterator[Item]:
    """Yield an entry or a reject for each vulnerability, and how many a page declares.

    Raises:
        InvalidInput: the file as a whole is nothing of NVD.
    """
    member = "cve_items" if _ITEMS.search(file.read(_HEAD)) else "vulnerabilities"
    page, in_parts = frame(file, member), False
    for document in documents(file, member):
        if isinstance(document, Reject):
            yield document
            continue
        in_parts = document.within == f"/{member}/"
        try:
            found, members = _members(document)
        except MALFORMED as err:
            if not document.at:
                raise InvalidInput.at("", f"this is nothing of NVD: {err}") from err
            yield rejected(document.at, err, bytes(document.raw))
            continue
        yield from _declared(decoded(found.results), decoded(found.start), decoded(found.total))
        for one in members:
            yield one if isinstance(one, Reject) else _entry(one)
    if in_parts:
        yield from _declared(page.get("resultsPerPage"), page.get("startIndex"), page.get("totalResults"))


def _members(document: Document) -> tuple[_Page, Iterator[Document | Reject]]:
    """Return what a document says of itself, and the vulnerabilities in it.

    Raises:
        msgspec.ValidationError: it has none.
    """
    page = _page.decode(document.raw)
    for name, raw in (("vulnerabilities", page.vulnerabilities), ("cve_items", page.cve_items)):
        if raw is not _ABSENT:
            return page, listed(raw, f"{document.at}/{name}")
    if page.id is _ABSENT and "cve" not in mapping(decoded(document.raw)):
        raise msgspec.ValidationError("it has neither vulnerabilities nor an id")
    return page, iter((document,))


def _declared(results: object, start: object, total: object) -> Iterator[Census]:
    """Yield how many vulnerabilities a page says it has."""
    match results, start, total:
        case int(results), int(start), int(total) if total >= start >= 0 <= results:
            yield Census(min(results, total - start))
        case _:
            pass


def _entry(document: Document) -> Entry | Reject:
    try:
        found = mapping(decoded(document.raw))
        cve = mapping(found.get("cve")) or found
        return _vulnerability(cve, observable.cve(text(cve.get("id")) or "").value, document.at)
    except (*MALFORMED, InvalidInput) as err:
        return rejected(document.at, err, bytes(document.raw))


def _vulnerability(cve: Mapping[str, Any], key: str, at: str) -> Entry:
    published, updated = instant(cve.get("published")), instant(cve.get("lastModified"))
    status = (text(cve.get("vulnStatus")) or "").lower()
    said = Vulnerability(
        affected=applicability.affected(cve.get("configurations"), "NVD"),
        cvss=tuple(_scores(cve.get("metrics"))),
        cwes=tuple(dict.fromkeys(_cwes(cve.get("weaknesses")))),
        kev=_listing(cve),
        state=_REJECTED if status == _REJECTED else None,
        updated=updated,
    )
    return Entry(
        at=at,
        subject=Subject.VULNERABILITY,
        key=key,
        name=text(cve.get("cisaVulnerabilityName")),
        since=published,
        until=(updated or published) if status == _REJECTED else None,
        description=english(cve.get("descriptions")),
        references=links(reference.get("url") for reference in mappings(cve.get("references"))),
        facts=said.facts(),
    )


def _scores(metrics: object) -> Iterator[Score]:
    for metric in mapping(metrics).values():
        for one in mappings(metric):
            if found := score(one.get("cvssData"), text(one.get("source"))):
                yield found


def _cwes(weaknesses: object) -> Iterator[str]:
    for weakness in mappings(weaknesses):
        for said in mappings(weakness.get("description")):
            if (name := text(said.get("value"))) and name.startswith("CWE-"):
                yield name


def _listing(cve: Mapping[str, Any]) -> KEV | None:
    added = day(cve.get("cisaExploitAdd"))
    if added is None:
        return None
    return KEV(added, day(cve.get("cisaActionDue")), action=text(cve.get("cisaRequiredAction")))


FORMAT: Final = Format("NVD: vulnerabilities as the CVE API 2.0 answers them", read)
