"""What constituents' machines saw: single sightings, batches of observations, and the list of what came of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, ClassVar, Final, Literal, cast

from pydantic import Field
from sqlmodel import col, select, true

from citysec import tlp
from citysec.access import audit, policy
from citysec.access.policy import Principal
from citysec.advisories.words import refanged
from citysec.correlate import observing, sighted, telemetry
from citysec.correlate.sifting import sift
from citysec.correlate.sighted import Sighted, Telling
from citysec.correlate.telemetry import Taken
from citysec.errors import InvalidInput
from citysec.patterning.evaluation.observed import MAX_OBSERVED, microseconds
from citysec.tables.columns import now
from citysec.tables.matches import Match
from citysec.tables.register import Constituent
from citysec.tables.sightings import Report, Sighting
from citysec.telemetry import Form, Seen, read
from citysec.telemetry.records import facts_in
from citysec.web.api.operation import Ahead, Call, Nothing, Raw
from citysec.web.api.paging import Keyset, page
from citysec.web.api.values import In, Instant, Label, Name, Out, Page, Paging, Text

SHOWN: Final = 1000
"""Indicators that an answer names."""

_Level = Literal["TLP:CLEAR", "TLP:GREEN", "TLP:AMBER", "TLP:AMBER+STRICT", "TLP:RED"]
_Slug = Annotated[
    str | None,
    Field(max_length=100, pattern=r"^[^\x00]*$", description="Whose machines; a constituent may leave it out."),
]
_Told = Annotated[_Level, Field(description="Who may learn that it was seen; above TLP:AMBER, the city.")]
_TIME: Final = {
    "description": "RFC 3339 with an offset, or seconds since 1970.",
    "oneOf": [{"type": "string", "format": "date-time"}, {"type": "number"}],
}
_RECORD: Final[dict[str, Any]] = {
    "type": "object",
    "required": ["seen_at"],
    "properties": {"seen_at": _TIME, "last_seen_at": _TIME, "count": {"type": "integer", "minimum": 1}}
    | {name: {"type": "string"} for name in ("ip", "src_ip", "dst_ip", "domain", "url", "email", "hash")},
}
_RECORDS: Final = {"type": "array", "items": _RECORD}
_STIX: Final[dict[str, Any]] = {
    "description": "A bundle with observed-data, 2.0 or 2.1.",
    "type": "object",
    "required": ["objects"],
    "properties": {"objects": {"type": "array", "items": {"type": "object"}}},
}
_TABLE: Final = {"type": "string", "description": "A header with seen_at and one of the values of records, then rows."}
_FORMS: Final[Mapping[str, Form]] = {
    "application/json": Form.JSON,
    "application/stix+json": Form.JSON,
    "application/x-ndjson": Form.LINES,
    "text/csv": Form.CSV,
}


class Observations(Raw):
    """Observations in the form that the media type names."""

    TYPES: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "application/json": {"oneOf": [_RECORDS, _STIX]},
        "application/stix+json": _STIX,
        "application/x-ndjson": {"type": "string", "description": "One record a line."},
        "text/csv": _TABLE,
    }


class ReportQuery(In):
    """Whose machines saw it, and who may learn of it."""

    constituent: _Slug = None
    tlp: _Told = "TLP:AMBER+STRICT"


class SightedBody(In):
    """Something that was seen: the id of an indicator, or a value."""

    indicator: Annotated[Name | None, Field(description="STIX id.")] = None
    value: Annotated[
        Text | None,
        Field(description="Address, name, URL, mailbox or hash, also made harmless (`evil[.]example`)."),
    ] = None
    seen_at: Annotated[Instant | None, Field(description="Null is now.")] = None
    last_seen_at: Instant | None = None
    count: Annotated[int, Field(ge=1, le=MAX_OBSERVED)] = 1
    note: Annotated[Text, Field(description="What a person says of it.")] = ""
    constituent: _Slug = None
    tlp: _Told = "TLP:AMBER+STRICT"


class FaultOut(Out):
    """An observation that could not be used."""

    at: str
    reason: str


class SeenOut(Out):
    """An indicator that was seen."""

    indicator_id: str
    indicator_value: str
    match: Annotated[str, Field(description="Id of the match that holds all its sightings.")]
    certain: bool
    count: int
    first_seen: datetime
    last_seen: datetime


class ReportOut(Out):
    """What came of a report; what touched no indicator is forgotten."""

    id: str
    received: Annotated[int, Field(description="Observations that could be used.")]
    rejected: int
    matched: Annotated[int, Field(description="Indicators that were seen, of those that the caller may know.")]
    rejects: Annotated[list[FaultOut], Field(description=f"The first {telemetry.SHOWN}.")]
    sightings: Annotated[list[SeenOut], Field(description=f"The first {SHOWN}.")]


class SightingOut(Out):
    """How often an indicator was seen at a constituent on one day (UTC)."""

    id: str
    constituent: Annotated[str, Field(description="Slug.")]
    indicator_id: str
    indicator_value: str
    match: str
    day: str
    first_seen: datetime
    last_seen: datetime
    count: int
    tlp: Annotated[Label, Field(description="Who may learn that it was seen.")]
    reporter: str
    note: str | None
    first_told_at: datetime
    last_told_at: datetime


class SightingQuery(Paging):
    """Which sightings."""

    constituent: Annotated[Name | None, Field(description="Slug.")] = None
    indicator: Annotated[Name | None, Field(description="STIX id.")] = None
    updated_since: Instant | None = None


_Row = tuple[Sighting, Match, str]
_BY_AGE: Keyset[_Row] = Keyset(
    (col(Sighting.first_told_at), col(Sighting.id)), lambda row: (row[0].first_told_at, row[0].id)
)


async def list_sightings(call: Call[SightingQuery, Nothing]) -> Page[SightingOut]:
    """List what constituents' machines saw, by indicator and day."""
    query, wanted = call.query, true()
    if query.constituent is not None:
        wanted &= col(Constituent.slug) == query.constituent
    if query.indicator is not None:
        wanted &= col(Match.indicator_id) == query.indicator
    if query.updated_since is not None:
        wanted &= col(Sighting.last_told_at) >= query.updated_since
    statement = (
        select(Sighting, Match, Constituent.slug)
        .join(Match, col(Match.id) == col(Sighting.match_id))
        .join(Constituent, col(Constituent.id) == col(Match.constituent_id))
        .where(wanted, policy.matches(call.principal))
    )
    return await page(call, statement, _BY_AGE, _out)


def _out(row: _Row) -> SightingOut:
    sighting, match, slug = row
    about = {"constituent": slug, "match": match.id}
    about |= {"indicator_id": match.indicator_id, "indicator_value": match.indicator_value}
    return SightingOut.model_validate(sighting.model_dump() | about)


async def sorted_out(ahead: Ahead[ReportQuery, Observations]) -> Taken:
    """Return what of the observations touches an indicator."""
    form = _FORMS.get(ahead.body.type, Form.JSON)
    keep = ahead.app.settings.telemetry_keep_hours > 0
    return await telemetry.take_in(ahead.app.database, read(ahead.body.content, form), now(), keep=keep)


async def report_observations(call: Call[ReportQuery, Observations]) -> ReportOut:
    """Compare a batch of observations with all indicators, and keep only what was seen of these.

    The same batch again is answered alike and counts nothing twice.
    """
    body, taken, at = await _constituent(call, call.query.constituent), cast("Taken", call.found), now()
    number = telemetry.batch_id(call.principal.account_id, body.id, call.query.tlp, call.body.type, call.body.content)
    if (before := await call.db.get(Report, number)) is not None:
        return ReportOut.model_validate(before.answer)
    telling = Telling(body.id, call.principal.name, at, tlp.parse(call.query.tlp))
    found = await telemetry.write_down(call.db, taken, telling, number)
    await _audit(call, body, telling, found)
    answer = _answer(number, taken, _visible(found, call.principal))
    call.db.add(Report(id=number, constituent_id=body.id, at=at, answer=answer.model_dump(mode="json")))
    return answer


async def report_sighting(call: Call[Nothing, SightedBody]) -> ReportOut:
    """Report that an indicator, or a value that some indicator speaks of, was seen."""
    said, at = call.body, now()
    body = await _constituent(call, said.constituent)
    first = said.seen_at or at
    last = said.last_seen_at or first
    if last < first or last > at + telemetry.AHEAD:
        raise InvalidInput.at(
            "last_seen_at" if said.last_seen_at else "seen_at", "is before seen_at, or lies in the future"
        )
    taken = Taken(received=1)
    telling = Telling(body.id, call.principal.name, at, tlp.parse(said.tlp), said.note)
    times = (microseconds(first), microseconds(last), said.count)
    if (said.indicator is None) == (said.value is None):
        raise InvalidInput.at("value", "name either an indicator or a value")
    if said.value is not None:
        seen = Seen("value", *times, facts_in(refanged(said.value.strip())))
        taken.left = await sift(call.db, [seen])
        found = await observing.record(call.db, taken.left, telling)
    else:
        tally = sighted.Tally(*times)
        one = await sighted.record_one(call.db, said.indicator or "", tally, telling, call.principal.clearance)
        if one is None:
            raise InvalidInput.at(
                "indicator", "is none that counts now, as far as you may know, or is on a warning list"
            )
        found = [one]
    await _audit(call, body, telling, found)
    return _answer("", taken, _visible(found, call.principal))


async def _audit(call: Call[Any, Any], body: Constituent, telling: Telling, found: Sequence[Sighted]) -> None:
    if found:
        facts = {"indicators": len(found), "tlp": telling.tlp.label}
        await audit.record(call.db, telling.reporter, "sighting.report", f"constituent:{body.slug}", facts)


def _visible(found: Iterable[Sighted], principal: Principal) -> list[Sighted]:
    return [one for one in found if one.match.tlp <= principal.clearance]


async def _constituent(call: Call[Any, Any], slug: str | None) -> Constituent:
    """Return whose machines a report is about.

    Raises:
        InvalidInput: the city's team has to say so; there is no such constituent, or it is not the caller's.
    """
    if slug is None and call.principal.of_city:
        raise InvalidInput.at("constituent", "say whose machines saw it")
    named = true() if slug is None else col(Constituent.slug) == slug
    found = (await call.db.exec(select(Constituent).where(named, policy.constituents(call.principal)))).first()
    if found is None:
        raise InvalidInput.at("constituent", "is none that you may speak for")
    return found


def _answer(number: str, taken: Taken, found: Sequence[Sighted]) -> ReportOut:
    return ReportOut(
        id=number,
        received=taken.received,
        rejected=taken.rejected,
        matched=len(found),
        rejects=[FaultOut(at=fault.at, reason=fault.message) for fault in taken.faults],
        sightings=[_seen(one) for one in found[:SHOWN]],
    )


def _seen(one: Sighted) -> SeenOut:
    return SeenOut(
        indicator_id=one.match.indicator_id,
        indicator_value=one.match.indicator_value,
        match=one.match.id,
        certain=one.match.certain,
        count=one.tally.count,
        first_seen=sighted.instant(one.tally.first),
        last_seen=sighted.instant(one.tally.last),
    )
