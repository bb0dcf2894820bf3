"""Items of an XML document, read in a stream: expat, with all that makes XML dangerous switched off.

Documents that declare entities are refused, so nothing can be expanded; nothing outside is ever fetched, for expat does
not fetch by itself and nobody here does it for it. Entities of HTML that many feeds use without a declaration
(`&nbsp;`) stand for their characters.

Source:
    XML 1.0 §4.2 (entity declarations), §4.4 (treatment of entities); Namespaces in XML 1.0.
"""

from __future__ import annotations

import html
from collections.abc import Iterator, Mapping
from typing import BinaryIO, Final
from xml.parsers import expat

import msgspec

from citysec.errors import InvalidInput

MAX_DEPTH: Final = 64
MAX_TEXT: Final = 1 << 20
"""Longest text of one item, in characters; the rest is cut off."""
MAX_PARTS: Final = 1000
MAX_TOKEN: Final = 1 << 20
"""Longest tag in bytes: expat reads the beginning of an unfinished one again with every chunk."""
_CHUNK: Final = 1 << 16


class Part(msgspec.Struct):
    """An element within an item.

    Args:
        name: namespace and local name with a blank between them, or the local name alone.
        attributes: by name.
        text: all text within it.
    """

    name: str
    attributes: Mapping[str, str]
    text: str = ""


class XMLItem(msgspec.Struct):
    """An item: the line on which it begins, its attributes, and the elements right within it."""

    line: int
    attributes: Mapping[str, str]
    parts: list[Part]


def items(file: BinaryIO, item_names: frozenset[str]) -> Iterator[str | XMLItem]:
    """Yield the name of the outermost element, then the items in their order, as the file is read.

    Raises:
        InvalidInput: the file is no XML, declares entities, or is nested too deep. Items before the fault have been
            yielded by then.
    """
    head = file.read(_CHUNK)
    blank = head[: len(head) - len(head.lstrip())]  # many publishers begin with an empty line, which XML forbids
    file.seek(len(blank))
    builder = _Builder(item_names, blank.count(b"\n"))
    while chunk := file.read(_CHUNK):
        yield from builder.feed(chunk)
    yield from builder.feed(b"", final=True)


class _Builder:
    """Collects items from the events of expat."""

    def __init__(self, item_names: frozenset[str], lines_before: int) -> None:
        self._names, self._lines_before = item_names, lines_before
        self._path: list[str] = []
        self._item: XMLItem | None = None
        self._depth = 0  # of the item that is open
        self._texts: list[str] = []
        self._length = 0
        self._fed = 0
        self._done: list[str | XMLItem] = []
        self._parser = parser = expat.ParserCreate(namespace_separator=" ")
        parser.buffer_text = True
        parser.UseForeignDTD(True)  # noqa: FBT003  # else an entity that is not declared would be a fault
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._text
        parser.SkippedEntityHandler = self._skipped
        parser.EntityDeclHandler = _refuse_entity

    def feed(self, chunk: bytes, *, final: bool = False) -> list[str | XMLItem]:
        """Return what `chunk` completes.

        Raises:
            InvalidInput: the document is at fault.
        """
        try:
            self._parser.Parse(chunk, final)
        except (expat.ExpatError, ValueError, LookupError) as err:
            raise InvalidInput.at(f"line {self._parser.CurrentLineNumber}", f"this is no XML: {err}") from err
        self._fed += len(chunk)
        if self._fed - self._parser.CurrentByteIndex > MAX_TOKEN:
            raise InvalidInput.at(f"line {self._parser.CurrentLineNumber}", f"a tag longer than {MAX_TOKEN} bytes")
        done, self._done = self._done, []
        return done

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self._path.append(name)
        if len(self._path) > MAX_DEPTH:
            raise InvalidInput.at(f"line {self._parser.CurrentLineNumber}", f"nested deeper than {MAX_DEPTH}")
        if len(self._path) == 1:
            self._done.append(name)
        if self._item is None and name in self._names:
            self._item = XMLItem(self._parser.CurrentLineNumber + self._lines_before, attributes, [])
            self._depth, self._length = len(self._path), 0
        elif self._item is not None and len(self._path) == self._depth + 1:
            self._begin(self._item, Part(name, attributes))

    def _begin(self, item: XMLItem, part: Part) -> None:
        if len(item.parts) == MAX_PARTS:
            raise InvalidInput.at(f"line {item.line}", f"an item of more than {MAX_PARTS} elements")
        item.parts.append(part)
        self._texts = []

    def _end(self, _: str) -> None:
        if self._item is not None and len(self._path) == self._depth + 1:
            self._item.parts[-1].text = "".join(self._texts)
        elif self._item is not None and len(self._path) == self._depth:
            self._done.append(self._item)
            self._item = None
        self._path.pop()

    def _text(self, data: str) -> None:
        if self._item is not None and len(self._path) > self._depth:
            self._texts.append(data[: max(0, MAX_TEXT - self._length)])
            self._length += len(data)

    def _skipped(self, name: str, is_parameter_entity: bool) -> None:  # noqa: FBT001  # the signature is expat's
        if not is_parameter_entity:
            self._text(html.unescape(f"&{name};"))


def _refuse_entity(name: str, *_: object) -> None:
    raise InvalidInput.at("", f"the document declares the entity {name[:40]!r}")
