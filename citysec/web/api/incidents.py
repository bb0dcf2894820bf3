"""Incidents: what needs a response, why, and what happened."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from pydantic import Field
from sqlalchemy.orm import aliased
from sqlmodel import col, select
from sqlmodel.sql.expression import Select

from citysec.access import policy
from citysec.access.policy import Principal
from citysec.advisories import publish
from citysec.advisories.announce import LONGEST_STEP, STEPS, Statement, announce, withdraw
from citysec.errors import NotShared
from citysec.incidents import record
from citysec.incidents.escalate import raise_to_city
from citysec.incidents.lifecycle import State, Step
from citysec.incidents.severity import Severity
from citysec.tables.incidents import Incident, IncidentMatch, TimelineEntry
from citysec.tables.matches import Match
from citysec.tables.register import Constituent
from citysec.web.api import matches
from citysec.web.api.matches import MatchOut
from citysec.web.api.operation import Call, Nothing
from citysec.web.api.paging import Keyset, page
from citysec.web.api.values import In, Instant, Label, Name, Out, Page, Paging, Text


class ParentOut(Out):
    """The city incident above an incident; a constituent learns no more of it."""

    id: str
    ref: str
    title: str
    severity: Severity
    state: State


class IncidentOut(Out):
    """One incident; `constituent` null is the city's own, `aware_at` is when legal clocks start."""

    id: str
    ref: str
    constituent: str | None
    parent: ParentOut | None
    kind: str
    threat: Annotated[str | None, Field(description="Root cause; for the city's own team only.")]
    title: str
    severity: Severity
    state: State
    confidence: int
    tlp: Label
    aware_at: datetime
    due_at: Annotated[datetime | None, Field(description="By when what it rests on is to be mended.")]
    updated_at: datetime
    closed_at: datetime | None


class TimelineOut(Out):
    """One thing that happened."""

    id: int
    at: datetime
    kind: str
    text: str
    actor: str


class PublishedOut(Out):
    """The advisories that stand now, whether new or published before."""

    advisories: Annotated[list[str], Field(description="Ids.")]


class StatementBody(In):
    """What a person says to the public."""

    title: Annotated[Text, Field(min_length=1, max_length=200)]
    what: Annotated[Text, Field(min_length=1, max_length=4000)]
    todo: Annotated[
        list[Annotated[Text, Field(max_length=LONGEST_STEP)]], Field(default_factory=list[str], max_length=STEPS)
    ]
    change: Annotated[Text, Field(max_length=400, description="What a correction changes.")] = ""


class RetractionBody(In):
    """Why, for the timeline and the audit; the public does not read it."""

    reason: Annotated[Text, Field(min_length=1, max_length=4000)]


class IncidentQuery(Paging):
    """Which incidents."""

    state: Annotated[list[State], Field(default_factory=list[State], max_length=3)]
    severity: Annotated[list[Severity], Field(default_factory=list[Severity], max_length=4)]
    constituent: Annotated[Name | None, Field(description="Slug.")] = None
    parent: Annotated[Name | None, Field(description="Id of a city incident.")] = None
    updated_since: Instant | None = None


class NoteBody(In):
    """A note for the timeline."""

    text: Annotated[Text, Field(min_length=1)]


class MoveBody(In):
    """Why, in a person's words."""

    note: Text = ""


class ReasonBody(In):
    """Why the threat is the city's affair."""

    reason: Annotated[Text, Field(min_length=1)]


_Row = tuple[Incident, str | None, Incident | None]
_BY_AGE: Keyset[_Row] = Keyset((col(Incident.aware_at), col(Incident.id)), lambda row: (row[0].aware_at, row[0].id))
_BY_ID: Keyset[TimelineEntry] = Keyset((col(TimelineEntry.id),), lambda entry: (entry.id or 0,))


async def list_incidents(call: Call[IncidentQuery, Nothing]) -> Page[IncidentOut]:
    """List incidents, open and closed."""
    query, statement = call.query, _select(call)
    if query.state:
        statement = statement.where(col(Incident.state).in_(query.state))
    if query.severity:
        statement = statement.where(col(Incident.severity).in_(query.severity))
    if query.constituent is not None:
        statement = statement.where(col(Constituent.slug) == query.constituent)
    if query.parent is not None:
        statement = statement.where(col(Incident.parent_id) == query.parent)
    if query.updated_since is not None:
        statement = statement.where(col(Incident.updated_at) >= query.updated_since)
    return await page(call, statement, _BY_AGE, lambda row: _out(row, call.principal))


async def get_incident(call: Call[Nothing, Nothing]) -> IncidentOut:
    """One incident."""
    return await _shown(call, call.path["id"])


async def timeline(call: Call[Paging, Nothing]) -> Page[TimelineOut]:
    """What happened to it; the notes of the city's team are for the team."""
    incident = await visible(call)
    entries = select(TimelineEntry).where(
        TimelineEntry.incident_id == incident.id, policy.timeline_entries(call.principal)
    )
    return await page(call, entries, _BY_ID, TimelineOut.model_validate)


async def incident_matches(call: Call[Paging, Nothing]) -> Page[MatchOut]:
    """The matches it rests on."""
    incident = await visible(call)
    linked = select(IncidentMatch.match_id).where(IncidentMatch.incident_id == incident.id)
    return await matches.listed(call, col(Match.id).in_(linked))


async def add_note(call: Call[Nothing, NoteBody]) -> IncidentOut:
    """Write a note into the timeline."""
    incident = await visible(call)
    await record.note(call.db, incident.id, call.body.text, call.principal.name)
    return await _shown(call, incident.id)


async def contain(call: Call[Nothing, MoveBody]) -> IncidentOut:
    """Say that the threat does no more harm."""
    return await _move(call, Step.CONTAIN)


async def close(call: Call[Nothing, MoveBody]) -> IncidentOut:
    """Say that nothing is left to do."""
    return await _move(call, Step.CLOSE)


async def reopen(call: Call[Nothing, MoveBody]) -> IncidentOut:
    """Take it up again."""
    return await _move(call, Step.REOPEN)


async def escalate(call: Call[Nothing, ReasonBody]) -> IncidentOut:
    """Make its threat the city's affair; the answer is the city incident."""
    incident = await visible(call)
    city = await raise_to_city(call.db, incident.id, call.body.reason, call.principal.name, call.app.incidents)
    return await _shown(call, city.id)


async def advise(call: Call[Nothing, Nothing]) -> PublishedOut:
    """Tell the constituents concerned, each at most what it may know; again only when there is something new."""
    incident = await visible(call)
    ids = await publish.publish(call.db, incident.id, actor=call.principal.name, policy=call.app.advisories)
    return PublishedOut(advisories=ids)


async def tell(call: Call[Nothing, StatementBody]) -> PublishedOut:
    """Tell the public in words that a person has signed off: TLP:CLEAR; a further statement corrects the one before."""
    incident = await visible(call)
    said = Statement(call.body.title, call.body.what, tuple(call.body.todo), call.body.change)
    advisory = await announce(call.db, incident.id, said, actor=call.principal.name)
    return PublishedOut(advisories=[advisory.id])


async def take_back(call: Call[Nothing, RetractionBody]) -> PublishedOut:
    """Withdraw what the public reads about it: the page then says so, and no word of it is left there."""
    incident = await visible(call)
    advisory = await withdraw(call.db, incident.id, call.body.reason, actor=call.principal.name)
    return PublishedOut(advisories=[advisory.id])


async def visible(call: Call[Any, Any]) -> Incident:
    """Return the incident of the path.

    Raises:
        NotShared: there is none that the caller may see.
    """
    found = select(Incident).where(Incident.id == call.path["id"], policy.incidents(call.principal))
    incident = (await call.db.exec(found)).first()
    if incident is None:
        raise NotShared
    return incident


async def _move(call: Call[Nothing, MoveBody], step: Step) -> IncidentOut:
    incident = await visible(call)
    await record.move(call.db, incident.id, step, call.principal.name, call.body.note)
    return await _shown(call, incident.id)


async def _shown(call: Call[Any, Any], incident_id: str) -> IncidentOut:
    await call.db.flush()
    row = (await call.db.exec(_select(call).where(col(Incident.id) == incident_id))).first()
    if row is None:
        raise NotShared
    return _out(row, call.principal)


def _select(call: Call[Any, Any]) -> Select[Incident, str, Incident]:
    parent = aliased(Incident)
    known = policy.parents(call.principal, parent) | policy.incidents(call.principal, parent)
    return (
        select(Incident, Constituent.slug, parent)
        .outerjoin(Constituent, col(Constituent.id) == col(Incident.constituent_id))
        .outerjoin(parent, (col(parent.id) == col(Incident.parent_id)) & known)
        .where(policy.incidents(call.principal))
    )


def _out(row: _Row, reader: Principal) -> IncidentOut:
    incident, constituent, parent = row
    told = {"constituent": constituent, "parent": parent, "threat": incident.threat if reader.of_city else None}
    return IncidentOut.model_validate(incident.model_dump() | told)
