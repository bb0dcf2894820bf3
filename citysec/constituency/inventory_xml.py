"""The components of a CycloneDX bill of materials in XML. Pure."""

from __future__ import annotations

from typing import Final
from xml.parsers import expat

from citysec.errors import InvalidInput

_BOM: Final = "http://cyclonedx.org/schema/bom/"
_COMPONENT: Final = "component"
_SAID: Final = frozenset({"version", "cpe", "purl"})


class _Collector:
    """Collects what stands directly in each `component`, in the order in which they begin."""

    def __init__(self) -> None:
        self.found: list[dict[str, str]] = []
        self._open: list[tuple[str, dict[str, str] | None]] = []

    def start(self, name: str, _: dict[str, str]) -> None:
        """Take note of a tag that begins."""
        space, tag = name.rpartition(" ")[::2]
        if not self._open and not space.startswith(_BOM):
            raise InvalidInput.at("", "this is no CycloneDX document")
        part: dict[str, str] | None = None
        if tag == _COMPONENT:
            part = {}
            self.found.append(part)
        self._open.append((tag, part))

    def end(self, _: str) -> None:
        """Take note of a tag that ends."""
        self._open.pop()

    def text(self, text: str) -> None:
        """Take note of text."""
        if len(self._open) < 2:
            return
        (_, above), (tag, _) = self._open[-2:]
        if above is not None and tag in _SAID:
            above[tag] = above.get(tag, "") + text


def components(text: str) -> list[dict[str, str]]:
    """Return `version`, `cpe` and `purl` of each component, as far as it has them.

    Raises:
        InvalidInput: `text` is no such document, or declares what XML calls a document type, which none needs.
    """
    collector = _Collector()
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.StartElementHandler, parser.EndElementHandler = collector.start, collector.end
    parser.CharacterDataHandler = collector.text
    parser.StartDoctypeDeclHandler = _refuse
    try:
        parser.Parse(text, True)  # noqa: FBT003  # the signature is expat's
    except (expat.ExpatError, ValueError) as err:
        raise InvalidInput.at("", f"this is no XML: {err}") from err
    return collector.found


def _refuse(*_: object) -> None:
    raise InvalidInput.at("", "it declares a document type")
