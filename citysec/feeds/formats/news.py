"""Advisories as news: Atom 1.0, RSS 2.0 (and 0.9x), RSS 1.0. Each item is a report.

Source:
    RFC 4287 §4 (Atom); RSS 2.0.11, elements of `item`; RSS 1.0 §5.5 with the Dublin Core and content modules. An item
    is named by its address; one without is named by its id or is refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import BinaryIO, Final

from citysec.errors import InvalidInput
from citysec.feeds.formats.documents import excerpt
from citysec.feeds.formats.draft import Entry, Item, Reject, Subject
from citysec.feeds.formats.format import Format, NoOptions
from citysec.feeds.formats.markup import text_of
from citysec.feeds.formats.members import links, text
from citysec.feeds.formats.times import of_mail
from citysec.feeds.formats.xml_items import Part, XMLItem, items

_ATOM: Final = "http://www.w3.org/2005/Atom "
_RSS_1: Final = "http://purl.org/rss/1.0/ "
_DC: Final = "http://purl.org/dc/elements/1.1/ "
_CONTENT: Final = "http://purl.org/rss/1.0/modules/content/ "
_RDF: Final = "http://www.w3.org/1999/02/22-rdf-syntax-ns# "
_ROOTS: Final = frozenset({"rss", f"{_RDF}RDF", f"{_ATOM}feed", f"{_ATOM}entry"})
_ITEMS: Final = frozenset({"item", f"{_RSS_1}item", f"{_ATOM}entry"})
_TITLES: Final = (f"{_ATOM}title", "title", f"{_RSS_1}title", f"{_DC}title")
_SUMMARIES: Final = (f"{_ATOM}summary", "description", f"{_RSS_1}description", f"{_CONTENT}encoded", f"{_ATOM}content")
_PUBLISHED: Final = (f"{_ATOM}published", "pubDate", f"{_DC}date", f"{_ATOM}updated")
_UPDATED: Final = (f"{_ATOM}updated",)
_IDS: Final = (f"{_ATOM}id", "guid")
_CATEGORIES: Final = frozenset({f"{_ATOM}category", "category", f"{_DC}subject"})
_CVE: Final = re.compile(r"\bCVE-[0-9]{4}-[0-9]{4,19}\b", re.IGNORECASE)
_SUMMARY: Final = 4000
_LONGEST_ID: Final = 2000


def read(file: BinaryIO, _: NoOptions) -> Iterator[Item]:
    """Yield an entry or a reject for each item.

    Raises:
        InvalidInput: the file is no such feed, or no XML that can be trusted.
    """
    stream = items(file, _ITEMS)
    root = next(stream, None)
    if root not in _ROOTS:
        raise InvalidInput.at("", f"this is no feed of news: it begins with {str(root)[:100]!r}")
    for item in stream:
        if isinstance(item, XMLItem):
            yield _entry(item)


def _entry(item: XMLItem) -> Entry | Reject:
    at, title = f"line {item.line}", _said(item, _TITLES)
    found = _links(item)
    name = _said(item, _IDS)
    key = found[0] if found else name
    if key is None or len(key) > _LONGEST_ID:
        return Reject(at, "the item has no address and no id", excerpt(title or ""))
    published, updated = _said(item, _PUBLISHED), _said(item, _UPDATED)
    everything = "\n".join(part.text for part in item.parts)
    facts = {
        "cves": list(dict.fromkeys(cve.upper() for cve in _CVE.findall(everything))),
        "id": name if name != key else None,
        "updated": updated,
    }
    summary = _said(item, _SUMMARIES)
    return Entry(
        at=at,
        subject=Subject.REPORT,
        key=key,
        name=" ".join(text_of(title).split()) if title else None,
        labels=_categories(item),
        since=of_mail(published) if published else None,
        description=text(text_of(summary)[:_SUMMARY]) if summary else None,
        references=found,
        facts={name: value for name, value in facts.items() if value},
    )


def _said(item: XMLItem, names: tuple[str, ...]) -> str | None:
    """Return the text of the first of `names` that an item has."""
    said = {part.name: found for part in reversed(item.parts) if (found := text(part.text))}
    return next((said[name] for name in names if name in said), None)


def _links(item: XMLItem) -> tuple[str, ...]:
    """Return the addresses of an item, its own first."""
    own = [link for part in item.parts if (link := _link(part))]
    return links((*own, item.attributes.get(f"{_RDF}about")))


def _link(part: Part) -> str | None:
    match part.name:
        case "link" | "http://purl.org/rss/1.0/ link":
            return part.text
        case "http://www.w3.org/2005/Atom link" if part.attributes.get("rel", "alternate") in {"alternate", "related"}:
            return part.attributes.get("href")
        case "guid" if part.attributes.get("isPermaLink", "true") == "true":
            return part.text
        case _:
            return None


def _categories(item: XMLItem) -> tuple[str, ...]:
    named = (text(part.attributes.get("term") or part.text) for part in item.parts if part.name in _CATEGORIES)
    return tuple(dict.fromkeys(name[:100] for name in named if name))


FORMAT: Final = Format("News: advisories in Atom or RSS", read)
