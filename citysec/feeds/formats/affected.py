"""Which products and versions a vulnerability is in: one shape for all who publish that.

Source:
    CVE Record Format 5.1, `product` and `versions`; NVD CVE API 2.0, `configurations`; CSAF 2.0 §3.1.3 and §3.2.3.9.
    The shape is ours: it keeps what each of them can say, and nothing that only one of them needs.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import zip_longest
from typing import Any, Final
from urllib.parse import unquote

import msgspec

from citysec.feeds.formats.members import mappings, text
from citysec.software.records import Status, Versions
from citysec.software.versions import Order, key
from citysec.software.versions import order as order_of

_ONE: Final = (
    r"v?[0-9][^\s,;|<>=]*"
    r"(?:\s+(?:beta|build|cu|cumulative\s+update|hf|hotfix|p|patch|r|rc|service\s+pack|sp|su|u|update)\s*[0-9]+)*"
)
"""One version as people write it: `V7.5 SP2 Update 17`."""
_COMPARISON: Final = re.compile(rf"\s*(<=|>=|<|>|==?)\s*({_ONE}|[^\s<>=,|]+)\s*", re.IGNORECASE)
_SPELT: Final = (
    (re.compile(r"<\s+=|=<|≤"), "<="),
    (re.compile(r">\s+=|=>|≥"), ">="),
    (re.compile(r"(?<=[^\s<>=,|])\s+(?=[<>])"), ", "),
    (re.compile(r"^\s*(?:all\s+)?ver(?:sions?|\.)?[\s:,]*(?=v?[0-9]|[<>])|^\s*all,?\s+(?=[<>])", re.IGNORECASE), ""),
)
_START: Final = rf"(?:ver(?:sions?)?\s+)?(?P<start>{_ONE})"
_END: Final = rf"(?:ver(?:sions?)?\s+)?(?P<end>{_ONE})"
_BEFORE: Final = r"(?:prior\s+to|before|below|(?:earlier|less|lower|older)\s+than)"
_ALSO: Final = r"(?:\s+(?:versions?|releases?))?"
_PHRASES: Final = tuple(
    (re.compile(words, re.IGNORECASE), last)
    for words, last in (
        (
            rf"(?:all\s+)?(?:versions?\s+)?(?:prior\s+to|before|below|(?:earlier|less|lower|older)\s+than)\s+{_END}",
            "before",
        ),
        (rf"(?:all\s+)?(?:versions?\s+)?(?:up\s+to|through|until)(?:\s+and\s+including)?\s+{_END}", "with"),
        (rf"{_END}\s+(?:and|or)\s+(?:all\s+)?(?:earlier|prior|below|older|lower|previous){_ALSO}", "with"),
        (rf"{_START}\s+(?:and|or)\s+(?:all\s+)?(?:later|newer|above|higher|greater|up|onwards?|after){_ALSO}", ""),
        (rf"{_START}\s*\+", ""),
        (rf"(?:since|from)\s+{_START}(?:\s+(?:on|onwards?))?", ""),
        (rf"(?:from\s+)?{_START}(?:\s+[-~]\s+|\s*[–—]\s*|,?\s+(?:up\s+to|to|through|thru)\s+){_END}", "with"),
        (rf"{_START}\s+(?:before|prior\s+to)\s+{_END}", "before"),
        (rf"{_START},\s+<\s*{_END}", "before"),
        (rf"{_START},\s+<=\s*{_END}", "with"),
    )
)
"""What people write about one range, and whether it goes on with its end or before it."""
_AND: Final = re.compile(r"\s*[,;]\s*(?:and\s+|or\s+)?|\s+(?:and|or|/|&)\s+")
_LISTED: Final = re.compile(r"v?[0-9][\w.+\-*]*", re.IGNORECASE)
_WILD: Final = re.compile(r"\.[x*]$", re.IGNORECASE)
_NUMBER: Final = re.compile(r"[0-9]{1,18}")
_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_MOST_WORDS: Final = 300
"""Characters of words about versions that are understood."""
_VERS: Final = re.compile(r"vers:([a-z0-9.-]{1,40})/(.*)", re.DOTALL)
_OPERATOR: Final = re.compile(r"\s*(?:<=|>=|!=|==?|<|>)")
_MOST_CONSTRAINTS: Final = 1000
_ANY: Final = frozenset({"*", "all", "all versions", "any", "any version"})
_NO_BOUND: Final = frozenset({"", "*", "0", "-", "n/a", "na", "none", "unspecified", "unknown"})
_UNSAID: Final = _NO_BOUND - {"*", "0"}
_EARLIEST: Final = re.compile(r"0+(?:\.0+)*")
"""The earliest version of all, by the convention of CVE: alone it begins a range that nobody has ended."""


def status(value: object, missing: Status = Status.UNKNOWN) -> Status:
    """Return the status that a word of CVE names, `missing` for any other."""
    return Status(value) if isinstance(value, str) and value in set(Status) else missing


def versions(member: Any, default: Status) -> Iterator[Versions]:
    """Yield the ranges that one member of `versions` of a CVE record stands for.

    Changes of the status within a range make several ranges of it, in the order of their versions.
    """
    found = status(member.get("status"), default)
    order, version = text(member.get("versionType")), text(member.get("version")) or ""
    end, last = text(member.get("lessThan")), text(member.get("lessThanOrEqual"))
    if end is None and last is None:
        yield from written(version, found, order)
        return
    start = first = _bounding(version)
    for at, changed in _changes(member, order):
        yield Versions(status=found, start=start, end=at, end_excluded=True, order=order)
        start, found = at, changed
    stop = _bounding(end or last or "")
    if end is None or start is None or start != stop:
        excluded = end is not None and stop is not None
        yield Versions(status=found, start=start, end=stop, end_excluded=excluded, order=order)
    elif first == stop and found is not Status.UNAFFECTED:
        # From a version until before the same one are none at all; who writes so (Chrome) means all before it.
        yield Versions(status=found, end=stop, end_excluded=True, order=order)


def _changes(member: Any, order: str | None) -> Iterator[tuple[str, Status]]:
    """Yield from which version on the status is another one; members need not be sorted, but commits cannot be.

    Who mends one fault in several branches (PAN-OS: 10.2.8-h3, 10.2.9-h1) lists each as a change to what it is already.
    Of what lies between two such it is not known: 10.2.9 itself has the fault.
    """
    changes = [
        (at, status(one.get("status"))) for one in mappings(member.get("changes")) if (at := text(one.get("at")))
    ]
    by = order_of(order) or Order.NATURAL
    if by is not Order.NONE:
        changes.sort(key=lambda change: key(change[0], by))
    for (at, found), following in zip_longest(changes, (after for _, after in changes[1:])):
        yield at, Status.UNKNOWN if found is following is Status.UNAFFECTED else found


def _bounding(word: str) -> str | None:
    return None if word.lower() in _NO_BOUND | _ANY else word


def written(words: str, found: Status, order: str | None = None) -> Iterator[Versions]:
    """Yield what a text says about versions: one of them, comparisons (`>= 1.2, < 1.4`), or usual phrases."""
    if (known := words.lower()) in _UNSAID or (found is Status.AFFECTED and _EARLIEST.fullmatch(words)):
        yield Versions(status=Status.UNKNOWN if found is Status.AFFECTED else found)
    elif known in _ANY:
        yield Versions(status=found)
    else:
        yield from _worded(words, found, order) or (Versions(status=found, exact=words, order=order),)


def _worded(words: str, found: Status, order: str | None) -> tuple[Versions, ...]:
    """Return the ranges that comparisons, usual phrases or a list of versions describe; none for something else."""
    if len(words) > _MOST_WORDS:
        return ()
    spelt = _spelt(words).strip()
    if one := compared(spelt, found, order):
        return (one,)
    if one := _phrased(spelt, found, order):
        return (one,)
    parts = _AND.split(spelt)
    listed = [_phrased(part, found, order) or _exactly(part, found, order) for part in parts]
    return tuple(filter(None, listed)) if all(listed) and parts != [words] else ()


def _spelt(words: str) -> str:
    """Return comparisons in one spelling, and a version without the word that says that it is one."""
    for spelling, usual in _SPELT:
        words = spelling.sub(usual, words)
    return words


def _exactly(part: str, found: Status, order: str | None) -> Versions | None:
    return Versions(status=found, exact=part, order=order) if _LISTED.fullmatch(part) else None


def _phrased(words: str, found: Status, order: str | None) -> Versions | None:
    for phrase, bounds in _PHRASES:
        if said := phrase.fullmatch(words):
            start, end = (said.groupdict().get(bound) for bound in ("start", "end"))
            excluded = end is not None and bounds == "before"
            one = Versions(
                status=found, start=_unwild(start), end=_unwild(end) if excluded else end, end_excluded=excluded,
                order=order,
            )  # fmt: skip
            return one if _is_span(one) else None
    return None


def _unwild(version: str | None) -> str | None:
    return version and _WILD.sub("", version)


def _is_span(one: Versions) -> bool:
    """Return whether bounds can be those of one range: `22.1.3 before 2024-06-21` compares a version with a date."""
    if one.start is None or one.end is None:
        return True
    first, last = _NUMBER.search(one.start), _NUMBER.search(one.end)
    return first is not None and last is not None and not _DATE.match(one.end) and int(first[0]) <= int(last[0])


def compared(words: str, found: Status, order: str | None = None) -> Versions | None:
    """Return the range that comparisons joined by commas describe; None where the text is something else."""
    bounds: dict[str, Any] = {}
    for part in words.split(","):
        comparison = _COMPARISON.fullmatch(part)
        if comparison is None:
            return None
        bound = _bound(comparison[1], comparison[2])
        if not bounds.keys().isdisjoint(bound):
            return None
        bounds |= bound
    return Versions(status=found, order=order, **bounds)


def ranges(words: str, found: Status) -> tuple[Versions, ...]:
    """Return the ranges of a version range specifier (`vers:rpm/>=1.2|<1.4|2.0`), or of one without its head.

    Source:
        ECMA-428 (VERS), as CSAF 2.0 §3.1.2.3.2 refers to it; versions stand in their order there.
    """
    if one := compared(_spelt(words), found):
        return (one,)
    specifier = _VERS.fullmatch(words)
    if specifier is None and "|" not in words:
        return tuple(written(words, found))
    order, constraints = specifier.groups() if specifier else (None, words)
    if constraints == "*":
        return (Versions(status=found),)
    parts = constraints.split("|")
    more = (Versions(status=Status.UNKNOWN),) if len(parts) > _MOST_CONSTRAINTS else ()
    return (*_constrained(parts[:_MOST_CONSTRAINTS], found, order), *more)


def _constrained(parts: Iterable[str], found: Status, order: str | None) -> Iterator[Versions]:
    """Yield the ranges between constraints; one that begins and does not end goes on for ever."""
    free = start = Versions(status=found, order=order)
    for part in parts:
        operator, version = _constraint(part)
        if operator.startswith("<"):
            yield msgspec.structs.replace(start, end=version, end_excluded=operator == "<")
            start = free
        elif operator.startswith(">"):
            start = msgspec.structs.replace(free, start=version, start_excluded=operator == ">")
        elif operator == "=":
            yield msgspec.structs.replace(free, exact=version)
    if start.start:
        yield start


def _constraint(part: str) -> tuple[str, str]:
    """Return operator and version; `!=` is left to stand, for it names what is not meant."""
    operator = _OPERATOR.match(part)
    written = operator[0] if operator else ""
    return (written.strip() or "=").replace("==", "="), unquote(part[len(written) :].strip())


def _bound(operator: str, version: str) -> dict[str, Any]:
    match operator:
        case "<" | "<=":
            return {"end": version, "end_excluded": operator == "<"}
        case ">" | ">=":
            return {"start": version, "start_excluded": operator == ">"}
        case _:
            return {"exact": version}
