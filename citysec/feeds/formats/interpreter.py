"""From one record of a table or of JSON to entries, as a profile says."""

from __future__ import annotations

from collections.abc import Sequence
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
from citysec.feeds.formats.values import Reader, Value, pattern
from citysec.observable import Kind

Said = Sequence[object]
"""What a record says under each name, in their order: a text, another JSON value, or None for nothing."""

_NOTHING: Final = frozenset({"", "-", "n/a", "na", "none", "null", "nan"})
_GRADES: Final = {"low": 15, "medium": 50, "moderate": 50, "high": 85}
"""STIX 2.1, appendix A: the scale of three words."""
_LABELS: Final = 20
_WORD: Final = 100
_NAME: Final = 200
_SENTENCES: Final = 2000
_REFERENCES: Final = 10
_WEB: Final = ("https://", "http://")
_CVE: Final = Kind.CVE  # to read a member off its class takes Python 3.11 as long as a call
_INDICATOR: Final = Subject.INDICATOR
_VULNERABILITY: Final = Subject.VULNERABILITY


class Interpreter:
    """Makes entries of records that all mean what one profile says."""

    def __init__(self, profile: Profile, names: Sequence[str]) -> None:
        """Look up once where each record says what.

        Args:
            profile: what the names mean; of those that no record has, nothing is said.
            names: of what a record says, in its order; of equal ones the first counts.
        """
        places: dict[str | None, int] = {name: at for at, name in reversed([*enumerate(names)])}
        fields = profile.fields
        self._profile, self._names = profile, names
        self._values = [(name, places[name], reader_of(kind), kind == ANY) for name, kind in profile.values.items()]
        self._kind, self._prefix, self._port = map(places.get, (fields.kind, fields.prefix, fields.port))
        self._since, self._seen, self._until = map(places.get, (fields.since, fields.seen, fields.until))
        self._threat, self._description = places.get(fields.threat), places.get(fields.description)
        self._confidence, self._tlp = places.get(fields.confidence), places.get(fields.tlp)
        self._labels, self._references, self._facts = (
            [places[name] for name in declared if name in places]
            for declared in (fields.labels, fields.references, fields.facts)
        )
        self._kinds = {word.lower(): kind for word, kind in profile.kinds.items()}
        self._words = {word.lower(): ours for word, ours in profile.words.items()}
        self._instant = times.reader(profile.dates)
        self._labels_in = lru_cache(maxsize=1024)(self._labels_of)  # cells repeat labels
        self._reader_of_word = lru_cache(maxsize=64)(self._declared_reader)

    def entries(self, at: str, said: Said) -> tuple[list[Entry], list[str]]:
        """Return an entry for each observable of the record at `at`, and what is wrong with the others."""
        values, faults = self._observables(said)
        if not values:
            return [], faults or [f"nothing in {', '.join(self._profile.values)}"]
        facts = self._facts_of(said)
        entry = self._entry(at, said, facts, values[0])
        if len(values) == 1:
            return [entry], faults
        return [entry, *(_also(entry, facts, value) for value in values[1:])], faults

    def _observables(self, said: Said) -> tuple[list[Value], list[str]]:
        """Return the observables of a record, and why some of what it says is none."""
        found: list[Value] = []
        faults: list[str] = []
        for name, place, read, is_any in self._values:
            for text in _texts(said[place]):
                try:
                    reader = self._reader(said, read) if is_any else read
                    is_whole = self._prefix is None and LOST not in text
                    found += several(text if is_whole else self._whole(text, said), reader)
                except InvalidInput as err:
                    faults.append(f"{name}: {err}" if name else str(err))
        return found, faults

    def _whole(self, text: str, said: Said) -> str:
        """Return the text of an observable, with the prefix length that a record says beside it.

        Raises:
            InvalidInput: a part of the text is lost.
        """
        if LOST in text:
            raise InvalidInput.at("", "bytes that are no text")
        prefix = None if self._prefix is None else _text(said[self._prefix])
        return f"{text}/{prefix}" if prefix else text

    def _reader(self, said: Said, default: Reader) -> Reader:
        """Return what reads the value of a record that says itself of what kind it is.

        Raises:
            InvalidInput: of a kind that no entry can be about.
        """
        word = None if self._kind is None else _text(said[self._kind])
        return default if word is None else self._reader_of_word(word)

    def _declared_reader(self, word: str) -> Reader:
        kind = self._kinds.get(word.lower()) or kind_of(word)
        if kind is None:
            raise InvalidInput.at("", f"the kind {word[:_WORD]!r} is not known")
        return reader_of(kind)

    def _entry(self, at: str, said: Said, facts: dict[str, Any], value: Value) -> Entry:
        """Return what a record says of its first observable, and add to `facts` the dates that cannot be read."""
        subject, key = _about(value)
        return Entry(
            at=at,
            subject=subject,
            key=key,
            name=(None if self._threat is None else _text(said[self._threat], _NAME)) or self._profile.threat,
            labels=self._all_labels(said) if self._labels else (),
            confidence=None if self._confidence is None else _confidence(said[self._confidence]),
            since=None if self._since is None else self._date(self._since, said, facts),
            seen=None if self._seen is None else self._date(self._seen, said, facts),
            until=None if self._until is None else self._date(self._until, said, facts),
            description=None if self._description is None else _text(said[self._description], _SENTENCES),
            references=self._links(said) if self._references else (),
            marking_refs=() if self._tlp is None else _markings(said[self._tlp]),
            facts=facts if value.port is None else {**facts, "port": value.port},
            observables=value.observables,
        )

    def _facts_of(self, said: Said) -> dict[str, Any]:
        facts: dict[str, Any] = {}
        for place in self._facts:
            if (fact := _fact(said[place])) is not None:
                facts[_last(self._names[place])] = fact
        if self._port is not None and (port := _port(said[self._port])) is not None:
            facts["port"] = port
        return facts

    def _date(self, place: int, said: Said, facts: dict[str, Any]) -> datetime | None:
        """Return a date; one that cannot be read becomes a fact, for it would be lost otherwise."""
        written = said[place]
        if isinstance(written, str) and len(written) <= times.LONGEST:
            found = self._instant(written)
        else:
            found = times.instant(written)
        if found is None and (fact := _fact(written)) is not None:
            facts[_last(self._names[place])] = fact
        return found

    def _all_labels(self, said: Said) -> tuple[str, ...]:
        first = said[self._labels[0]]
        if isinstance(first, str) and len(first) <= _WORD and len(self._labels) == 1:
            return self._labels_in(first)
        return self._labels_of(*[said[place] for place in self._labels])

    def _labels_of(self, *said: object) -> tuple[str, ...]:
        texts = (text for each in said for text in _texts(each))
        words = (word for text in texts for raw in text.split(",") if (word := raw.strip().lower()))
        ours = (self._words.get(word, word)[:_WORD] for word in words)
        return tuple(dict.fromkeys(ours))[:_LABELS]

    def _links(self, said: Said) -> tuple[str, ...]:
        found: list[str] = []
        for place in self._references:
            for text in _texts(said[place]):
                if text.startswith(_WEB) and len(text) <= _SENTENCES:
                    found.append(text)  # noqa: PERF401  # a function for a single link would take longer
        return tuple(dict.fromkeys(found))[:_REFERENCES] if len(found) > 1 else tuple(found)


def _also(entry: Entry, facts: dict[str, Any], value: Value) -> Entry:
    """Return the entry about another observable of a record, of which it says the same."""
    subject, key = _about(value)
    own = facts if value.port is None else {**facts, "port": value.port}
    return replace(entry, subject=subject, key=key, facts=own, observables=value.observables)


def _about(value: Value) -> tuple[Subject, str]:
    """Return what is said of an observable, and its key."""
    found = value.observable
    return (_VULNERABILITY, found.value) if found.kind is _CVE else (_INDICATOR, pattern(found))


def _last(name: str) -> str:
    """Return the last step of a JSON pointer, and any other name as it is."""
    return name.rpartition("/")[2]


def _text(value: object, longest: int | None = None) -> str | None:
    """Return what a cell or member says, at most so many characters; None where it says that it says nothing."""
    if isinstance(value, str):
        written = value.strip()
        if len(written) < 5 and written.lower() in _NOTHING:
            return None
        if "\0" in written:  # PostgreSQL has no way to write it
            written = written.replace("\0", LOST)
        return written if longest is None else written[:longest]
    return str(value)[:longest] if isinstance(value, int | float) and not isinstance(value, bool) else None


def _texts(value: object) -> Sequence[str]:
    if isinstance(value, list):
        return [written for one in cast("list[object]", value) if (written := _text(one)) is not None]
    written = _text(value)
    return () if written is None else (written,)


def _fact(value: object) -> Any:
    if isinstance(value, str):
        return _text(value, _SENTENCES)
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
