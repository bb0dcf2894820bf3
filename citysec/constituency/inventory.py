"""Bills of materials: which software a service is made of, as CycloneDX and SPDX say it. Pure.

Of a component counts what can be looked up, its package URL and its CPE name; each is an asset. One without either is
counted and left out.

Source:
    CycloneDX 1.6 (ECMA-424), `components`; SPDX 2.3 §7 (packages) and §7.21 (external references).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, cast

import msgspec

from citysec import observable
from citysec.constituency import inventory_xml
from citysec.constituency.records import decode
from citysec.errors import InvalidInput, Problem
from citysec.observable import Observable
from citysec.software import cpe, purl
from citysec.software.cpe import ANY

_XML: Final = re.compile(r"\s*<")
_TAGS: Final = re.compile(r"^SPDXVersion:\s*SPDX-2\.", re.MULTILINE)
_REFERENCE: Final = re.compile(r"ExternalRef:\s*\S+\s+(purl|cpe23Type|cpe22Type)\s+(\S+)")
_PURL: Final = "purl"


@dataclass(frozen=True, slots=True)
class Component:
    """What a bill says of one part: where it stands, its version, and the names it goes by."""

    at: str
    version: str
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Inventory:
    """The software of a bill, each once, in its order.

    Args:
        software: in canonical form.
        nameless: how many components have neither package URL nor CPE name.
    """

    software: tuple[Observable, ...]
    nameless: int


def read(data: bytes) -> Inventory:
    """Return the software of a bill of materials: CycloneDX as JSON or XML, SPDX 2 as JSON or tag-value.

    Raises:
        InvalidInput: it is none of them, or components have broken names: every one is named by its place.
    """
    components = list(_components(decode(data)))
    found: dict[str, Observable] = {}
    problems: list[Problem] = []
    for component in components:
        for name in component.names:
            try:
                asset = observable.software(_versioned(name, component.version))
            except InvalidInput as err:
                problems += (Problem(component.at, one.message) for one in err.problems)
            else:
                found.setdefault(asset.key, asset)
    if problems:
        raise InvalidInput(problems)
    return Inventory(tuple(found.values()), sum(not component.names for component in components))


def _components(text: str) -> Iterator[Component]:
    if _XML.match(text):
        parts = enumerate(inventory_xml.components(text))
        return (_cyclonedx(f"component {number + 1}", part) for number, part in parts)
    if _TAGS.search(text):
        return _tags(text)
    try:
        document = _mapping(msgspec.json.decode(text))
    except (msgspec.DecodeError, RecursionError) as err:
        raise InvalidInput.at("", f"this is no bill of materials: {err}") from err
    if document.get("bomFormat") == "CycloneDX":
        return _nested(document)
    if str(document.get("spdxVersion", "")).startswith("SPDX-2."):
        packages = enumerate(_list(document.get("packages")))
        return (_package(f"/packages/{number}", _mapping(package)) for number, package in packages)
    raise InvalidInput.at("", "this is neither CycloneDX nor SPDX 2")


def _nested(document: Mapping[str, Any]) -> Iterator[Component]:
    """Yield the components of CycloneDX and those within them, outer ones first."""
    main = _mapping(_mapping(document.get("metadata")).get("component"))
    waiting = [("/metadata/component", main)] if main else []
    waiting += _below("", document)
    while waiting:
        at, part = waiting.pop(0)
        yield _cyclonedx(at, part)
        waiting[:0] = _below(at, part)


def _below(at: str, part: Mapping[str, Any]) -> list[tuple[str, Mapping[str, Any]]]:
    return [(f"{at}/components/{i}", _mapping(one)) for i, one in enumerate(_list(part.get("components")))]


def _cyclonedx(at: str, part: Mapping[str, Any]) -> Component:
    names = (_text(part.get("purl")), _text(part.get("cpe")))
    return Component(at, _text(part.get("version")), tuple(filter(None, names)))


def _package(at: str, package: Mapping[str, Any]) -> Component:
    references = [_mapping(one) for one in _list(package.get("externalRefs"))]
    named = (one for one in references if one.get("referenceType") in {_PURL, "cpe23Type", "cpe22Type"})
    names = (_text(one.get("referenceLocator")) for one in named)
    return Component(at, _text(package.get("versionInfo")), tuple(filter(None, names)))


def _tags(text: str) -> Iterator[Component]:
    """Yield the packages of a tag-value file, each at the line on which it begins."""
    begun: tuple[int, str, list[str]] | None = None
    for number, line in enumerate(text.splitlines(), 1):
        tag, _, value = line.partition(":")
        if tag == "PackageName":
            if begun is not None:
                yield Component(f"line {begun[0]}", begun[1], tuple(begun[2]))
            begun = (number, "", [])
        elif begun is not None and tag == "PackageVersion":
            begun = (begun[0], value.strip(), begun[2])
        elif begun is not None and (reference := _REFERENCE.match(line)):
            begun[2].append(reference[2])
    if begun is not None:
        yield Component(f"line {begun[0]}", begun[1], tuple(begun[2]))


def _versioned(name: str, version: str) -> str:
    """Return a name with the component's version, where it has none of its own."""
    if not version:
        return name
    if name.lower().startswith("cpe:"):
        found = cpe.parse(name)
        return str(msgspec.structs.replace(found, version=cpe.quoted(version))) if found.version == ANY else name
    package = purl.parse(name)
    return name if package.version else str(msgspec.structs.replace(package, version=version))


def _mapping(value: object) -> Mapping[str, Any]:
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}


def _list(value: object) -> list[Any]:
    return cast("list[Any]", value) if isinstance(value, list) else []


def _text(value: object) -> str:
    return value.strip() if isinstance(value, str) else ""
