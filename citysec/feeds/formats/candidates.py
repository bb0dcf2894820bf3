"""What in a text has the form of an observable, and where it ends.

Source:
    RFC 3986 for URLs, RFC 1035 and RFC 5890 for names, RFC 5322 for mail addresses, RFC 4291 §2.2 for IPv6;
    `observable` judges what the forms let through.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

from citysec.errors import InvalidInput
from citysec.feeds.formats.defang import Sharp
from citysec.feeds.formats.spellings import MAX_VALUE
from citysec.feeds.formats.values import Value, value

_OCTETS: Final = r"(?:[0-9]{1,3}\.){3}[0-9]{1,3}"
_HEX: Final = "[0-9A-Fa-f]"
_NAME: Final = r"(?:\w(?:[\w-]{0,61}\w)?\.)+[^\W\d_][\w-]{1,62}"
_REST: Final = r"""[^\s<>"`|^{}\\]"""
_CANDIDATE: Final = re.compile(
    rf"""
    (?P<url>(?<![^\W_])(?:https?|ftps?|wss?|tcp|udp|ldaps?)://{_REST}++)
    | (?P<mail>(?<![\w.%+-])[\w.%+-]{{1,64}}@{_NAME})
    | (?P<cve>\bCVE[-\u2010-\u2013][0-9]{{4}}[-\u2010-\u2013][0-9]{{4,19}}\b)
    | (?P<hash>(?<![^\W_])(?:{_HEX}{{32}}){{1,2}}+(?:{_HEX}{{8}}|{_HEX}{{32}}|{_HEX}{{64}})?(?![^\W_]))
    | (?P<v6>(?<![\w:.])(?={_HEX}{{0,4}}:)(?:{_HEX}{{0,4}}:){{2,7}}(?:{_OCTETS}|{_HEX}{{0,4}})
        (?:/[0-9]{{1,3}})?(?![\w:]))
    | (?P<as>\bAS[0-9]{{4,10}}\b)
    | (?<![\w@.$%~\\/-])(?:(?P<octets>{_OCTETS})(?!\w|\.[0-9]|-[A-Za-z])|(?P<name>{_NAME})(?!\())
        (?P<port>:[0-9]{{1,5}}(?![0-9]))?(?P<path>/{_REST}*+)?
    """,
    re.VERBOSE,
)
_TRAILING: Final = frozenset(".,;:!?'*…’”")
_PAIRS: Final = {")": "(", "]": "[", "}": "{"}
_DASHES: Final = str.maketrans(dict.fromkeys("\u2010\u2011\u2012\u2013", "-"))
_LENGTH: Final = re.compile(r"/[0-9]{1,2}")
_BEFORE: Final = 20


class Candidate(NamedTuple):
    """What has the form of an observable.

    Args:
        value: what it would be.
        written: as it stands in the sharp text.
        before: a few characters of the text before it.
        start: where it begins in the sharp text.
        end: where it ends there.
        defanged: it was written so that nobody follows it.
    """

    value: Value
    written: str
    before: str
    start: int
    end: int
    defanged: bool


def candidates(meant: Sharp) -> Iterator[Candidate]:
    """Yield what has the form of an observable in a sharp text, in its order."""
    for match in _CANDIDATE.finditer(meant.text):
        written, start = _written(match), match.start()
        if len(written) > MAX_VALUE:
            continue
        try:
            found = value(written)
        except InvalidInput:
            continue
        end, before = start + len(written), meant.text[max(0, start - _BEFORE) : start]
        yield Candidate(found, written, before, start, end, meant.was_blunt(start, end))


def _written(match: re.Match[str]) -> str:
    """Return of a candidate what belongs to it, and not to the text around it."""
    if match["cve"]:
        return match[0].translate(_DASHES)
    host = match["octets"] or match["name"]
    if host is None:
        return _trimmed(match[0])
    rest = _trimmed(match["path"] or "")
    if match["octets"] and match["port"] is None and _LENGTH.fullmatch(rest):
        return host + rest
    return host + (match["port"] or "") + (rest if len(rest) > 1 else "")


def _trimmed(written: str) -> str:
    """Return `written` without closing punctuation, and without brackets that close what it does not open."""
    unpaired = {closing: written.count(closing) - written.count(opening) for closing, opening in _PAIRS.items()}
    end = len(written)
    while end and ((last := written[end - 1]) in _TRAILING or unpaired.get(last, 0) > 0):
        if last in unpaired:
            unpaired[last] -= 1
        end -= 1
    return written[:end]
