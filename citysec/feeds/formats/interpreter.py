"""From one record of a table or of JSON to entries, as a profile says."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any, Final, cast

from msgspec.structs import replace

from citysec.errors import InvalidInput
from citysec.feeds.formats import markings, members, times
from citysec.feeds.formats.draft import Entry, Subject
from citysec.feeds.formats.profile import ANY, Profile, reader_of
from citysec.feeds.formats.spellings import kind_of, several
from citysec.feeds.formats.text import LOST
from citysec.feeds.formats.values import Reader, Value
from citysec.observable import Kind

Get = Callable[[str], object]
"""Returns what a record says under a name: a text, another JSON value, or None for nothing."""

_NOTHING: Final = frozenset({"", "-", "n/a", "na", "none", "null", "nan"})
_GRADES: Final = {"low": 15, "medium": 50, "moderate": 50, "high": 85}
"""STIX 2.1, appendix A: the scale of three words."""
_LABELS: Final = 20
_WORD: Final = 100
_NAME: Final = 200
_SENTENCES: Final = 2000
_REFERENCES: Final = 10


class Interpreter:
    """Makes entries of records that all mean what one profile says."""

    def __init__(self, profile: Profile) -> None:
        self._profile, self._fields = profile, profile.fields
        self._values = [(name, reader_of(kind), kind == ANY) for name, kind in profile.values.items()]
        self.is_flat = all(name and name[0] != "/" for name in profile.names())
        self._kinds = {word.lower(): kind for word, kind in profile.kinds.items()}
        self._words = {word.lower(): ours for word, ours in profile.words.items()}
        self._labels = lru_cache(maxsize=1024)(self._labels_of)  # few labels, many records
        self._reader_of_word = lru_cache(maxsize=64)(self._declared_reader)
        self._facts = [(name, _last(name)) for name in profile.fields.facts]

    def entries(self, at: str, get: Get) -> tuple[list[Entry], list[str]]:
        """Return an entry for each observable of the record at `at`, and what is wrong with the others.

        Args:
            at: where the record stands.
            get: gives what it says.
        """
        found, faults = self._observables(get)
        if found:
            said = self._said(at, get)
            return [_about(value, said) for value in found], faults
        return [], faults or [f"nothing in {', '.join(self._profile.values)}"]

    def _observables(self, get: Get) -> tuple[list[Value], list[str]]:
        """Return the observables of a record, and why some of what it says is none."""
        found: list[Value] = []
        faults: list[str] = []
        for name, read, is_any in self._values:
            for text in _texts(get(name)):
                try:
                    found += self._several(text, get, self._reader(get, read) if is_any else read)
                except InvalidInput as err:
                    faults.append(f"{name}: {err}" if name else str(err))
        return found, faults

    def _several(self, text: str, get: Get, read: Reader) -> tuple[Value, ...]:
        if LOST in text:
            raise InvalidInput.at("", "bytes that are no text")
        prefix = _text(get(self._fields.prefix)) if self._fields.prefix else None
        return several(f"{text}/{prefix}" if prefix else text, read)

    def _reader(self, get: Get, default: Reader) -> Reader:
        """Return what reads the value of a record that says itself of what kind it is.

        Raises:
            InvalidInput: of a kind that no entry can be about.
        """
        field = self._profile.fields.kind
        word = _text(get(field)) if field else None
        return default if word is None else self._reader_of_word(word)

    def _declared_reader(self, word: str) -> Reader:
        kind = self._kinds.get(word.lower()) or kind_of(word)
        if kind is None:
            raise InvalidInput.at("", f"the kind {word[:_WORD]!r} is not known")
        return reader_of(kind)

    def _said(self, at: str, get: Get) -> Entry:
        """Return what a record says of its observables, whichever they are."""
        fields = self._fields
        facts: dict[str, Any] = {short: fact for name, short in self._facts if (fact := _fact(get(name))) is not None}
        if fields.port and (port := _port(get(fields.port))) is not None:
            facts["port"] = port
        return Entry(
            at=at,
            key="",
            name=(_line(_NAME, get(fields.threat)) if fields.threat else None) or self._profile.threat,
            labels=self._labels(_all_texts(fields.labels, get)) if fields.labels else (),
            confidence=_confidence(get(fields.confidence)) if fields.confidence else None,
            since=self._date(fields.since, get, facts) if fields.since else None,
            seen=self._date(fields.seen, get, facts) if fields.seen else None,
            until=self._date(fields.until, get, facts) if fields.until else None,
            description=_line(_SENTENCES, get(fields.description)) if fields.description else None,
            references=_links(_all_texts(fields.references, get)) if fields.references else (),
            marking_refs=_markings(get(fields.tlp)) if fields.tlp else (),
            facts=facts,
        )

    def _date(self, name: str, get: Get, facts: dict[str, Any]) -> datetime | None:
        """Return a date; one that cannot be read becomes a fact, for it would be lost otherwise."""
        written = get(name)
        found = self._instant(written)
        if found is None and (fact := _fact(written)) is not None:
            facts[_last(name)] = fact
        return found

    def _instant(self, said: object) -> datetime | None:
        return times.written(said, self._profile.dates) if isinstance(said, str) else times.instant(said)

    def _labels_of(self, said: tuple[str, ...]) -> tuple[str, ...]:
        words = (word for text in said for raw in text.split(",") if (word := raw.strip().lower()))
        ours = (self._words.get(word, word)[:_WORD] for word in words)
        return tuple(dict.fromkeys(ours))[:_LABELS]


def _about(value: Value, said: Entry) -> Entry:
    """Return the entry about one observable, of which that is said."""
    facts = said.facts if value.port is None else {**said.facts, "port": value.port}
    if value.observable.kind is Kind.CVE:
        return replace(said, subject=Subject.VULNERABILITY, key=value.observable.value, facts=facts)
    return replace(said, key=value.pattern, facts=facts, observables=value.observables)


def _last(name: str) -> str:
    """Return the last step of a JSON pointer, and any other name as it is."""
    return name.rpartition("/")[2]


def _line(longest: int, value: object) -> str | None:
    written = _text(value)
    return written[:longest] if written else None


def _text(value: object) -> str | None:
    """Return what a cell or member says, None where it says that it says nothing."""
    if isinstance(value, str):
        written = value.strip()
        if len(written) < 5 and written.lower() in _NOTHING:
            return None
        return written.replace("\0", LOST) if "\0" in written else written  # PostgreSQL has no way to write NUL
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _texts(value: object) -> Sequence[str]:
    if isinstance(value, list):
        return [written for one in cast("list[object]", value) if (written := _text(one)) is not None]
    written = _text(value)
    return () if written is None else (written,)


def _all_texts(names: Sequence[str], get: Get) -> tuple[str, ...]:
    return tuple([text for name in names for text in _texts(get(name))])


def _links(said: tuple[str, ...]) -> tuple[str, ...]:
    links = [text for text in said if text.startswith(("https://", "http://")) and len(text) <= _SENTENCES]
    return tuple(dict.fromkeys(links))[:_REFERENCES]


def _fact(value: object) -> Any:
    if isinstance(value, str):
        written = _text(value)
        return written[:_SENTENCES] if written else None
    if isinstance(value, list):
        return [text[:_SENTENCES] for text in _texts(cast("object", value))] or None
    return value if isinstance(value, bool | int | float) else None


def _port(value: object) -> int | None:
    number = members.number(value)
    return int(number) if number is not None and 0 <= number < 65536 else None


def _confidence(value: object) -> int | None:
    if isinstance(value, str) and value.strip().lower() in _GRADES:
        return _GRADES[value.strip().lower()]
    number = members.number(value)
    return round(number) if number is not None and 0 <= number <= 100 else None


def _markings(value: object) -> tuple[str, ...]:
    if (written := _text(value)) is None:
        return ()
    found = markings.of_label(written if written.lower().startswith("tlp:") else f"tlp:{written}")
    return (found,) if found else ()
