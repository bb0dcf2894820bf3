"""CPE applicability statements: which configurations have a vulnerability.

Each criterion that says `vulnerable` is a product of its own. What its configuration demands beside it (firmware on its
device, a program on its system) goes with it as `running_on`; negated nodes restrict nothing, so that a match is rather
found than missed.

Source:
    NVD CVE API 2.0 schema, `config`, `node`, `cpe_match`; CVE Record Format 5.1, `cpeApplicability`; NISTIR 7695 §6.2
    for the formatted string of a CPE name.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any, Final, NamedTuple

from citysec.feeds.formats.members import mappings, text, yes
from citysec.software.records import NAMED, Affected, Status, Versions

_COMPONENT: Final = re.compile(r"(?:[^:\\]|\\.)+", re.DOTALL)
_CPE: Final = re.compile(r"cpe:2\.3:[aho*-](?::(?:[^:\\\s]|\\.)+){10}")
_QUOTED: Final = re.compile(r"\\(.)")
_MOST: Final = 100
"""With more platforms than that a restriction helps nobody."""


class Name(NamedTuple):
    """The parts of a CPE name that say which product and version: unquoted; `*` is any, `-` is none."""

    vendor: str
    product: str
    version: str
    update: str


@lru_cache(maxsize=4096)
def cpe_name(written: str) -> Name | None:
    """Return the parts of a CPE 2.3 formatted string, None where `written` is none."""
    if _CPE.fullmatch(written) is None:
        return None
    return Name(*(_QUOTED.sub(r"\1", part) for part in _parts(written)[3:7]))


def _parts(written: str) -> list[str]:
    """Return the parts of a formatted string, quoted as they are."""
    return _COMPONENT.findall(written) if "\\" in written else written.split(":")


def affected(configurations: object, by: str | None = None) -> tuple[Affected, ...]:
    """Return the products that applicability statements call vulnerable; criteria of one product are put together."""
    found: dict[tuple[str, tuple[str, ...]], list[Versions]] = {}
    for configuration in mappings(configurations):
        matches = list(_matches(configuration))
        running_on = _demanded(matches)
        for match in matches:
            criteria = text(match.get("criteria")) or ""
            if (name := cpe_name(criteria)) and yes(match.get("vulnerable")):
                found.setdefault((_product(criteria), running_on), []).append(_versions(match, criteria, name))
    return tuple(_affected(cpe, ranges, running_on, by) for (cpe, running_on), ranges in found.items())


def _matches(configuration: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for node in mappings(configuration.get("nodes")):
        if not yes(node.get("negate")):
            yield from mappings(node.get("cpeMatch"))


def _demanded(matches: Iterable[Mapping[str, Any]]) -> tuple[str, ...]:
    """Return the criteria of a configuration that are not vulnerable themselves."""
    criteria = (text(match.get("criteria")) or "" for match in matches if not yes(match.get("vulnerable")))
    found = tuple(dict.fromkeys(written for written in criteria if cpe_name(written)))
    return found if len(found) <= _MOST else ()


def _product(criteria: str) -> str:
    """Return `criteria` for every version and update of its product."""
    parts = _parts(criteria)
    parts[5] = parts[6] = "*"
    return ":".join(parts)


def _versions(match: Mapping[str, Any], criteria: str, name: Name) -> Versions:
    start, after = text(match.get("versionStartIncluding")), text(match.get("versionStartExcluding"))
    end, before = text(match.get("versionEndIncluding")), text(match.get("versionEndExcluding"))
    if start or after or end or before:
        return Versions(
            start=start or after,
            start_excluded=start is None and after is not None,
            end=end or before,
            end_excluded=end is None and before is not None,
        )
    if name.version in {"*", "-"}:
        return Versions()
    return Versions(exact=_named(criteria), order=NAMED)


def _named(criteria: str) -> str:
    """Return version and update as they are quoted: what is a wildcard there is only one without a backslash."""
    version, update = _parts(criteria)[5:7]
    return version if update == "*" else f"{version} {update}"


def _affected(cpe: str, ranges: Iterable[Versions], running_on: tuple[str, ...], by: str | None) -> Affected:
    name = cpe_name(cpe)
    return Affected(
        vendor=name and name.vendor,
        product=name and name.product,
        cpes=(cpe,),
        versions=tuple(dict.fromkeys(ranges)),
        default=Status.UNAFFECTED,
        running_on=running_on,
        by=by,
    )
