"""The values of a pattern: what a token that stands for one means.

Source:
    STIX 2.1 §9.2 (constants) and §2.16 (times).
"""

from __future__ import annotations

import re
from base64 import b64decode
from binascii import unhexlify
from datetime import UTC, datetime, timedelta
from typing import Final

from citysec.errors import InvalidInput
from citysec.patterning import wording
from citysec.patterning.syntax import Literal, NoTime
from citysec.patterning.tokens import Form, Token

MAX_DIGITS: Final = 400
"""Longest number, in characters; JSON's go to 17 digits, floating-point numbers to 309."""

_TIME: Final = re.compile(
    r"([0-9]{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])T(?:[01][0-9]|2[0-3]):[0-5][0-9]:)"
    r"([0-5][0-9]|60)((?:\.[0-9]+)?)Z"
)


def value(token: Token) -> Literal:
    """Return what `token` means.

    Raises:
        InvalidInput: it stands for no value.
    """
    match token.form:
        case Form.STRING:
            return unquoted(token.text)
        case Form.INT:
            return int(_short(token))
        case Form.FLOAT:
            return float(_short(token))
        case Form.HEX | Form.BASE64:
            return _octets(token)
        case Form.TIME:
            return time(token)
        case Form.WORD if token.text in {"true", "false"}:
            return token.text == "true"
        case _:
            hint = "; texts stand in single quotes" if token.form in {Form.WORD, Form.PATH, Form.TEST} else ""
            raise InvalidInput.at(f"character {token.at}", f"expected a value, {wording.instead(token)}{hint}")


def unquoted(text: str) -> str:
    """Return what a literal in quotes means."""
    return unescaped(text[1:-1])


def unescaped(text: str) -> str:
    """Return what stands between the quotes: only the quote and the backslash are escaped, by a backslash."""
    if "\\" not in text:
        return text
    return "\\".join([piece.replace("\\'", "'") for piece in text.split("\\\\")])


def time(token: Token) -> datetime | NoTime:
    """Return the instant that `token` writes, as `t'…'` or as a plain string.

    Raises:
        InvalidInput: it is not written as a time in UTC.
    """
    text = unquoted(token.text.removeprefix("t"))
    found = instant(text)
    if found is None:
        raise InvalidInput.at(f"character {token.at}", f"{text[:40]!r} is not a time in UTC")
    return found


def instant(text: str) -> datetime | NoTime | None:
    """Return the instant that `text` writes, exact to the microsecond; None where it is not written as a STIX time.

    A leap second is the second after it, as in POSIX.
    """
    found = _TIME.fullmatch(text)
    if found is None:
        return None
    minute, second, fraction = found.groups()
    leap = second == "60"
    try:
        read = datetime.fromisoformat(f"{minute}{'59' if leap else second}{fraction}").replace(tzinfo=UTC)
        return read + timedelta(seconds=leap)
    except (ValueError, OverflowError):
        return NoTime(text)


def comparable(value: Literal) -> type[Literal]:
    """Return what stands for all types whose values may stand in one list."""
    match value:
        case bool() | str() | bytes():
            return type(value)
        case int() | float():
            return float
        case datetime() | NoTime():
            return datetime


def _short(token: Token) -> str:
    if len(token.text) > MAX_DIGITS:
        raise InvalidInput.at(f"character {token.at}", f"a number of more than {MAX_DIGITS} characters")
    return token.text


def _octets(token: Token) -> bytes:
    text = token.text[2:-1]
    try:
        if token.form is Form.HEX:
            return unhexlify(text)
        if found := b64decode(text.replace("\r", "").replace("\n", ""), validate=True):
            return found
    except ValueError:
        pass
    raise InvalidInput.at(f"character {token.at}", f"{text[:40]!r} is not {token.form}")
