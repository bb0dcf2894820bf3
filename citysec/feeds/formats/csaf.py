"""CSAF 2.0 security advisories: a report, and the vulnerabilities that it is about.

Read are a document, lists of documents and NDJSON. A vulnerability without a CVE id costs itself: nothing can be looked
up by it.

Source:
    CSAF 2.0 (OASIS Standard, 18 November 2022) §3.2.1 (document), §3.2.3 (vulnerabilities); of 2.1 the members that
    took another name: `cwes`, `metrics`, `disclosure_date`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any, BinaryIO, Final

import msgspec

from citysec import observable
from citysec.errors import InvalidInput
from citysec.feeds.formats import csaf_products, markings
from citysec.feeds.formats.csaf_products import Products
from citysec.feeds.formats.documents import MALFORMED, Document, decoded, documents, excerpt
from citysec.feeds.formats.draft import Entry, Item, Reject, Subject
from citysec.feeds.formats.format import Format, NoOptions
from citysec.feeds.formats.members import links, mapping, mappings, sequence, text
from citysec.feeds.formats.times import instant
from citysec.feeds.formats.vulnerability import score
from citysec.software.records import Remedy, Score, Vulnerability

_DESCRIPTION: Final = 4000
_DETAILS: Final = 1000
_SUMMARIES: Final = ("summary", "description", "general", "details")


class _Advisory(msgspec.Struct, frozen=True):
    """What holds for a whole document."""

    at: str
    key: str
    about: Mapping[str, Any]
    tracking: Mapping[str, Any]
    products: Products
    published: datetime | None
    updated: datetime | None
    marking_refs: tuple[str, ...]


def read(file: BinaryIO, _: NoOptions) -> Iterator[Item]:
    """Yield, for each document, an entry for the advisory, and an entry or a reject for each vulnerability.

    Raises:
        InvalidInput: the file as a whole is no advisory.
    """
    for document in documents(file):
        if isinstance(document, Reject):
            yield document
            continue
        try:
            whole = mapping(decoded(document.raw))
            advisory = _advisory(whole, document)
        except (*MALFORMED, InvalidInput) as err:
            if not document.at:
                raise InvalidInput.at("", f"this is no CSAF document: {err}") from err
            yield Reject(document.at, str(err), excerpt(document.raw))
            continue
        found = whole.get("vulnerabilities")
        listed = sequence(found)
        yield _report(advisory, mappings(listed))
        if not isinstance(found, list | None):
            yield Reject(f"{document.at}/vulnerabilities", "this is no list", excerpt(str(found)))
        for number, one in enumerate(listed):
            yield _vulnerability(advisory, mapping(one), f"{document.at}/vulnerabilities/{number}")


def _advisory(whole: Mapping[str, Any], document: Document) -> _Advisory:
    about = mapping(whole.get("document"))
    tracking = mapping(about.get("tracking"))
    if text(tracking.get("id")) is None or text(about.get("title")) is None:
        raise InvalidInput.at("/document", "an advisory has a title and a tracking id")
    label = text(mapping(mapping(about.get("distribution")).get("tlp")).get("label"))
    marking = markings.of_label(f"tlp:{label}") if label else None
    return _Advisory(
        at=document.at,
        key=_address(about, tracking),
        about=about,
        tracking=tracking,
        products=csaf_products.products(whole.get("product_tree")),
        published=instant(tracking.get("initial_release_date")),
        updated=instant(tracking.get("current_release_date")),
        marking_refs=(marking,) if marking else (),
    )


def _address(about: Mapping[str, Any], tracking: Mapping[str, Any]) -> str:
    """Return the advisory's own address, else publisher and id, which together name it (§3.2.1.12.4)."""
    own = (one.get("url") for one in mappings(about.get("references")) if one.get("category") == "self")
    found = sorted(links(own), key=lambda url: not url.endswith(".json"))
    namespace = text(mapping(about.get("publisher")).get("namespace")) or ""
    return found[0] if found else f"{namespace.rstrip('/')}#{text(tracking.get('id'))}"


def _report(advisory: _Advisory, vulnerabilities: Iterable[Mapping[str, Any]]) -> Entry:
    about, tracking = advisory.about, advisory.tracking
    said = {
        "id": text(tracking.get("id")),
        "version": text(tracking.get("version")),
        "status": text(tracking.get("status")),
        "publisher": text(mapping(about.get("publisher")).get("name")),
        "severity": text(mapping(about.get("aggregate_severity")).get("text")),
        "category": text(about.get("category")),
        "updated": advisory.updated.isoformat() if advisory.updated else None,
        "cves": list(dict.fromkeys(cve for one in vulnerabilities if (cve := text(one.get("cve"))))),
    }
    return Entry(
        at=advisory.at,
        subject=Subject.REPORT,
        key=advisory.key,
        name=text(about.get("title")),
        since=advisory.published,
        description=_noted(about.get("notes")),
        references=_links(about),
        marking_refs=advisory.marking_refs,
        facts={name: value for name, value in said.items() if value},
    )


def _vulnerability(advisory: _Advisory, found: Mapping[str, Any], at: str) -> Entry | Reject:
    try:
        key = observable.cve(text(found.get("cve")) or "").value
    except InvalidInput:
        return Reject(at, "the vulnerability has no CVE id", excerpt(text(found.get("title")) or ""))
    said = Vulnerability(
        affected=csaf_products.affected(found.get("product_status"), advisory.products),
        cvss=tuple(dict.fromkeys(_scores(found))),
        cwes=tuple(dict.fromkeys(_cwes(found))),
        remedies=tuple(dict.fromkeys(_remedies(found.get("remediations")))),
        updated=advisory.updated,
    )
    since = instant(found.get("release_date")) or instant(found.get("disclosure_date")) or advisory.published
    return Entry(
        at=at,
        subject=Subject.VULNERABILITY,
        key=key,
        name=text(found.get("title")),
        since=since,
        description=_noted(found.get("notes")),
        references=links((advisory.key, *_links(found))),
        marking_refs=advisory.marking_refs,
        facts=said.facts(),
    )


def _links(found: Mapping[str, Any]) -> tuple[str, ...]:
    return links(one.get("url") for one in mappings(found.get("references")))


def _noted(notes: object) -> str | None:
    """Return the note that sums up, as far as there is one."""
    said = {text(note.get("category")): text(note.get("text")) for note in mappings(notes)}
    chosen = next((words for category in _SUMMARIES if (words := said.get(category))), None)
    return chosen[:_DESCRIPTION] if chosen else None


def _scores(found: Mapping[str, Any]) -> Iterator[Score]:
    members = [*mappings(found.get("scores")), *(mapping(m.get("content")) for m in mappings(found.get("metrics")))]
    for member in members:
        for name in ("cvss_v4", "cvss_v3", "cvss_v2"):
            if one := score(member.get(name), None):
                yield one


def _cwes(found: Mapping[str, Any]) -> Iterator[str]:
    for cwe in (mapping(found.get("cwe")), *mappings(found.get("cwes"))):
        if name := text(cwe.get("id")):
            yield name


def _remedies(remediations: object) -> Iterator[Remedy]:
    for one in mappings(remediations):
        details = text(one.get("details"))
        url = next(iter(links([one.get("url")])), None)
        yield Remedy(text(one.get("category")), details and details[:_DETAILS], url)


FORMAT: Final = Format("CSAF 2.0 security advisories", read)
