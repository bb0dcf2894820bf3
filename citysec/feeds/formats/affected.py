"""Which products and versions a vulnerability is in: one shape for all who publish that.

Source:
    CVE Record Format 5.1, `product` and `versions`; NVD CVE API 2.0, `configurations`; CSAF 2.0 §3.1.3 and §3.2.3.9.
    The shape is ours: it keeps what each of them can say, and nothing that only one of them needs.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final
from urllib.parse import unquote

import msgspec

from citysec.feeds.formats.members import mappings, text
from citysec.software.records import Status, Versions

_COMPARISON: Final = re.compile(r"\s*(<=|>=|<|>|==?)\s*([^\s<>=,|]+)\s*")
_BEFORE: Final = re.compile(
    r"(?:all\s+)?(?:versions?\s+)?(?:prior\s+to|before|earlier\s+than)\s+v?(\S+)", re.IGNORECASE
)
_UP_TO: Final = re.compile(
    r"v?(\S+)\s+(?:and|or)\s+(?:earlier|prior|below|older|lower)(?:\s+versions?)?", re.IGNORECASE
)
_VERS: Final = re.compile(r"vers:([a-z0-9.-]{1,40})/(.*)", re.DOTALL)
_OPERATOR: Final = re.compile(r"\s*(?:<=|>=|!=|==?|<|>)")
_MOST_CONSTRAINTS: Final = 1000
_ANY: Final = frozenset({"*", "all", "all versions", "any", "any version"})
_NO_BOUND: Final = frozenset({"", "*", "0", "-", "n/a", "na", "none", "unspecified", "unknown"})
_UNSAID: Final = _NO_BOUND - {"*", "0"}


def status(value: object, missing: Status = Status.UNKNOWN) -> Status:
    """Return the status that a word of CVE names, `missing` for any other."""
    return Status(value) if isinstance(value, str) and value in set(Status) else missing


def versions(member: Any, default: Status) -> Iterator[Versions]:
    """Yield the ranges that one member of `versions` of a CVE record stands for.

    Changes of the status within a range make several ranges of it, in their order.
    """
    found = status(member.get("status"), default)
    order, version = text(member.get("versionType")), text(member.get("version")) or ""
    end, last = text(member.get("lessThan")), text(member.get("lessThanOrEqual"))
    if end is None and last is None:
        yield from written(version, found, order)
        return
    start = None if version.lower() in _NO_BOUND else version
    for change in mappings(member.get("changes")):
        if at := text(change.get("at")):
            yield Versions(status=found, start=start, end=at, end_excluded=True, order=order)
            start, found = at, status(change.get("status"))
    stop = end or last
    stop = None if stop is None or stop.lower() in _NO_BOUND else stop
    if start is None or start != stop or end is None:
        yield Versions(
            status=found, start=start, end=stop, end_excluded=end is not None and stop is not None, order=order
        )


def written(words: str, found: Status, order: str | None = None) -> Iterator[Versions]:
    """Yield what a text says about versions: one of them, comparisons (`>= 1.2, < 1.4`), or usual phrases."""
    if (known := words.lower()) in _UNSAID:
        yield Versions(status=Status.UNKNOWN if found is Status.AFFECTED else found)
    elif known in _ANY:
        yield Versions(status=found)
    elif before := _BEFORE.fullmatch(words):
        yield Versions(status=found, end=before[1], end_excluded=True, order=order)
    elif up_to := _UP_TO.fullmatch(words):
        yield Versions(status=found, end=up_to[1], order=order)
    else:
        yield compared(words, found, order) or Versions(status=found, exact=words, order=order)


def compared(words: str, found: Status, order: str | None = None) -> Versions | None:
    """Return the range that comparisons joined by commas describe; None where the text is something else."""
    bounds: dict[str, Any] = {}
    for part in words.split(","):
        comparison = _COMPARISON.fullmatch(part)
        if comparison is None:
            return None
        bounds |= _bound(comparison[1], comparison[2])
    return Versions(status=found, order=order, **bounds)


def ranges(words: str, found: Status) -> tuple[Versions, ...]:
    """Return the ranges of a version range specifier (`vers:rpm/>=1.2|<1.4|2.0`), or of one without its head.

    Source:
        ECMA-428 (VERS), as CSAF 2.0 §3.1.2.3.2 refers to it; versions stand in their order there.
    """
    order, constraints = None, words
    if specifier := _VERS.fullmatch(words):
        order, constraints = specifier[1], specifier[2]
    if constraints == "*":
        return (Versions(status=found),)
    found_ranges: list[Versions] = []
    start = Versions(status=found, order=order)
    for part in constraints.split("|")[:_MOST_CONSTRAINTS]:
        operator, version = _constraint(part)
        if operator.startswith("<"):
            found_ranges.append(msgspec.structs.replace(start, end=version, end_excluded=operator == "<"))
            start = Versions(status=found, order=order)
        elif operator.startswith(">"):
            start = Versions(status=found, order=order, start=version, start_excluded=operator == ">")
        elif operator == "=":
            found_ranges.append(Versions(status=found, order=order, exact=version))
    return (*found_ranges, start) if start.start else tuple(found_ranges)


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
