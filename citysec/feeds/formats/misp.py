"""MISP events: each attribute that MISP would export for detection becomes an entry.

Read are an event (alone, or as `{"Event": …}`), lists of events, the answers of a server (`{"response": …}`, of events
or of attributes) and NDJSON of any of them. An attribute counts when it is `to_ids` and neither it nor its object is
deleted; a vulnerability counts always, for MISP itself never sets `to_ids` there. Attachments are never looked at.

Source:
    MISP core format (draft-dulaunoy-misp-core-format) §2.2 (event), §2.4 (attribute), §2.5 (object), §2.4.9 (tag),
    §2.7 (sighting).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from functools import partial
from typing import Any, BinaryIO, Final

import msgspec
from msgspec import Raw
from msgspec.structs import replace

from citysec import observable
from citysec.errors import InvalidInput
from citysec.feeds.formats import misp_types
from citysec.feeds.formats.documents import MALFORMED, Document, decoded, documents, excerpt, is_list, listed
from citysec.feeds.formats.draft import RAW_BYTES, Entry, Item, Reject, Subject, rejected
from citysec.feeds.formats.format import Format
from citysec.feeds.formats.members import mapping, mappings, text, yes
from citysec.feeds.formats.misp_tags import Tags, tags
from citysec.feeds.formats.misp_types import Said
from citysec.feeds.formats.times import instant

_ABSENT: Final = Raw(b"null")
_NAME: Final = 500
_DESCRIPTION: Final = 2000
_INDICATOR: Final = Subject.INDICATOR  # to read a member off its class takes Python 3.11 as long as a call
_VULNERABILITY: Final = Subject.VULNERABILITY
_SIGHTED: Final = "0"
_EXPIRED: Final = "2"


class Options(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a feed's definition may say.

    Args:
        to_ids_only: leave out attributes that are not meant for detection. Some publishers never set `to_ids`: with
            false, every attribute counts whose type a pattern can say.
    """

    to_ids_only: bool = True


class _Wrapping(msgspec.Struct):
    response: Raw = _ABSENT
    event: Raw = msgspec.field(name="Event", default=_ABSENT)
    attributes: Raw = msgspec.field(name="Attribute", default=_ABSENT)
    info: Raw = _ABSENT


class _Event(msgspec.Struct):
    info: Raw = _ABSENT
    uuid: Raw = _ABSENT
    date: Raw = _ABSENT
    tags: Raw = msgspec.field(name="Tag", default=_ABSENT)
    galaxies: Raw = msgspec.field(name="Galaxy", default=_ABSENT)
    attributes: Raw = msgspec.field(name="Attribute", default=_ABSENT)
    objects: Raw = msgspec.field(name="Object", default=_ABSENT)


class _Object(msgspec.Struct):
    name: Any = None
    comment: Any = None
    deleted: Any = None
    first_seen: Any = None
    last_seen: Any = None
    attributes: Raw = msgspec.field(name="Attribute", default=_ABSENT)


class _Attribute(msgspec.Struct, gc=False):
    type: str
    value: Any = None
    to_ids: Any = None
    deleted: Any = None
    uuid: Any = None
    category: Any = None
    comment: Any = None
    timestamp: Any = None
    first_seen: Any = None
    last_seen: Any = None
    object_relation: Any = None
    tags: Any = msgspec.field(name="Tag", default=None)
    galaxies: Any = msgspec.field(name="Galaxy", default=None)
    sightings: Any = msgspec.field(name="Sighting", default=None)
    event: Any = msgspec.field(name="Event", default=None)


_wrapping: Final = msgspec.json.Decoder(_Wrapping)
_event: Final = msgspec.json.Decoder(_Event)
_object: Final = msgspec.json.Decoder(_Object)
_attribute: Final = msgspec.json.Decoder(_Attribute)


class _Around(msgspec.Struct, frozen=True):
    """What holds for each attribute of an event, or of an object in it; `size` is how many bytes say it."""

    event: _Event
    size: int
    name: str | None
    uuid: str | None
    date: datetime | None
    tags: Tags
    options: Options
    object: _Object | None = None


def read(file: BinaryIO, options: Options) -> Iterator[Item]:
    """Yield an entry or a reject for each attribute that is meant for detection.

    Raises:
        InvalidInput: the file as a whole is no MISP event.
    """
    for document in documents(file, "response"):
        if isinstance(document, Reject):
            yield document
            continue
        try:
            yield from _unwrapped(document, options)
        except MALFORMED as err:
            if not document.at:
                raise InvalidInput.at("", f"this is no MISP event: {err}") from err
            yield rejected(document.at, err, bytes(document.raw))


def _unwrapped(document: Document, options: Options) -> Iterator[Item]:
    """Yield what is in an event, or in the answer of a server: a list of events, or one object of attributes."""
    found = _wrapping.decode(document.raw)
    response = found.response
    if not _is_there(response):
        yield from _of_wrapping(found, document, options)
    elif not is_list(response):
        yield from _event_in(Document(f"{document.at}/response", response), options)
    else:
        yield from _each(response, f"{document.at}/response", lambda one: _event_in(one, options))


def _is_there(raw: Raw) -> bool:
    return bytes(memoryview(raw)[:4]) != b"null"


def _event_in(document: Document, options: Options) -> Iterator[Item]:
    return _of_wrapping(_wrapping.decode(document.raw), document, options)


def _of_wrapping(found: _Wrapping, document: Document, options: Options) -> Iterator[Item]:
    """Yield what is in an event, whether it is wrapped or not.

    Raises:
        msgspec.ValidationError: it is no event.
    """
    if _is_there(found.event):
        return _of_event(found.event, f"{document.at}/Event", options)
    if not _is_there(found.info) and not _is_there(found.attributes):
        raise msgspec.ValidationError("an event has an info")
    return _of_event(document.raw, document.at, options)


def _of_event(raw: Raw, at: str, options: Options) -> Iterator[Item]:
    event = _event.decode(raw)
    said, info = tags(decoded(event.tags), decoded(event.galaxies)), text(decoded(event.info))
    around = _Around(
        event=event,
        size=len(raw) - len(event.attributes) - len(event.objects),
        name=info and info[:_NAME],
        uuid=text(decoded(event.uuid)),
        date=instant(decoded(event.date)),
        tags=said,
        options=options,
    )
    yield from _each(event.attributes, f"{at}/Attribute", partial(_of_attribute, around=around))
    yield from _each(event.objects, f"{at}/Object", partial(_of_object, around=around))


def _each(raws: Raw, at: str, read_one: Callable[[Document], Iterable[Item]]) -> Iterator[Item]:
    """Yield what is in each member of a list, if there is one; a member that is malformed costs itself."""
    try:
        members = listed(raws, at) if _is_there(raws) else ()
    except MALFORMED as err:
        yield Reject(at, str(err), excerpt(raws))
        return
    for one in members:
        if isinstance(one, Reject):
            yield one
            continue
        try:
            yield from read_one(one)
        except MALFORMED as err:
            yield Reject(one.at, str(err), excerpt(one.raw))


def _of_object(document: Document, around: _Around) -> Iterator[Item]:
    found = _object.decode(document.raw)
    if not yes(found.deleted):
        size = around.size + len(document.raw) - len(found.attributes)
        inside = replace(around, object=found, size=size)
        yield from _each(found.attributes, f"{document.at}/Attribute", partial(_of_attribute, around=inside))


def _of_attribute(document: Document, around: _Around) -> Sequence[Item]:
    """Return what an attribute says: nothing where it is deleted or context only."""
    at, raw = document.at, document.raw
    found = _attribute.decode(raw)
    is_vulnerability = found.type == "vulnerability"
    is_wanted = found.to_ids is True or is_vulnerability or _is_wanted(found, around.options)
    if not is_wanted or (found.deleted and yes(found.deleted)):
        return ()
    try:
        value = text(found.value)
        if value is None:
            raise InvalidInput.at("", "the value is missing or no text")
        said = (Said(observable.cve(value).value, {}),) if is_vulnerability else misp_types.said(found.type, value)
    except InvalidInput as err:
        return (_refused(raw, at, err, around),)
    subject = _VULNERABILITY if is_vulnerability else _INDICATOR
    return [_entry(subject, one, found, at, around) for one in said]


def _refused(raw: Raw, at: str, reason: InvalidInput, around: _Around) -> Reject:
    """Return the reject of an attribute, to be read again in an event with nothing else in it."""
    fits = around.size + len(raw) <= RAW_BYTES
    return rejected(at, reason, _alone(raw, around) if fits else b"", excerpt(raw))


def _alone(raw: Raw, around: _Around) -> bytes:
    """Return the event as if it had but that attribute: its tags, and those of its object, hold for it again."""
    one = Raw(b"[%b]" % bytes(raw))
    if around.object is None:
        return msgspec.json.encode({"Event": replace(around.event, attributes=one, objects=_ABSENT)})
    inside = Raw(b"[%b]" % msgspec.json.encode(replace(around.object, attributes=one)))
    return msgspec.json.encode({"Event": replace(around.event, attributes=_ABSENT, objects=inside)})


def _is_wanted(found: _Attribute, options: Options) -> bool:
    return yes(found.to_ids) or (not options.to_ids_only and found.type in misp_types.TYPES)


def _entry(subject: Subject, said: Said, found: _Attribute, at: str, around: _Around) -> Entry:
    own = around.tags | tags(found.tags, found.galaxies) if found.tags or found.galaxies else around.tags
    inside = around.object
    since = (found.first_seen and instant(found.first_seen)) or (inside and instant(inside.first_seen))
    comment = text(found.comment) or (inside and text(inside.comment))
    seen = (found.sightings and _latest(found, _SIGHTED)) or (found.last_seen and instant(found.last_seen))
    return Entry(
        at=at,
        subject=subject,
        key=said.key,
        name=around.name or text(mapping(found.event).get("info")),
        labels=own.labels,
        confidence=own.confidence,
        since=since or instant(found.timestamp) or around.date,
        seen=seen or (inside and instant(inside.last_seen)) or None,
        until=_latest(found, _EXPIRED) if found.sightings else None,
        description=comment[:_DESCRIPTION] if comment else None,
        marking_refs=own.marking_refs,
        facts=_facts(said, found, around, own),
        observables=said.observables,
    )


def _latest(found: _Attribute, kind: str) -> datetime | None:
    """Return when an attribute was sighted, or was said to be over, for the last time."""
    said = (s for s in mappings(found.sightings) if str(s.get("type", _SIGHTED)) == kind)
    return max((at for s in said if (at := instant(s.get("date_sighting")))), default=None)


def _facts(said: Said, found: _Attribute, around: _Around, own: Tags) -> dict[str, Any]:
    facts: dict[str, Any] = {"type": found.type, **said.facts} if said.facts else {"type": found.type}
    if around.uuid:
        facts["event"] = around.uuid
    if uuid := text(found.uuid):
        facts["attribute"] = uuid
    if category := text(found.category):
        facts["category"] = category
    if around.object and (name := text(around.object.name)):
        facts["object"] = name
    if found.object_relation and (relation := text(found.object_relation)):
        facts["relation"] = relation
    if own.threats:
        facts["threats"] = [*own.threats]
    return facts


FORMAT: Final = Format("MISP: events, alone, in lists, and as a server answers", read, Options)
