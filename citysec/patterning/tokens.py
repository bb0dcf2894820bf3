"""The words of a STIX pattern, each with its place.

Source:
    STIX 2.1 §9.2; comments and the spellings `==` and `<>` are those of the OASIS reference grammar.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import StrEnum
from functools import lru_cache
from typing import Final

import msgspec

from citysec.errors import InvalidInput

MAX_LENGTH: Final = 512 << 10
"""Longest pattern read, in characters."""


class Form(StrEnum):
    """What a token looks like; the names are those of the groups in the expression below.

    `TEST` is the commonest comparison in one piece, path, `=` and string: reading it so takes a third of the time.
    """

    TEST = "test"
    PATH = "path"
    STRING = "string"
    HEX = "hex"
    BASE64 = "base64"
    TIME = "time"
    FLOAT = "float"
    INT = "int"
    WORD = "word"
    OPERATOR = "operator"
    MARK = "mark"
    END = "end"


class Token(msgspec.Struct, frozen=True, gc=False):
    """One word of a pattern; `at` is the index of its first character. A test has its `path` beside the text."""

    form: Form
    text: str
    at: int
    path: str = ""


WHITE: Final = r"[ \t-\r\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]"
BLANKS: Final = rf"(?:{WHITE}++|//[^\r\n]*+|/\*.*?\*/)*+"
"""What may stand between two words: white space as Unicode has it, and comments."""

CHARACTERS: Final = r"[^'\\]*+(?:\\['\\][^'\\]*+)*+"
STRING: Final = f"'{CHARACTERS}'"
_IDENTIFIER: Final = r"[A-Za-z_][A-Za-z0-9_]*+"
_INDEX: Final = r"[+-]?(?:0|[1-9][0-9]*+)"
_STEP: Final = rf"(?:{_IDENTIFIER}|{STRING})"
_FURTHER: Final = rf"{BLANKS}\.{BLANKS}{_STEP}|{BLANKS}\[{BLANKS}(?:{_INDEX}|\*){BLANKS}\]"
_PATH: Final = rf"[A-Za-z_][A-Za-z0-9_-]*+{BLANKS}:{BLANKS}{_STEP}(?:{_FURTHER})*+"
_GROUPS: Final = (
    (Form.TEST, rf"({_PATH}){BLANKS}=(?!=){BLANKS}({STRING})"),
    (Form.PATH, _PATH),
    (Form.HEX, rf"h{STRING}"),
    (Form.BASE64, rf"b{STRING}"),
    (Form.TIME, rf"t{STRING}"),
    (Form.STRING, STRING),
    (Form.FLOAT, r"[+-]?[0-9]*+\.[0-9]++"),
    (Form.INT, rf"{_INDEX}(?![0-9])"),
    (Form.WORD, _IDENTIFIER),
    (Form.OPERATOR, r"==|!=|<>|<=|>=|[=<>]"),
    (Form.MARK, r"[\[\](),]"),
)
_TOKEN: Final = re.compile(
    BLANKS + "(?:" + "|".join(f"(?P<{form}>{expression})" for form, expression in _GROUPS) + ")", re.DOTALL
)
_OTHER_QUOTES: Final = '"`\xb4\u2018\u2019\u201c\u201d\u201e'
_FORMS: Final = {_TOKEN.groupindex[form]: form for form, _ in _GROUPS}
_BLANK: Final = re.compile(BLANKS, re.DOTALL)
_BLANKS_OR_TEXT: Final = re.compile(rf"('(?:[^'\\]|\\.)*')|{BLANKS}", re.DOTALL)
_NAME: Final = re.compile(r"'(?:[^'\\]|\\.)*'|[A-Za-z_][A-Za-z0-9_-]*")
KEYWORDS: Final = frozenset((
    *("AND", "OR", "NOT", "FOLLOWEDBY", "IN", "LIKE", "MATCHES", "ISSUBSET", "ISSUPERSET", "EXISTS", "LAST", "START"),
    *("STOP", "WITHIN", "SECONDS", "REPEATS", "TIMES", "true", "false"),
))  # fmt: skip


def tokens(pattern: str) -> Iterator[Token]:
    """Yield the tokens of `pattern`, the last of form `END`.

    Raises:
        InvalidInput: a character fits nowhere, or the pattern is too long.
    """
    if len(pattern) > MAX_LENGTH:
        raise InvalidInput.at(f"character {MAX_LENGTH}", f"the pattern is longer than {MAX_LENGTH} characters")
    at = 0
    while (found := _TOKEN.match(pattern, at)) is not None and (group := found.lastindex) is not None:
        if group == 1:
            yield Token(Form.TEST, found[3], found.start(1), found[2])
        else:
            yield Token(_FORMS[group], found[group], found.start(group))
        at = found.end()
    blank = _BLANK.match(pattern, at)
    at = blank.end() if blank else at
    if at < len(pattern):
        raise InvalidInput.at(f"character {at}", f"{pattern[at : at + 20]!r} {_stray(pattern[at])}")
    yield Token(Form.END, "", at)


def _stray(character: str) -> str:
    """Return what is said of a text that begins with `character`, and with which no token begins."""
    if character == "'":
        return "is a text without an end: a quote is missing"
    if character in _OTHER_QUOTES:
        return "is no text: texts stand in straight single quotes (')"
    return "is not part of the pattern language"


@lru_cache(maxsize=4096)
def path_text(text: str) -> str | None:
    """Return a path without its blanks, None where a keyword stands for one of its names."""
    path = _BLANKS_OR_TEXT.sub(lambda found: found[1] or "", text)
    return None if KEYWORDS.intersection(_NAME.findall(path)) else path
