"""Indicators in free text: found, made sharp, told apart from what only looks like one, each with its sentence.

What a text defangs counts always. What stands there plainly must be plausible (`plausible.py`).

Source:
    The rules are ours; `candidates.py` says which forms there are.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from enum import StrEnum
from typing import Final

import msgspec

from citysec import blocks, observable
from citysec.errors import InvalidInput
from citysec.feeds.formats.candidates import Candidate, candidates
from citysec.feeds.formats.defang import sharp
from citysec.feeds.formats.plausible import is_plausible
from citysec.feeds.formats.values import Value, value
from citysec.observable import Kind, Observable

_LINE: Final = re.compile(r"\r\n|\r|\n")
_BETWEEN: Final = re.compile(r"(?<=[.!?])\s+(?=[A-Z\"'(])")
_BULLETS: Final = " \t-*•·>#|"
_BLANK: Final = re.compile(r"\s")
_WORD: Final = re.compile(r"[^\W\d_]{2}")
_AROUND: Final = 150
MOST: Final = 100_000
"""Most observables in one text: what has more is a list, and is read as one without holding it in memory."""
_HEADING: Final = 200


class Plain(StrEnum):
    """Whether names, URLs and mail addresses count that are written plainly, so that anybody may follow them."""

    AUTO = "auto"
    """Only where the text defangs nothing: else they are what it refers to."""
    ALWAYS = "always"
    NEVER = "never"


class Found(msgspec.Struct, frozen=True):
    """An observable in a text.

    Args:
        value: in canonical form, with the port.
        at: where it stands first, for instance `line 12`.
        column: where in that line, from 1.
        sentence: what stands around it, as it is written there.
        defanged: it is written so that nobody follows it.
    """

    value: Value
    at: str
    column: int
    sentence: str
    defanged: bool

    @property
    def is_link(self) -> bool:
        """Whether it may as well be what the text refers to: a name, a URL or a mail address, plainly written."""
        return not self.defanged and self.value.observable.kind in {Kind.NAME, Kind.URL, Kind.MAILBOX}


def extract(text: str, ignore: Collection[str] = ()) -> list[Found]:
    """Return the observables in `text`, each once, in their order.

    Args:
        text: anything.
        ignore: names (with all below them), addresses and blocks (with all in them), mail addresses, hashes and URLs
            that are no news, for instance our own; what is none of them ignores nothing.
    """
    return extracted(((f"line {number}", line) for number, line in enumerate(_LINE.split(text), 1)), ignore)


def extracted(lines: Iterable[tuple[str, str]], ignore: Collection[str] = ()) -> list[Found]:
    """Return the observables in lines with their places; as `extract`.

    Raises:
        InvalidInput: there are more than `MOST`.
    """
    ignored = _Ignored(ignore)
    known: dict[tuple[Kind, str], Found] = {}
    heading = ""
    for at, line in lines:
        meant = sharp(line)
        for one in candidates(meant):
            about = one.value.observable
            first = known.get((about.kind, about.key))
            start, end = meant.origin(one.start), meant.origin(one.end)
            if first is None and (_is_sure(one, line[start:end]) or is_plausible(about, one.written, one.before)):
                known[about.kind, about.key] = Found(
                    one.value, at, start + 1, _sentence(line, start, end, heading), one.defanged
                )
            elif first is not None and one.defanged and not first.defanged:
                known[about.kind, about.key] = msgspec.structs.replace(first, defanged=True)
        if len(known) > MOST:
            raise InvalidInput.at(at, f"more than {MOST:,} observables: this is a list, and no text")
        if line.rstrip().endswith(":"):
            heading = line.strip()[:_HEADING]
    return [found for found in known.values() if not ignored.covers(found.value.observable)]


def _is_sure(one: Candidate, original: str) -> bool:
    """Return whether it was certainly meant as an observable: with blanks around a dot in brackets it may be prose."""
    return one.defanged and _BLANK.search(original) is None


def counted(found: Collection[Found], plain: Plain = Plain.AUTO) -> list[Found]:
    """Return those of `found` that count."""
    if plain is Plain.ALWAYS or (plain is Plain.AUTO and not any(one.defanged for one in found)):
        return list(found)
    return [one for one in found if not one.is_link]


def _sentence(line: str, start: int, end: int, heading: str) -> str:
    """Return the sentence around a part of `line`, with the heading where the line says nothing else."""
    low, high = max(0, start - _AROUND), min(len(line), max(end, start + _AROUND))
    before = [found.end() for found in _BETWEEN.finditer(line, low, start)]
    after = _BETWEEN.search(line, end, high)
    begin, stop = before[-1] if before else low, after.start() if after else high
    sentence = line[begin:stop].strip().lstrip(_BULLETS)
    around = line[begin:start] + " " + line[end:stop]
    return f"{heading} {sentence}" if heading and not _WORD.search(around) else sentence


class _Ignored:
    """What is no news."""

    def __init__(self, texts: Iterable[str]) -> None:
        known = list(_readable(texts))
        self._above = {one.key for one in known if one.kind in {Kind.NAME, Kind.IP}}
        self._exact = {(one.kind, one.key) for one in known}

    def covers(self, found: Observable) -> bool:
        """Return whether `found` is ignored itself, or is below a name or in a block that is."""
        if (found.kind, found.key) in self._exact:
            return True
        about = observable.url(found.value)[1] if found.kind is Kind.URL else found
        match about.kind:
            case Kind.IP:
                return any(key in self._above for key in blocks.around(about.key))
            case Kind.NAME | Kind.MAILBOX:
                name = about.key.partition("@")[0]
                return name in self._above or any(key in self._above for key in observable.parents(name))
            case _:
                return False


def _readable(texts: Iterable[str]) -> Iterator[Observable]:
    for text in texts:
        try:
            yield value(text).observable
        except InvalidInput:
            continue
