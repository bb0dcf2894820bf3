"""The elements of one JSON array, in a file that may be larger than memory.

Only brackets and strings are looked at, so that an element that is no JSON, or is nested too deeply for any decoder,
costs itself and not the array. As many elements as are whole in memory are told apart at once, where they are JSON.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from io import BytesIO
from itertools import chain
from typing import BinaryIO, Final

import msgspec
from msgspec import Raw

from citysec.errors import InvalidInput, Problem
from citysec.feeds.formats.escapes import mended

MAX_ELEMENT_BYTES: Final = 16 << 20
MALFORMED: Final = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What decoding JSON of strangers may raise."""
_CHUNK: Final = 64 << 10
"""What is larger than 128 KiB the C library maps anew each time, which took a twelfth of all reading."""
_STRING: Final = rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"'
_PLAIN: Final = rb'[^"{}\[\]]*+'
_TEXT: Final = rb"%b(?:%b%b)*+" % (_PLAIN, _STRING, _PLAIN)
_BETWEEN_BRACKETS: Final = re.compile(_TEXT, re.DOTALL)
_NEST: Final = rb"%b|\[%b\]|\{%b\}" % (_STRING, _TEXT, _TEXT)
_BETWEEN_NESTS: Final = re.compile(rb"%b(?:(?:%b)%b)*+" % (_PLAIN, _NEST, _PLAIN), re.DOTALL)
"""What need not be looked at where depth is all that counts: lists and objects with nothing nested in them, too."""
_SCALAR: Final = re.compile(rb"(?:" + _STRING + rb'|[^\s,"{}\[\]]++)(?=[\s,\]])', re.DOTALL)
_BETWEEN: Final = re.compile(rb"[\s,]*+(?=[^\s,])")
_OPENING: Final = re.compile(rb"(?:\xef\xbb\xbf)?\s*[{\[]")
_BEGINNING: Final = re.compile(rb'"|[{\[][^:"]*"[^"\\]{1,100}"\s*:')
_OUTSIDE: Final = re.compile(_PLAIN)
_INSIDE: Final = re.compile(rb'(?:[^"\\]++|\\.)*+', re.DOTALL)
_ANY_NAME: Final = re.compile(rb'"([^"\\]*+)"\s*:\s*\Z')
_TRIES: Final = 4
_EXCERPT: Final = 60
_list: Final = msgspec.json.Decoder(list[Raw])


def elements(file: BinaryIO, member: str = "") -> Iterator[Raw]:
    """Yield the text of each element of the array that `file` is, or of its first member called `member`.

    Halves of characters are mended. An element that is too large is cut behind one byte more than `MAX_ELEMENT_BYTES`.

    Raises:
        InvalidInput: there is no such array, the text ends before it does, or there is more than one.
        Remark: something follows that is no JSON.
    """
    window, name = _Window(file), _named(member)
    depth = window.enter(name)
    while (element := window.element()) is not None:
        yield Raw(mended(element))
        yield from window.run(element)
    window.leave(depth, name)


def repeats(text: Raw, members: Collection[str]) -> bool:
    """Return whether the object that `text` is has more than one list of a name among `members`."""
    names = {member.encode() for member in members}
    sought = re.escape(*names) if len(names) == 1 else rb'[^"\\]*+'
    written = Counter(re.findall(rb'"(%b)"\s*+:\s*+\[' % sought, memoryview(text)))
    if all(written[name] < 2 for name in names):
        return False
    lists = Counter(_Window(BytesIO(bytes(text))).lists())
    return any(lists[name] > 1 for name in names)


def _named(member: str) -> re.Pattern[bytes]:
    return re.compile(rb'"%b"\s*:\s*\Z' % re.escape(member.encode()))


class Remark(InvalidInput):
    """The JSON text is whole, and is followed by something that is none."""


class _TooLarge(InvalidInput):
    """One thing is larger than may be held in memory."""


class _Window:
    """The part of the file that is in memory: what is still needed of it, and where reading stands in it."""

    def __init__(self, file: BinaryIO) -> None:
        self._file, self._held, self._is_new = file, file.read(_CHUNK), True
        self._kept = self._at = 0

    def enter(self, name: re.Pattern[bytes]) -> int:
        """Go behind the opening bracket of the array, and return how deep in others that is.

        Raises:
            InvalidInput: there is none.
        """
        if _OPENING.match(self._held) is None:
            raise InvalidInput.at("", "this is no JSON")
        if self._bracket(_BETWEEN_BRACKETS) == b"[":
            return 0
        if not self._next_list(name):
            raise InvalidInput.at("", "the JSON text holds no list of objects")
        return 1

    def element(self) -> bytes | None:
        """Return the next element, None at the end of the array."""
        self._kept = self._at
        self._kept = self._next(_BETWEEN).end()
        first = self._held[self._at : self._at + 1]
        if first == b"]":
            return None
        if first not in b"{[":
            return self._next(_SCALAR)[0]
        self._at += 1
        depth = 1
        try:
            while depth:
                depth += 1 if self._bracket(_BETWEEN_NESTS) in b"{[" else -1
            return self._held[self._kept : self._at]
        except _TooLarge:
            return self._passed(depth)

    def leave(self, depth: int, name: re.Pattern[bytes]) -> None:
        """Go from the end of the array to that of the file.

        Raises:
            InvalidInput: the text is cut off, there is another such array, or another JSON text.
            Remark: something else follows.
        """
        self._at += 1
        if depth and self._next_list(name):
            raise InvalidInput.at("", "the JSON text has more than one list of that name")
        for rest in chain((self._held[self._at :],), iter(lambda: self._file.read(_CHUNK), b"")):
            if _OPENING.match(rest):
                raise InvalidInput.at("", "the JSON text is followed by another")
            if said := rest.strip():
                raise Remark.at("", f"followed by other text: {said[:_EXCERPT].decode(errors='replace')}")

    def lists(self) -> Iterator[bytes]:
        """Yield the name of each array in the outermost object."""
        self._bracket(_BETWEEN_BRACKETS)
        while name := self._next_list(_ANY_NAME):
            yield name[1]
            self._skip()

    def _next_list(self, name: re.Pattern[bytes]) -> re.Match[bytes] | None:
        """Go behind the opening bracket of the next array called that, or, if there is none, the object's end."""
        while True:
            self._kept = self._at
            bracket = self._bracket(_BETWEEN_BRACKETS)
            if bracket not in b"{[":
                return None
            if bracket == b"[" and (found := name.search(self._held, self._kept, self._at - 1)):
                return found
            self._skip()

    def _skip(self) -> None:
        """Go behind the end of the array or object that has been entered, without keeping it."""
        depth = 1
        while depth:
            passed = _BETWEEN_NESTS.match(self._held, self._at)
            self._kept = self._at = passed.end() if passed else self._at
            sign = self._held[self._at : self._at + 1]
            if sign in {b"", b'"'}:
                self._read_on()
                continue
            self._at += 1
            depth += 1 if sign in b"{[" else -1

    def run(self, before: bytes) -> Sequence[Raw]:
        """Return the elements that follow `before` in memory, up to the last one that begins like it.

        There is none where that turns out to be inside another one, or one of them is no JSON: they come one by one.
        """
        beginning = _BEGINNING.match(before)
        if beginning is None or not self._is_new:
            return ()
        self._is_new, end = False, len(self._held)
        for _ in range(_TRIES):
            if (end := self._held.rfind(beginning[0], self._at, end)) < 0:
                break
            try:
                found = _list.decode(b"[%b]" % mended(self._held[self._at : end].strip(b", \t\r\n")))
            except MALFORMED:
                continue
            self._at = end
            return found
        return ()

    def _passed(self, depth: int) -> bytes:
        """Go behind the end of an element that is too large, without keeping it, and return its beginning."""
        beginning = self._held[self._kept : self._kept + MAX_ELEMENT_BYTES + 1]
        plain = _OUTSIDE
        while depth:
            stop = plain.match(self._held, self._at)
            self._kept = self._at = stop.end() if stop else self._at
            sign = self._held[self._at : self._at + 1]
            if sign in {b"", b"\\"}:
                self._read_on()
                continue
            self._at += 1
            if sign == b'"':
                plain = _INSIDE if plain is _OUTSIDE else _OUTSIDE
            else:
                depth += 1 if sign in b"{[" else -1
        return beginning

    def _bracket(self, between: re.Pattern[bytes]) -> bytes:
        """Go behind the next bracket, and return it."""
        while True:
            passed = between.match(self._held, self._at)
            self._at = passed.end() if passed else self._at
            sign = self._held[self._at : self._at + 1]
            if sign not in {b"", b'"'}:
                self._at += 1
                return sign
            self._read_on()

    def _next(self, wanted: re.Pattern[bytes]) -> re.Match[bytes]:
        """Go behind what comes next, reading on until it is whole."""
        while (found := wanted.match(self._held, self._at)) is None:
            self._read_on()
        self._at = found.end()
        return found

    def _read_on(self) -> None:
        """Take more of the file into memory.

        Raises:
            _TooLarge: what is needed fills the memory.
            InvalidInput: there is no more.
        """
        if len(self._held) - self._kept > MAX_ELEMENT_BYTES:
            raise _TooLarge([Problem("", f"something is larger than {MAX_ELEMENT_BYTES >> 20} MiB")])
        some = max(_CHUNK, (len(self._held) - self._kept) // 2)  # large elements would be gone over too often
        more = self._file.read(some)
        if not more:
            raise InvalidInput.at("", "the JSON text is cut off")
        self._held, self._at, self._kept = self._held[self._kept :] + more, self._at - self._kept, 0
        self._is_new = True
