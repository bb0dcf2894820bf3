"""The elements of one JSON array in a file that is too large to be read whole, one by one."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import BinaryIO, Final

from citysec.errors import InvalidInput

MAX_ELEMENT_BYTES: Final = 16 << 20
_CHUNK: Final = 1 << 20
_STRING: Final = rb'"(?:[^"\\]++|\\.)*+"'
_STEP: Final = re.compile(rb'((?:[^"{}\[\]]++|' + _STRING + rb")*+)([{}\[\]])", re.DOTALL)
_SCALAR: Final = re.compile(rb"(" + _STRING + rb'|[^\s,"{}\[\]]++)(?=[\s,\]])', re.DOTALL)
_BETWEEN: Final = re.compile(rb"[\s,]*+(?=[^\s,])")


def elements(file: BinaryIO, member: str) -> Iterator[bytes]:
    """Yield the text of each element of the array that `file` is, or of its first member called `member`.

    Only brackets and strings are looked at; what is between them is for whoever decodes an element.

    Raises:
        InvalidInput: there is no such array, the text ends before it does, or an element is larger than
            `MAX_ELEMENT_BYTES`.
    """
    window = _Window(file)
    window.enter(re.compile(rb'"%s"\s*:\s*\Z' % re.escape(member.encode())))
    while (element := window.element()) is not None:
        yield element


class _Window:
    """The part of the file that is in memory, and where reading stands in it."""

    def __init__(self, file: BinaryIO) -> None:
        self._file, self._held, self._at = file, b"", 0

    def enter(self, name: re.Pattern[bytes]) -> None:
        """Go behind the opening bracket of the array."""
        depth = 0
        while True:
            found = self._next(_STEP)
            if found[2] == b"[" and (depth == 0 or (depth == 1 and name.search(found[1]))):
                return
            depth += 1 if found[2] in b"{[" else -1
            if depth <= 0:
                raise InvalidInput.at("", "the JSON text holds no list of objects")
            self._forget()

    def element(self) -> bytes | None:
        """Return the next element, None at the end of the array."""
        self._next(_BETWEEN)
        self._forget()
        first = self._held[:1]
        if first == b"]":
            return None
        if first not in b"{[":
            return self._next(_SCALAR)[1]
        depth = 0
        while True:
            depth += 1 if self._next(_STEP)[2] in b"{[" else -1
            if depth == 0:
                return self._held[: self._at]

    def _next(self, wanted: re.Pattern[bytes]) -> re.Match[bytes]:
        """Go behind what comes next, reading on until it is whole."""
        while (found := wanted.match(self._held, self._at)) is None:
            if len(self._held) > MAX_ELEMENT_BYTES:
                raise InvalidInput.at("", f"one object is larger than {MAX_ELEMENT_BYTES >> 20} MiB")
            more = self._file.read(_CHUNK)
            if not more:
                raise InvalidInput.at("", "the JSON text is cut off")
            self._held += more
        self._at = found.end()
        return found

    def _forget(self) -> None:
        self._held, self._at = self._held[self._at :], 0
