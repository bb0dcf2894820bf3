"""What HTML says, as text: for summaries and mails."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from typing import Final

_HIDDEN: Final = (
    (re.compile(r"<!--"), re.compile(r"-->")),
    *(
        (re.compile(rf"<{name}\b[^<>]*>", re.IGNORECASE), re.compile(rf"</{name}\s*>", re.IGNORECASE))
        for name in ("script", "style", "head")
    ),
)
_BREAK: Final = re.compile(r"<(?:/?(?:p|div|tr|li|ul|ol|table|h[1-6]|blockquote|pre|dd|dt)|br)\b[^<>]*>", re.IGNORECASE)
_CELL: Final = re.compile(r"</?t[dh]\b[^<>]*>", re.IGNORECASE)
_TAG: Final = re.compile(r"</?[A-Za-z!?][^<>]*>")
_ADDRESS: Final = re.compile(r"\b(?:href|src|action)\s*=\s*(?:\"([^\"<>]*)\"|'([^'<>]*)'|([^\s\"'<>]+))", re.IGNORECASE)
_BLANKS: Final = re.compile(r"[^\S\n]+")


def text_of(markup: str) -> str:
    """Return the text that people see of HTML, with a line for each block."""
    seen = markup
    for opening, closing in _HIDDEN:
        seen = _without(seen, opening, closing)
    seen = _TAG.sub("", _CELL.sub(" ", _BREAK.sub("\n", seen)))
    lines = (_BLANKS.sub(" ", line).strip() for line in html.unescape(seen).replace("\r", "\n").split("\n"))
    return "\n".join(line for line in lines if line)


def _without(markup: str, opening: re.Pattern[str], closing: re.Pattern[str]) -> str:
    """Return `markup` without what stands between two marks; what is never closed stays, so each part is read once."""
    kept: list[str] = []
    at = 0
    while (begin := opening.search(markup, at)) and (end := closing.search(markup, begin.end())):
        kept.append(markup[at : begin.start()])
        at = end.end()
    return " ".join((*kept, markup[at:]))


def addresses(markup: str) -> Iterator[str]:
    """Yield the addresses that HTML links to or loads."""
    for found in _ADDRESS.finditer(markup):
        yield html.unescape(found[1] or found[2] or found[3] or "").strip()
