"""CVE records of version 5, with what the CVE Program's authorised data publishers (ADP) add to them.

Read are a record, lists of records and NDJSON. All containers speak for themselves: who said which product is affected
stays with it (`by`), for CISA often knows the CPE names that the vendor leaves out.

Source:
    CVE Record Format 5.1: `cveMetadata`, `containers.cna`, `containers.adp`; SSVC and KEV as CISA writes them into
    `metrics[].other`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from itertools import chain
from typing import Any, BinaryIO, Final

from citysec import observable
from citysec.errors import InvalidInput
from citysec.feeds.formats import applicability
from citysec.feeds.formats.affected import status, versions
from citysec.feeds.formats.documents import MALFORMED, Document, decoded, documents
from citysec.feeds.formats.draft import Entry, Item, Reject, Subject, rejected
from citysec.feeds.formats.format import Format, NoOptions
from citysec.feeds.formats.members import english, links, mapping, mappings, text, texts
from citysec.feeds.formats.times import day, instant
from citysec.feeds.formats.vulnerability import score
from citysec.software.collections import package_url
from citysec.software.records import KEV, Affected, Score, Vulnerability

_REJECTED: Final = "rejected"
_UNNAMED: Final = frozenset({"n/a", "na", "unspecified", "unknown", "-"})


def read(file: BinaryIO, _: NoOptions) -> Iterator[Item]:
    """Yield an entry or a reject for each record.

    Raises:
        InvalidInput: the file as a whole is no CVE record.
    """
    for document in documents(file):
        if isinstance(document, Reject):
            yield document
            continue
        try:
            yield _entry(document)
        except (*MALFORMED, InvalidInput) as err:
            if not document.at:
                raise InvalidInput.at("", f"this is no CVE record: {err}") from err
            yield rejected(document.at, err, bytes(document.raw))


def _entry(document: Document) -> Entry:
    record = mapping(decoded(document.raw))
    about, containers = mapping(record.get("cveMetadata")), mapping(record.get("containers"))
    key = observable.cve(text(about.get("cveId")) or "").value
    cna = mapping(containers.get("cna"))
    said = [cna, *mappings(containers.get("adp"))]
    state = (text(about.get("state")) or "").lower()
    since = instant(about.get("datePublished")) or instant(about.get("dateReserved"))
    return Entry(
        at=document.at,
        subject=Subject.VULNERABILITY,
        key=key,
        name=text(cna.get("title")),
        labels=texts(cna.get("tags")),
        since=since,
        until=_until(about, since) if state == _REJECTED else None,
        description=english(cna.get("descriptions")) or english(cna.get("rejectedReasons")),
        references=links(one.get("url") for container in said for one in mappings(container.get("references"))),
        facts=_facts(said, state, instant(about.get("dateUpdated"))).facts(),
    )


def _until(about: Mapping[str, Any], since: datetime | None) -> datetime | None:
    return instant(about.get("dateRejected")) or instant(about.get("dateUpdated")) or since


def _facts(said: list[Mapping[str, Any]], state: str, updated: datetime | None) -> Vulnerability:
    metrics = [(metric, _by(container)) for container in said for metric in mappings(container.get("metrics"))]
    others = {text(other.get("type")): mapping(other.get("content")) for other in _others(metrics)}
    return Vulnerability(
        affected=tuple(chain.from_iterable(map(_affected, said))),
        cvss=tuple(found for metric, by in metrics for found in _scores(metric, by)),
        cwes=tuple(dict.fromkeys(chain.from_iterable(map(_cwes, said)))),
        kev=_listing(others.get("kev")),
        ssvc=_decisions(others.get("ssvc")) or None,
        state=state if state and state != "published" else None,
        updated=updated,
    )


def _others(metrics: Iterable[tuple[Mapping[str, Any], str | None]]) -> Iterator[Mapping[str, Any]]:
    return (mapping(metric.get("other")) for metric, _ in metrics)


def _by(container: Mapping[str, Any]) -> str | None:
    return text(mapping(container.get("providerMetadata")).get("shortName"))


def _affected(container: Mapping[str, Any]) -> Iterator[Affected]:
    by = _by(container)
    for product in mappings(container.get("affected")):
        yield _product(product, by)
    yield from applicability.affected(container.get("cpeApplicability"), by)


def _product(product: Mapping[str, Any], by: str | None) -> Affected:
    default = status(product.get("defaultStatus"))
    listed = chain.from_iterable(versions(version, default) for version in mappings(product.get("versions")))
    vendor, package = _named(product.get("vendor")), _named(product.get("packageName"))
    return Affected(
        vendor=vendor,
        product=_named(product.get("product")),
        package=package,
        purl=text(product.get("packageURL")) or package_url(package, text(product.get("collectionURL")), vendor),
        cpes=texts(product.get("cpes")),
        versions=tuple(dict.fromkeys(listed)),
        default=default,
        platforms=texts(product.get("platforms")),
        by=by,
    )


def _named(value: object) -> str | None:
    found = text(value)
    return None if found is None or found.lower() in _UNNAMED else found


def _scores(metric: Mapping[str, Any], by: str | None) -> Iterator[Score]:
    for name, member in metric.items():
        if name.startswith("cvssV") and (found := score(member, by)):
            yield found


def _cwes(container: Mapping[str, Any]) -> Iterator[str]:
    for problem in mappings(container.get("problemTypes")):
        for said in mappings(problem.get("descriptions")):
            if name := text(said.get("cweId")):
                yield name


def _listing(content: Mapping[str, Any] | None) -> KEV | None:
    return KEV(day(content.get("dateAdded"))) if content else None


def _decisions(content: Mapping[str, Any] | None) -> dict[str, str]:
    """Return the decision points of SSVC; each is an object of one member."""
    points = chain.from_iterable(option.items() for option in mappings((content or {}).get("options")))
    return {name.lower().replace(" ", "_"): value for name, said in points if (value := text(said))}


FORMAT: Final = Format("CVE records of version 5", read)
