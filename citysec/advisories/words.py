"""How people say things: probabilities, counts, times. Pure."""

from __future__ import annotations

from datetime import datetime
from typing import Final

_YARDSTICK: Final = (
    (8, "a remote chance"),
    (23, "highly unlikely"),
    (38, "unlikely"),
    (53, "a realistic possibility"),
    (78, "likely"),
    (93, "highly likely"),
    (101, "almost certain"),
)
"""The UK intelligence community's yardstick; it leaves gaps between its bands, which are split in the middle."""


def probability(confidence: int) -> str:
    """Return the words for a confidence of 0-100, to follow "it is"."""
    return next(words for below, words in _YARDSTICK if confidence < below)


def count(number: int, one: str, many: str | None = None) -> str:
    """Return for instance `1 asset` or `3,000 assets`."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def often(number: int) -> str:
    """Return for instance `once` or `3 times`."""
    return "once" if number == 1 else f"{number:,} times"


def listed(parts: tuple[str, ...]) -> str:
    """Return for instance `a, b and c`."""
    return " and ".join(part for part in (", ".join(parts[:-1]), *parts[-1:]) if part)


def moment(at: datetime) -> str:
    """Return an instant as people in messages read it, for instance `3 June 2026 at 14:05 UTC`."""
    return f"{at.day} {at:%B %Y} at {at:%H:%M} UTC"


def one_line(text: str, longest: int = 300) -> str:
    """Return foreign text without line breaks and control characters, cut to `longest` characters."""
    line = "".join(c if c.isprintable() else " " for c in text)
    return line if len(line) <= longest else line[: longest - 1] + "…"


def defanged(value: str) -> str:
    """Return a hostile name, address or URL so that no mail program makes a link of it."""
    scheme, separator, rest = value.rpartition("://")
    return scheme.replace("tt", "xx") + separator + rest.replace(".", "[.]").replace("@", "[@]")


def refanged(text: str) -> str:
    """Return `text` with what was `defanged` in it, by us or as others do it, in its plain form again."""
    for armed, plain in (("hxxp", "http"), ("[.]", "."), ("(.)", "."), ("[@]", "@"), ("[at]", "@"), ("[:]", ":")):
        text = text.replace(armed, plain)
    return text
