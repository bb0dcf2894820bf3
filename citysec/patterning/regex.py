# pyright: basic
"""Border to google-re2: regular expressions from outside, matched in linear time, never by backtracking.

Source:
    STIX 2.1 §9.6.1: MATCHES is a search, LIKE covers the whole value (`%` any run, `_` one character). What RE2 does
    not know (look-around, back-references) is refused.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from typing import Final

import re2

from citysec.errors import NotEvaluable

MAX_LENGTH: Final = 2000
LARGE: Final = 128
"""Instructions of RE2 above which an expression may take long: where its states are too many, it tries each on each."""
_PIECE_BYTES: Final = 2048
_MAX_BYTES: Final = 1 << 20
"""What an expression may take compiled; RE2's own limit of 8 MiB lets one take a tenth of a second."""
_WILDCARDS: Final = {"%": ".*", "_": "."}
_APART: Final = re.compile(r"[ ./\n]")
_WHOLE_TEXT: Final = re.compile(r"\\[AzC]|\(\?[a-zA-Z-]*m")
_PIECE: Final = re.compile(r"\\.|\[\^?[^\[\]\\^][^\[\]\\]*\]|\{[^{}]*\}|.", re.DOTALL)
_BREAKS: Final = frozenset((".", "^", "$", r"\d", r"\D", r"\w", r"\W", r"\s", r"\S", r"\b", r"\B"))
_REPEATS: Final = ("*", "?", "{", "+")
_DELIMITED: Final = re.compile(r"/(.*)/([A-Za-z]*)", re.DOTALL)
_FLAGS: Final = frozenset("ims")
_OPAQUE: Final = frozenset("()|[]{}")
_END: Final = re.compile(r"\\.|\[\^?\]?(?:\\.|\[:\^?[a-z]+:\]|[^\]\\])*+\]|(\$)", re.DOTALL)
_OTHER_ENDS: Final = re.compile(r"\\Q|\(\?[a-zA-Z-]*m")


class Finder:
    """Tells whether a text, or octets, hold what an expression asks for; `size` is that of its program in RE2."""

    __slots__ = ("_octets", "_texts", "_written", "size")

    def __init__(self, written: str, shown: str) -> None:
        self._written = written
        self._texts = _checked(written, shown, _values())
        self._octets: list[re2._Regexp | None] = []
        self.size: int = self._texts.programsize

    def __call__(self, value: str | bytes) -> bool:
        """Return whether it is in `value`; octets are matched as characters below U+0100."""
        if isinstance(value, str):
            return self._texts.search(_utf_8(value)) is not None
        if not self._octets:
            self._octets.append(_of_octets(self._written))
        return self._octets[0] is not None and self._octets[0].search(value) is not None


class Expression:
    """An expression on lines: text that consists of one value a line.

    `literal` is a text that every matching value contains: looking for that first saves most of the work, the
    compilation included. `labels` are the whole parts of it: each value that matches has them among its `parts`.
    """

    __slots__ = ("_literal", "_pattern", "labels")

    def __init__(self, pattern: str, literal: str = "") -> None:
        self._pattern, self._literal = pattern, _utf_8(literal)
        self.labels = tuple(parts(literal)[1:-1])

    def check(self) -> None:
        """Do nothing if the expression can be evaluated.

        Raises:
            NotEvaluable: RE2 does not know it, or it is too large.
        """
        _checked(self._pattern, self._pattern, _lines())

    def matching(self, lines: bytes, go_on: Callable[[], None] | None = None) -> Iterator[str]:
        """Yield each line that matches, in order.

        Args:
            lines: begins and ends with a line break; `check` has passed.
            go_on: asked again and again while a large expression is tried, and raises where it is to be given up.
        """
        if not self._literal and not _WHOLE_TEXT.search(self._pattern):
            expression = _compile(f"(?m){self._pattern}")
            large = go_on is not None and expression.programsize > LARGE
            for piece in _pieces(lines) if large else (lines,):
                yield from _anywhere(expression, piece)
                if large and go_on:
                    go_on()
            return
        candidates = _holding(self._literal, lines) if self._literal else filter(None, lines.split(b"\n"))
        expression = None
        for line in candidates:
            expression = expression or _compile(self._pattern)
            if expression.search(line):
                yield line.decode()
            if go_on is not None and expression.programsize > LARGE:
                go_on()


def _anywhere(expression: re2._Regexp, lines: bytes) -> Iterator[str]:
    """Search all lines at once: ten times as fast as one by one."""
    at = 1
    while at < len(lines) and (found := expression.search(lines, at)) is not None:
        start, end = lines.rfind(b"\n", 0, found.start()) + 1, lines.find(b"\n", found.start())
        if end < 0 or start >= len(lines):
            return
        yield lines[start:end].decode()
        at = end + 1


def _pieces(lines: bytes) -> Iterator[bytes]:
    """Yield the lines in pieces of some 2 kB, each of which begins and ends with a line break."""
    start = 0
    while start < len(lines) - 1:
        end = lines.find(b"\n", start + _PIECE_BYTES)
        end = len(lines) - 1 if end < 0 else end
        yield lines[start : end + 1]
        start = end


def _holding(literal: bytes, lines: bytes) -> Iterator[bytes]:
    """Yield each line that holds `literal`, once."""
    at = lines.find(literal)
    while at >= 0:
        end = lines.index(b"\n", at)
        yield lines[lines.rindex(b"\n", 0, at) + 1 : end]
        at = lines.find(literal, end)


def parts(text: str) -> list[str]:
    """Return what dots, slashes, blanks and line breaks part: of a name its labels, of a URL those of its host, too."""
    return _APART.split(text)


def one_a_line(values: Iterable[str]) -> str:
    """Return values one a line, as `Expression.matching` takes them; none of them has a line break in it."""
    return "\n".join(("", *values, ""))


def composed(text: str) -> str:
    """Return text as LIKE and MATCHES compare it (STIX 2.1 §9.6.2)."""
    return unicodedata.normalize("NFC", text)


def matches(pattern: str) -> Expression:
    """Return what finds the values that MATCHES `pattern`."""
    return Expression(pattern, _required(pattern))


def searching(pattern: str) -> Callable[[str], bool]:
    """Return what tells whether a text holds what MATCHES `pattern`, compiled once; `check` has passed."""
    expression = _compile(pattern)
    return lambda text: expression.search(_utf_8(text)) is not None


def matching(pattern: str) -> Finder:
    """Return what tells whether a text, or octets, hold what MATCHES `pattern`.

    Line breaks are characters as any other; `$` is what PCRE has it be: the end, or a line break that ends the text.

    Raises:
        NotEvaluable: RE2 does not know it, or it is too large.
    """
    other = _OTHER_ENDS.search(pattern)
    return Finder(
        pattern if other else _END.sub(lambda found: r"(?:\n?\z)" if found[1] else found[0], pattern), pattern
    )


def liking(pattern: str) -> Finder:
    """Return what tells whether a text, or octets, are as a whole LIKE `pattern`.

    Raises:
        NotEvaluable: it is too large.
    """
    return Finder(f"^(?:{_from_like(pattern)})$", pattern)


def undelimited(pattern: str) -> str:
    """Return an expression as RE2 writes it; PCRE may put it between slashes, with flags behind them."""
    found = _DELIMITED.fullmatch(pattern)
    if found is None:
        return pattern
    flags = "".join(sorted(set(found[2]) & _FLAGS))
    return f"(?{flags}){found[1]}" if flags else found[1]


def like(pattern: str) -> Expression:
    """Return what finds the values that are LIKE `pattern`."""
    return Expression(f"^(?:{_from_like(pattern)})$", max(re.split("[%_]", pattern), key=len))


def _from_like(pattern: str) -> str:
    return "".join(_WILDCARDS.get(piece) or re.escape(piece) for piece in re.split("([%_])", pattern))


def _checked(pattern: str, shown: str, options: re2.Options) -> re2._Regexp:
    if len(pattern) > MAX_LENGTH:
        raise NotEvaluable.at("", f"the expression is longer than {MAX_LENGTH} characters")
    try:
        return re2.compile(_utf_8(pattern), options)
    except re2.error as err:
        reason = err.args[0].decode() if isinstance(err.args[0], bytes) else err.args[0]
        raise NotEvaluable.at("", f"{shown!r} is not an expression of RE2: {reason}") from err


def _compile(pattern: str) -> re2._Regexp:
    return re2.compile(_utf_8(pattern), _lines())


def _of_octets(pattern: str) -> re2._Regexp | None:
    """Return the expression for octets, None where it has characters that no octet stands for."""
    options = _values()
    options.encoding = re2.Options.Encoding.LATIN1
    try:
        return re2.compile(pattern.encode("latin-1"), options)
    except UnicodeEncodeError:
        return None


def _values() -> re2.Options:
    """Return how values are searched that may have line breaks in them."""
    options = re2.Options()
    options.log_errors = False
    options.max_mem = _MAX_BYTES
    options.dot_nl = True
    return options


def _lines() -> re2.Options:
    """Return how lines of values are searched, none of which has a line break in it."""
    options = re2.Options()
    options.log_errors = False
    options.max_mem = _MAX_BYTES
    options.never_nl = True  # so that no match runs over the end of a line
    return options


def _utf_8(text: str) -> bytes:
    """Return `text` as RE2 takes it; halves of characters, which JSON can have, are none that it finds or takes."""
    return text.encode("utf-8", "surrogatepass")


def _required(pattern: str) -> str:
    """Return the longest plain text that every match contains, empty where that cannot be seen at a glance."""
    runs = [""]
    for piece in _PIECE.findall(pattern):
        if piece.startswith(_REPEATS) and piece != "{":
            runs[-1] = runs[-1] if piece == "+" else runs[-1][:-1]
            runs.append("")
        elif piece in _BREAKS or piece[0] == "[" != piece:
            runs.append("")
        elif piece in _OPAQUE or (piece[0] == "\\" and (piece == "\\" or piece[1].isalnum())):
            return ""
        else:
            runs[-1] += piece[-1]
    return max(runs, key=len)
